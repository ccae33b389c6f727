"""What is kept of Excel workbooks: what a person sees in them, and what is told of the rest."""

from __future__ import annotations

import io
from datetime import datetime, time, timedelta
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from bot.library.parse.spreadsheet.format_code import parse_format
from bot.library.parse.spreadsheet.numbers import format_number, format_text
from tests.fakes.documents.reading import shown


def shown_book(book: openpyxl.Workbook, folder: Path) -> list[str]:
    written = io.BytesIO()
    book.save(written)
    (folder / "a.xlsx").write_bytes(written.getvalue())
    return shown(folder / "a.xlsx")


def filled(*rows: list[object]) -> tuple[openpyxl.Workbook, Worksheet]:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "S"
    for row in rows:
        sheet.append(row)
    return book, sheet


def test_formats_of_cells(tmp_path: Path) -> None:
    book, sheet = filled(
        ["Margin", "Price", "Day", "Start", "Spent"],
        [0.153, 1234.5, datetime(2026, 5, 12), time(14, 30), timedelta(hours=26, minutes=30)],  # noqa: DTZ001
    )
    for column, code in zip("ABCDE", ("0.0%", '#,##0.00" ₽"', "dd.mm.yyyy", "h:mm", "[h]:mm"), strict=True):
        sheet[f"{column}2"].number_format = code
    assert shown_book(book, tmp_path) == [
        "[S] Margin: 15.3%; Price: 1,234.50 ₽; Day: 12.05.2026; Start: 14:30; Spent: 26:30"
    ]


def test_merged_regions_and_a_title(tmp_path: Path) -> None:
    book, sheet = filled(
        ["Winter plan", None, None],
        ["Week", "Minutes", None],
        [None, "road", "lake"],
        [1, 75, 5],
        [None, 80, 6],
    )
    for region in ("A1:C1", "A2:A3", "B2:C2", "A4:A5"):
        sheet.merge_cells(region)
    assert shown_book(book, tmp_path) == [
        "[S › Winter plan] Week: 1; Minutes / road: 75; Minutes / lake: 5",
        "[S › Winter plan] Week: 1; Minutes / road: 80; Minutes / lake: 6",
    ]


def test_a_title_over_all_columns_and_an_empty_row(tmp_path: Path) -> None:
    book, sheet = filled(["Отчёт за май", None, None], [], ["Дата", "Товар", "Сумма"], ["пн", "Мёд", 1200.5])
    sheet.merge_cells("A1:C1")
    assert shown_book(book, tmp_path) == ["[S › Отчёт за май] Дата: пн; Товар: Мёд; Сумма: 1200.5"]


def test_hidden_parts_are_left_out_and_told(tmp_path: Path) -> None:
    book, sheet = filled(["Name", "Salary", "Team"], ["Anna", 91000, "rowing"], ["Boris", 85000, "fencing"])
    sheet.column_dimensions["B"].hidden = True
    sheet.row_dimensions[3].hidden = True
    book.create_sheet("Drafts").append(["x"])
    book["Drafts"].sheet_state = "veryHidden"
    assert shown_book(book, tmp_path) == [
        "[S] Name: Anna; Team: rowing",
        "! 1 hidden sheet was left out: Drafts.",
        "! 1 hidden row was left out: S!3.",
        "! 1 hidden column was left out: S!B.",
    ]


def test_formulas_without_values_are_told(tmp_path: Path) -> None:
    book, _ = filled(["Item", "Sum"], ["Rope", "=300*4"], ["Sledge", 1800])
    assert shown_book(book, tmp_path) == [
        "[S] Item: Rope",
        "[S] Item: Sledge; Sum: 1800",
        "! 1 formula has no saved value: S!B2. Open the file in an office program and save it again.",
    ]


def test_tables_one_below_the_other(tmp_path: Path) -> None:
    book, _ = filled(["Day", "Minutes"], ["Monday", 40], [], ["Group", "Water"], ["Veterans", 26], [], ["Total", 66])
    assert shown_book(book, tmp_path) == [
        "[S] Day: Monday; Minutes: 40",
        "[S] Group: Veterans; Water: 26",
        "[S] Group: Total; Water: 66",
    ]


def test_a_table_in_the_middle_of_a_sheet(tmp_path: Path) -> None:
    book, _ = filled([], [], [None, None, "Week", 2024, 2025], [None, None, "first", 80, 85])
    assert shown_book(book, tmp_path) == ["[S] Week: first; 2024: 80; 2025: 85"]


