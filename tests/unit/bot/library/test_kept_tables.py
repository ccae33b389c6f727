"""What is kept of tables: each value beside the name of its column, and what stands above them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.documents.office import ods_row, open_document
from tests.fakes.documents.reading import shown
from tests.fakes.hostile.documents import docx, paragraph

PLAN = "год;2025;;2026;\n;план;факт;план;факт\nОмск;1,5;1,4;1,7;\nТверь;2,0;2,2;2,1;\n"


def table(*rows: str, head: str = "") -> str:
    return f"<table>{head}{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def word_row(*cells: str, more: str = "") -> str:
    texts = (cell if cell.startswith("<") else f"<w:tc>{paragraph(cell)}</w:tc>" for cell in cells)
    return f"<w:tr>{more}{''.join(texts)}</w:tr>"


def word_cell(text: str, properties: str) -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"


def sheet(name: str, *rows: str, columns: str = "", more: str = "") -> str:
    return f'<table:table table:name="{name}"{more}>{columns}{"".join(rows)}</table:table>'


CASES: dict[str, tuple[str, str | bytes, list[str]]] = {
    "semicolons and decimal commas": (
        "a.csv",
        "Год;Вес, кг;Рост, см\n2019;70,5;180,1\n2020;71,2;180,4\n",
        ["[] Год: 2019; Вес, кг: 70,5; Рост, см: 180,1", "[] Год: 2020; Вес, кг: 71,2; Рост, см: 180,4"],
    ),
    "tabs and decimal commas": (
        "a.tsv",
        "Hall\tWarm, °C\nNorth\t21,5\nSouth\t19,0\n",
        ["[] Hall: North; Warm, °C: 21,5", "[] Hall: South; Warm, °C: 19,0"],
    ),
    "a stated delimiter": ("a.csv", "sep=|\nday|load\nMonday|80\n", ["[] day: Monday; load: 80"]),
    "commas within quoted cells": (
        "a.csv",
        'name,note\n"Ivanova, Anna","tea; no sugar"\n"Orlov, Boris","milk; honey"\n',
        ["[] name: Ivanova, Anna; note: tea; no sugar", "[] name: Orlov, Boris; note: milk; honey"],
    ),
    "a preamble of a bank": (
        "a.csv",
        ("Выписка;;;\nПериод:;май 2026;;\nОстаток на начало;1000,00;;\n;;;\nДата;Описание;Приход;Расход\n"
        "01.05.2026;Зарплата;50000,00;\n02.05.2026;Аптека;;340,00\nИтого;;50000,00;340,00\n"),
        [
            "[Выписка › Период: май 2026 › Остаток на начало: 1000,00]"
            f" {row}"
            for row in (
                "Дата: 01.05.2026; Описание: Зарплата; Приход: 50000,00",
                "Дата: 02.05.2026; Описание: Аптека; Расход: 340,00",
                "Дата: Итого; Приход: 50000,00; Расход: 340,00",
            )
        ],
    ),
    "a header of two rows": (
        "a.csv",
        PLAN,
        [
            "[] год: Омск; 2025 / план: 1,5; 2025 / факт: 1,4; 2026 / план: 1,7",
            "[] год: Тверь; 2025 / план: 2,0; 2025 / факт: 2,2; 2026 / план: 2,1",
        ],
    ),
    "years as the header": (
        "a.csv",
        "Hall,2022,2023,2025\nNorth,1200,1350,1410\nSouth,800,790,905\n",
        ["[] Hall: North; 2022: 1200; 2023: 1350; 2025: 1410", "[] Hall: South; 2022: 800; 2023: 790; 2025: 905"],
    ),
    "years without a name above the first column": (
        "a.csv",
        ",2024,2025\nЛыжи,15,18\n",
        ["[] Лыжи; 2024: 15; 2025: 18"],
    ),
    "days as the header": (
        "a.csv",
        "Группа;01.05.2026;02.05.2026\nДети;12;14\nВзрослые;30;31\n",
        ["[] Группа: Дети; 01.05.2026: 12; 02.05.2026: 14", "[] Группа: Взрослые; 01.05.2026: 30; 02.05.2026: 31"],
    ),
    "no header": ("a.csv", "Anna,54\nBoris,61\n", ["[] 1: Anna; 2: 54", "[] 1: Boris; 2: 61"]),
    "years of birth without a header": ("a.csv", "Anna,1954\nBoris,1961\n", ["[] 1: Anna; 2: 1954", "[] 1: Boris; 2: 1961"]),  # noqa: E501
    "columns that are numbered under the header": (
        "a.csv",
        "Название;Ед.;Кол-во\n1;2;3\nВерёвка;м;30\n",
        ["[] Название: Верёвка; Ед.: м; Кол-во: 30"],
    ),
    "a single row of values that count": ("a.csv", "a|b|c\n1|2|3\n", ["[] a: 1; b: 2; c: 3"]),
    "units under the header": (
        "a.csv",
        "Товар;Цена;Вес\n;руб.;кг\nМёд;5;2\n",
        ["[] Товар: Мёд; Цена / руб.: 5; Вес / кг: 2"],
    ),
    "a timetable": (
        "a.csv",
        "День;09:00;10:00\nПн;Бег;Сон\nВт;Баня;Бег\n",
        ["[] День: Пн; 09:00: Бег; 10:00: Сон", "[] День: Вт; 09:00: Баня; 10:00: Бег"],
    ),
    "a table of words alone": (
        "a.csv",
        "Имя;Город;Роль\nАнна;Омск;тренер\nБорис;Тверь;гребец\n",
        ["[] Имя: Анна; Город: Омск; Роль: тренер", "[] Имя: Борис; Город: Тверь; Роль: гребец"],
    ),
    "two tables, one below the other": (
        "a.csv",
        "Day,Minutes\nMonday,40\n\nGroup,Water\nVeterans,26\n",
        ["[] Day: Monday; Minutes: 40", "[] Group: Veterans; Water: 26"],
    ),
    "empty rows within a table": (
        "a.csv",
        "Day,Minutes\nMonday,40\n\nTuesday,45\n",
        ["[] Day: Monday; Minutes: 40", "[] Day: Tuesday; Minutes: 45"],
    ),
    "a table in koi8-r": (
        "a.csv",
        "Упражнение;Минуты\nДолгая дорога;75\n".encode("koi8-r"),
        ["[] Упражнение: Долгая дорога; Минуты: 75"],
    ),
    "a table in UTF-16": (
        "a.csv",
        "Упражнение\tМинуты\nДолгая дорога\t75\n".encode("utf-16"),
        ["[] Упражнение: Долгая дорога; Минуты: 75"],
    ),
    "cells that span rows and columns": (
        "a.html",
        table(
            '<th rowspan="2">Day</th><th colspan="2">Minutes</th>',
            "<th>road</th><th>lake</th>",
            '<td rowspan="0">Monday</td><td>40</td><td rowspan="2">5</td>',
            "<td>45</td>",
            '<td colspan="2">closed</td>',
        ),
        [
            "[] Day: Monday; Minutes / road: 40; Minutes / lake: 5",
            "[] Day: Monday; Minutes / road: 45; Minutes / lake: 5",
            "[] Day: Monday; Minutes / road: closed; Minutes / lake: closed",
        ],
    ),
    "cells that nobody closed": (
        "a.html",
        "<table><caption>Loads<tr><th>week<th>load<tr><td>1<td>80<tr><td>2<td>85</table><p>After it.",
        ["[Loads] week: 1; load: 80", "[Loads] week: 2; load: 85", "After it."],
    ),
    "names of rows": (
        "a.html",
        table("<td></td><th>Sets</th><th>Reps</th>", "<th>Squat</th><td>5</td><td>3</td>"),
        ["[] Squat; Sets: 5; Reps: 3"],
    ),
    "rows that name those below": (
        "a.html",
        table(
            "<th>Group</th><th>Minutes</th>",
            '<td colspan="2">Monday</td>',
            "<td>Juniors</td><td>40</td>",
            '<td colspan="2">Friday</td>',
            "<td>Seniors</td><td>75</td>",
        ),
        ["[Monday] Group: Juniors; Minutes: 40", "[Friday] Group: Seniors; Minutes: 75"],
    ),
    "a table for the layout of a page": (
        "a.html",
        table("<td><h1>News</h1><p>One.</p></td><td>" + table("<td>a</td><td>1</td>", "<td>b</td><td>2</td>") + "</td>"),  # noqa: E501
        ["# News", "One.", "[] 1: a; 2: 1", "[] 1: b; 2: 2"],
    ),
    "a table within a cell": (
        "a.html",
        table("<th>Day</th><th>Plan</th>", f"<td>Monday</td><td>{table('<td>road</td><td>40</td>', '<td>lake</td><td>5</td>')}</td>"),  # noqa: E501
        ["[] Day: Monday; Plan: road 40; lake 5"],
    ),
    "a table in Markdown": (
        "a.md",
        "| week | 2024 | 2025 |\n|--|--|--|\n| 1 | 80 | 85 |\n",
        ["[] week: 1; 2024: 80; 2025: 85"],
    ),
    "a table in HTML within Markdown": (
        "a.md",
        "Before.\n\n<table><tr><th>Day<th>Min<tr><td rowspan=2>Monday<td>40<tr><td>45</table>\n\nAfter.\n",
        ["Before.", "[] Day: Monday; Min: 40", "[] Day: Monday; Min: 45", "After."],
    ),
    "merged cells of Word": (
        "a.docx",
        docx(
            "<w:tbl>"
            + word_row(word_cell("Day", '<w:vMerge w:val="restart"/>'), word_cell("Minutes", '<w:gridSpan w:val="2"/>'))
            + word_row(word_cell("", "<w:vMerge/>"), "road", "lake")
            + word_row("Monday", "40", "5")
            + word_row(word_cell("both days", '<w:gridSpan w:val="2"/>'), "7")
            + "</w:tbl>"
        ),
        ["[] Day: Monday; Minutes / road: 40; Minutes / lake: 5", "[] Day: both days; Minutes / road: both days; Minutes / lake: 7"],  # noqa: E501
    ),
    "merged cells of Word over some columns": (
        "a.docx",
        docx(
            "<w:tbl>"
            + word_row(
                word_cell("Группа", '<w:vMerge w:val="restart"/>'), word_cell("2025", '<w:gridSpan w:val="2"/>'), "2026"
            )
            + word_row(word_cell("", "<w:vMerge/>"), "план", "факт", "план")
            + word_row("Юниоры", "40", "41", "45")
            + "</w:tbl>"
        ),
        ["[] Группа: Юниоры; 2025 / план: 40; 2025 / факт: 41; 2026 / план: 45"],
    ),
    "a title within a table of Word": (
        "a.docx",
        docx(
            "<w:tbl>"
            + word_row(word_cell("Зимний план", '<w:gridSpan w:val="2"/>'))
            + word_row("Неделя", "Нагрузка")
            + word_row("1", "80")
            + "</w:tbl>"
        ),
        ["[Зимний план] Неделя: 1; Нагрузка: 80"],
    ),
    "a spreadsheet of LibreOffice": (
        "a.ods",
        open_document(
            "spreadsheet",
            sheet(
                "Regions",
                ods_row("Region", "City", "Margin", "Old"),
                ods_row('<table:table-cell table:number-rows-spanned="2"><text:p>Siberia</text:p></table:table-cell>', "Omsk", "15,3 %", "1"),  # noqa: E501
                ods_row("<table:covered-table-cell/>", "Tomsk", "7,5 %", "2"),
                ods_row("Volga", "Samara", "9 %", "3", more=' table:visibility="collapse"'),
                ods_row('<table:table-cell table:formula="of:=1+1"/>', "Tver", "1 %", "4"),
                '<table:table-row table:number-rows-repeated="1048000"><table:table-cell'
                ' table:number-columns-repeated="16384"/></table:table-row>',
                columns='<table:table-column table:number-columns-repeated="3"/><table:table-column table:visibility="collapse"/>',  # noqa: E501
            )
            + sheet("Secret", ods_row("a", "1"), more=' table:style-name="h"'),
            '<style:style style:name="h" style:family="table"><style:table-properties table:display="false"/></style:style>',  # noqa: E501
        ),
        [
            "[Regions] Region: Siberia; City: Omsk; Margin: 15,3 %",
            "[Regions] Region: Siberia; City: Tomsk; Margin: 7,5 %",
            "[Regions] City: Tver; Margin: 1 %",
            "! 1 hidden sheet was left out: Secret.",
            "! 1 hidden row was left out: Regions!4.",
            "! 1 hidden column was left out: Regions!D.",
            "! 1 formula has no saved value: Regions!A5. Open the file in an office program and save it again.",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_kept(name: str, tmp_path: Path) -> None:
    file, content, expected = CASES[name]
    (tmp_path / file).write_bytes(content.encode() if isinstance(content, str) else content)
    assert shown(tmp_path / file) == expected
