"""What is kept where cells and parts are told by their place: borders, forms, tables beside each other, notes."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import Font

from bot.library.parse.errors import OtherContent, TooLarge
from bot.library.parse.limits import ParseLimits
from bot.library.parse.parser import Parser
from tests.fakes.documents.pdf import At, Drawn, column, pdf, ruled
from tests.fakes.documents.reading import shown
from tests.fakes.hostile.documents import docx, paragraph

WIDE = "\\trowd\\cellx2000\\cellx6000\\cellx10000\\pard\\intbl Region\\cell 2025\\cell 2026\\cell\\row\n"
NARROW = "\\trowd" + "".join(f"\\cellx{edge}" for edge in range(2000, 10001, 2000)) + "\\pard\\intbl "
MERGED = "\\trowd\\clvmgf\\cellx2000\\cellx4000\\pard\\intbl Children\\cell Mon\\cell\\row"
BELOW = "\\trowd\\clvmrg\\cellx2000\\cellx4000\\pard\\intbl \\cell Wed\\cell\\row"

RTF: dict[str, tuple[str, list[str]]] = {
    "cells that are as wide as several": (
        (
            f"{WIDE}{NARROW}\\cell plan\\cell fact\\cell plan\\cell fact\\cell\\row\n"
            f"{NARROW}North\\cell 1\\cell 2\\cell 3\\cell 4\\cell\\row"
        ),
        ["[] Region: North; 2025 / plan: 1; 2025 / fact: 2; 2026 / plan: 3; 2026 / fact: 4"],
    ),
    "cells merged downwards": (
        f"\\trowd\\cellx2000\\cellx4000\\pard\\intbl Group\\cell Day\\cell\\row{MERGED}{BELOW}",
        ["[] Group: Children; Day: Mon", "[] Group: Children; Day: Wed"],
    ),
    "cells merged to the right by marks": (
        (
            "\\trowd\\trhdr\\clmgf\\cellx2000\\clmrg\\cellx4000\\cellx6000\\pard\\intbl Time\\cell\\cell Hall\\cell\\row"  # noqa: E501
            "\\trowd\\cellx2000\\cellx4000\\cellx6000\\pard\\intbl 9\\cell 10\\cell A\\cell\\row"
        ),
        ["[] Time: 9; Time: 10; Hall: A"],
    ),
    "a table within a cell": (
        (
            "\\trowd\\cellx2000\\cellx6000\\pard\\intbl Name\\cell Parts\\cell\\row"
            "\\trowd\\cellx2000\\cellx6000\\pard\\intbl Bike\\cell {\\itap2 Wheel\\nestcell 40\\nestcell"
            "{\\*\\nesttableprops\\trowd\\cellx1000\\cellx2000\\nestrow}}\\cell\\row"
        ),
        ["[] Name: Bike; Parts: Wheel 40 ;"],
    ),
}


@pytest.mark.parametrize("name", RTF)
def test_rtf_tables(name: str, tmp_path: Path) -> None:
    body, expected = RTF[name]
    (tmp_path / "a.rtf").write_text(f"{{\\rtf1\\ansi {body}\\pard\\par}}")
    assert shown(tmp_path / "a.rtf") == expected


TEXTS: dict[str, tuple[str, str, list[str]]] = {
    "a form whose rows begin with their names": (
        "a.html",
        "<table><tr><th>Born</th><td>1970</td></tr><tr><th>Sport</th><td>rowing</td></tr></table>",
        ["[] Born: 1970", "[] Sport: rowing"],
    ),
    "names with colons": ("a.csv", "Name:,Ann\nCity:,Omsk\n", ["[] Name: Ann", "[] City: Omsk"]),
    "a footer that is stated before the body": (
        "a.html",
        "<table><thead><tr><th>Item<th>Sum</thead><tfoot><tr><td>Total<td>30</tfoot><tr><td>Pen<td>10</table>",
        ["[] Item: Pen; Sum: 10", "[] Item: Total; Sum: 30"],
    ),
    "links of the site, its footer, and a soft hyphen": (
        "a.html",
        (
            '<h2>Past<span class="mw-editsection">[edit]</span></h2><p>co&shy;operate</p><div role="navigation">Menu</div>'  # noqa: E501
            "<article><p>Text</p><footer>By Ann</footer></article><footer>Imprint</footer>"
        ),
        ["## Past", "cooperate", "Text", "By Ann"],
    ),
    "tables beside each other": (
        "a.csv",
        "Fruit,Kg,,City,People\nApple,3,,Omsk,1100\nPear,4,,Tula,480\n,,,Ufa,1120\n",
        [
            "[] Fruit: Apple; Kg: 3",
            "[] Fruit: Pear; Kg: 4",
            "[] City: Omsk; People: 1100",
            "[] City: Tula; People: 480",
            "[] City: Ufa; People: 1120",
        ],
    ),
    "an empty column that only divides": (
        "a.csv",
        "Value,,Jan,Feb\nGrowth,,1,2\nWeight,,70,71\n",
        ["[] Value: Growth; Jan: 1; Feb: 2", "[] Value: Weight; Jan: 70; Feb: 71"],
    ),
    "notes below a table": (
        "a.csv",
        "Region,Sum\nNorth,10\nSource:,x\n* without VAT,\nNotes: preliminary,\n",
        ["[] Region: North; Sum: 10", "[] Region: Source:; Sum: x", "* without VAT\nNotes: preliminary"],
    ),
    "what looks like a note above further rows": (
        "a.csv",
        "Region,Sum\n* North,\nSouth,10\n",
        ["[] Region: * North", "[] Region: South; Sum: 10"],
    ),
    "SubStation Alpha": (
        "a.ass",
        (
            "[Events]\nFormat: Start, End, Name, Text\nComment: 0:00:00.00,0:00:01.00,,note\n"
            "Dialogue: 0:00:04.00,0:00:05.00,,Fine, thanks.\nDialogue: 0:00:01.50,0:00:03.00,Ann,{\\i1}Hello{\\i0},\\Nyou\n"  # noqa: E501
        ),
        ["1.5–3 Ann: Hello, you", "4–5 Fine, thanks."],
    ),
    "captions of YouTube": (
        "a.sbv",
        "0:00:01.000,0:00:03.000\nHello there\n\n0:01:03.000,0:01:05.000\nagain\n",
        ["1–3 Hello there", "63–65 again"],
    ),
    "lines of JSON that are no dialogues": (
        "a.ndjson",
        '{"event": "start", "at": 1}\n{"event": "stop", "at": 2}\n',
        ["[] event: start; at: 1", "[] event: stop; at: 2"],
    ),
    "comments in Markdown": (
        "a.md",
        "One.\n\n<!-- secret -->\n\nTwo.",
        ["One.", "Two.", "! Hidden, struck-out or deleted text was left out."],
    ),
    "a web archive": (
        "a.mhtml",
        (
            'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="b"\n\n--b\nContent-Type: text/html\n'
            "Content-Transfer-Encoding: quoted-printable\n\n<p>caf=C3=A9</p>\n--b--\n"
        ),
        ["café"],
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name: str, tmp_path: Path) -> None:
    file, content, expected = TEXTS[name]
    (tmp_path / file).write_text(content)
    assert shown(tmp_path / file) == expected


GRID = [
    ["Region", "2025", "", "2026"],
    ["", "plan", "fact", "plan"],
    ["North", "1", "2", "3"],
    ["South", "4", "5", "6"],
]
EXPECTED = [
    "p1 [] Region: North; 2025 / plan: 1; 2025 / fact: 2; 2026 / plan: 3",
    "p1 [] Region: South; 2025 / plan: 4; 2025 / fact: 5; 2026 / plan: 6",
]


@pytest.mark.parametrize("as_boxes", [False, True])
def test_pdf_table_with_merged_cells(as_boxes: bool, tmp_path: Path) -> None:
    merged = {(0, 0): (2, 1), (0, 1): (1, 2)}
    page = [
        At(50, 760, "Sales of both years, as planned and as they were in the end."),
        *ruled(GRID, merged, as_boxes=as_boxes),
    ]
    (tmp_path / "a.pdf").write_bytes(pdf(page))
    assert shown(tmp_path / "a.pdf") == [f"p1 {page[0].text}", *EXPECTED]  # type: ignore[union-attr]


def test_pdf_rows_of_a_merged_name(tmp_path: Path) -> None:
    grid = [["Group", "Day"], ["Children", "Mon"], ["", "Wed"], ["Adults", "Tue"]]
    (tmp_path / "a.pdf").write_bytes(pdf(ruled(grid, {(1, 0): (2, 1)})))
    assert shown(tmp_path / "a.pdf") == [
        "p1 [] Group: Children; Day: Mon",
        "p1 [] Group: Children; Day: Wed",
        "p1 [] Group: Adults; Day: Tue",
    ]


def test_pdf_table_goes_on_over_the_page_without_its_header(tmp_path: Path) -> None:
    first, second = [["City", "Hall"], ["Omsk", "A"], ["Tula", "B"]], [["Ufa", "C"], ["Perm", "D"]]
    (tmp_path / "a.pdf").write_bytes(pdf(ruled(first, {}), ruled(second, {})))
    assert shown(tmp_path / "a.pdf")[2:] == ["p2 [] City: Ufa; Hall: C", "p2 [] City: Perm; Hall: D"]


def test_pdf_lines_that_are_no_table(tmp_path: Path) -> None:
    frame = [Drawn(40, y, 520, 0) for y in (500, 720)] + [Drawn(x, 500, 0, 220) for x in (40, 560)]
    net = [Drawn(x, 100, 0, 300) for x in range(100, 600)] + [Drawn(100, y, 500, 0) for y in range(100, 400)]
    (tmp_path / "a.pdf").write_bytes(pdf([*frame, *net, *column(50, 700, ["In a frame stands a sentence."])]))
    assert shown(tmp_path / "a.pdf") == ["p1 In a frame stands a sentence."]


def test_last_lines_of_short_pages_are_no_footers(tmp_path: Path) -> None:
    pages = [[At(50, 780, "Words of a text that is short."), At(50, 740, f"This ends part {n}.")] for n in (1, 2, 3)]
    (tmp_path / "a.pdf").write_bytes(pdf(*pages))
    assert [line for line in shown(tmp_path / "a.pdf") if "ends part" in line]


def test_struck_cells_are_left_out(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Task", "Owner"], ["Old roof", "Ivan"], ["New roof", "Oleg"]):
        sheet.append(row)
    sheet["A2"].font = Font(strike=True)
    book.save(tmp_path / "a.xlsx")
    assert shown(tmp_path / "a.xlsx") == [
        "[Sheet] Owner: Ivan",
        "[Sheet] Task: New roof; Owner: Oleg",
        "! Hidden, struck-out or deleted text was left out.",
    ]


def test_charts_of_a_workbook_are_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Quarter", "Sum"], ["Q1", 11], ["Q2", 13]):
        sheet.append(row)
    chart = openpyxl.chart.BarChart()
    chart.title = "By quarter"
    chart.add_data(openpyxl.chart.Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    sheet.add_chart(chart, "D2")
    book.save(tmp_path / "a.xlsx")
    assert (
        shown(tmp_path / "a.xlsx")[-1]
        == "! 1 chart was left out: By quarter. Only numbers in cells and tables are read."
    )


def test_chart_in_a_text_is_a_table(tmp_path: Path) -> None:
    def points(*values: str) -> str:
        return "".join(f'<c:pt idx="{index}"><c:v>{value}</c:v></c:pt>' for index, value in enumerate(values))

    chart = (
        '<c:chartSpace xmlns:c="c" xmlns:a="a"><c:chart><c:title><a:t>Revenue</a:t></c:title><c:plotArea><c:barChart>'
        f"<c:ser><c:tx>{points('2025')}</c:tx><c:cat>{points('Q1', 'Q2')}</c:cat><c:val>{points('11', '13')}</c:val>"
        "</c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>"
    )
    link = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r9" Type="http://x/chart" Target="charts/chart1.xml"/></Relationships>'
    )
    body = (
        paragraph("It went up.")
        + '<w:p><w:r><w:drawing><c:chart xmlns:c="c" xmlns:r="r" r:id="r9"/></w:drawing></w:r></w:p>'
    )
    extra = {"word/_rels/document.xml.rels": link, "word/charts/chart1.xml": chart}
    (tmp_path / "a.docx").write_bytes(docx(body, extra=extra))
    assert shown(tmp_path / "a.docx") == ["It went up.", "[Revenue] Q1; 2025: 11", "[Revenue] Q2; 2025: 13"]


def test_formulas_and_deleted_ends_of_paragraphs(tmp_path: Path) -> None:
    math = "http://schemas.openxmlformats.org/officeDocument/2006/math"

    def run(text: str) -> str:
        return f"<m:r><m:t>{text}</m:t></m:r>"

    formula = (
        f'<w:p><m:oMath xmlns:m="{math}">{run("E=")}<m:f><m:num>{run("mv")}</m:num><m:den>{run("2")}</m:den></m:f>'
        f"{run('+')}<m:sSup><m:e>{run('r')}</m:e><m:sup>{run('n-1')}</m:sup></m:sSup></m:oMath></w:p>"
    )
    deleted = (
        '<w:p><w:pPr><w:rPr><w:del w:id="1"/></w:rPr></w:pPr><w:r><w:t xml:space="preserve">One </w:t></w:r></w:p>'
    )
    (tmp_path / "a.docx").write_bytes(docx(formula + deleted + paragraph("sentence.")))
    assert shown(tmp_path / "a.docx") == ["E=mv/2+r^(n-1)", "One sentence."]


def test_forwarded_message_is_read_and_flowed_lines_go_on(tmp_path: Path) -> None:
    inner, message = EmailMessage(), EmailMessage()
    inner["From"], inner["Subject"] = "boss@x.org", "Order"
    inner.set_content("Buy towels.")
    inner.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="list.pdf")
    message["From"], message["Subject"] = "ann@x.org", "Fwd"
    message.set_content("A line that goes \non here.\n")
    message.set_param("format", "flowed")
    message.add_attachment(inner)
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    read = shown(tmp_path / "a.eml")
    assert read[2:3] + read[4:5] == ["A line that goes on here.", "Buy towels."]
    assert "list.pdf" in read[-1]


def test_office_file_that_is_text_is_told_as_such(tmp_path: Path) -> None:
    from bot.library.parse.content import refuse_other_content

    (tmp_path / "a.docx").write_text("<html><p>Hello</p>")
    with pytest.raises(OtherContent, match="\\.html"):
        refuse_other_content(tmp_path / "a.docx")


async def test_large_chats_are_read_and_other_large_files_refused(tmp_path: Path) -> None:
    messages = [
        {"id": n, "type": "message", "date": "2026-05-12T14:33:00", "from": "Ann", "from_id": "u1", "text": "x" * 1000}
        for n in range(1200)
    ]
    chat = {"name": "Club", "type": "public_channel", "id": 1, "messages": messages}
    (tmp_path / "chat.json").write_text(json.dumps(chat))
    (tmp_path / "data.json").write_text(json.dumps({"values": ["x" * 1000] * 1200}))
    async with Parser(ParseLimits(megabytes=1)) as parser:
        assert sum(len(block.text) for block in await parser.parse(tmp_path / "chat.json")) > 1_000_000
        with pytest.raises(TooLarge):
            await parser.parse(tmp_path / "data.json")