def test_kinds_of_values(tmp_path: Path) -> None:
    book, _ = filled(["Open", "Ratio", "Code", "Sum"], [True, 0.1 + 0.2, "007", 1e6])
    assert shown_book(book, tmp_path) == ["[S] Open: TRUE; Ratio: 0.3; Code: 007; Sum: 1000000"]


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        (0.153, "0.0%", "15.3%"),
        (0.153, "0%", "15%"),
        (0.005, "0%", "1%"),
        (1234567.891, "#,##0", "1,234,568"),
        (1234.5, "#,##0.00", "1,234.50"),
        (-1234.5, "#,##0.00;(#,##0.00)", "(1,234.50)"),
        (-5.0, "0.0", "-5.0"),
        (-0.04, "0.0", "0.0"),
        (5.0, "0.0#", "5.0"),
        (0.5, "#.0", ".5"),
        (7.0, "000", "007"),
        (12345678901.0, "0", "12345678901"),
        (1500000.0, '0.0,,"M"', "1.5M"),
        (1234.0, "[$€-407] #,##0", "€ 1,234"),
        (99.0, "[$-419]0.00", "99.00"),
        (1234.5, '_-* #,##0.00\\ "₽"_-', "1,234.50 ₽"),
        (5.0, '0 "kg"', "5 kg"),
        (5.0, "0\\m", "5m"),
        (74951234567.0, "0-000-000-00-00", "7-495-123-45-67"),
        (0.000123, "0.00E+00", "1.23E-04"),
        (12345.0, "0.00E+00", "1.23E+04"),
        (1.25, "# ?/?", "1 1/4"),
        (0.333333, "# ??/??", "1/3"),
        (0.5, "# ?/8", "1/2"),
        (3.0, "# ?/?", "3"),
        (150.0, '[>100]"much";[<=100]"little"', "much"),
        (50.0, '[>100]"much";[<=100]"little"', "little"),
        (0.0, '0;-0;"none"', "none"),
        (1.0, ";;;", ""),
        (1.0, '"yes";"no";"no"', "yes"),
        (3.14159265358979, "General", "3.141592654"),
        (100.0, 'General" min"', "100 min"),
        (1e20, "General", "1e+20"),
        (46154.0, "d/m/yy", "12/5/26"),
        (46154.0, "dd.mm.yyyy", "12.05.2026"),
        (46154.0, "yyyy-mm-dd", "2026-05-12"),
        (46154.604167, "dd.mm.yyyy hh:mm", "12.05.2026 14:30"),
        (46154.604167, "[$-409]h:mm AM/PM", "2:30 PM"),
        (46154.0, "mmmm yyyy", "May 2026"),
        (46154.0, "[$-419]mmmm yyyy", "май 2026"),
        (46154.0, "d-mmm-yy", "12-May-26"),
        (46154.0, "dddd", "Tuesday"),
        (46154.0, "yyyy", "2026"),
        (46154.0, '[$-FC19]d mmmm yyyy "г."', "12 мая 2026 г."),
        (0.75, "hh:mm:ss", "18:00:00"),
        (1.5, "[h]:mm:ss", "36:00:00"),
        (0.0625, "[mm]:ss", "90:00"),
        (0.002, "mm:ss", "02:53"),
        (0.00001, "mm:ss.00", "00:00.86"),
        (1.0, "yyyy-mm-dd", "1900-01-01"),
        (61.0, "yyyy-mm-dd", "1900-03-01"),
        (-1.0, "yyyy-mm-dd", "-1"),
        (-0.5, "[h]:mm", "-12:00"),
        (5.0, "@", "5"),
    ],
)
def test_numbers_as_shown(value: float, code: str, expected: str) -> None:
    assert format_number(value, code) == expected


def test_days_since_1904() -> None:
    assert format_number(44692.0, "yyyy-mm-dd", is_1904=True) == "2026-05-12"


def test_texts_as_shown() -> None:
    assert format_text("oak", "General") == "oak"
    assert format_text("oak", '0;-0;0;"tree: "@') == "tree: oak"
    assert format_text("oak", ";;;") == ""


@given(st.floats(allow_nan=True), st.text(st.sampled_from('0#?.,%;E+-/@[]$"\\_*hmsyd >=1AMP/'), max_size=30))
def test_no_format_fails(value: float, code: str) -> None:
    assert isinstance(format_number(value, code), str)
    assert parse_format(code)


@given(st.integers(-(10**14), 10**14), st.integers(0, 6))
def test_rounded_numbers_are_near(cents: int, decimals: int) -> None:
    value = cents / 100
    code = "0." + "0" * decimals if decimals else "0"
    assert abs(float(format_number(value, code)) - value) <= 0.5 * 10**-decimals + 1e-9 * abs(value)
