"""What is kept of texts: pages, Word and other office documents, books, messages and data."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.fakes.documents.office import epub, open_document, pptx, shape, slide
from tests.fakes.documents.reading import shown
from tests.fakes.hostile.documents import archive, docx, paragraph

PLAN = '{"tool": "x", "city": {"name": "Omsk", "halls": 2}, "weeks": [{"week": 1, "load": 80}, {"week": 2, "load": 85, "note": "easy"}]}'  # noqa: E501


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def item(text: str, level: int = 0) -> str:
    numbered = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="1"/></w:numPr>'
    return f"<w:p><w:pPr>{numbered}</w:pPr>{run(text)}</w:p>"


WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
LINKS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    + "".join(
        f'<Relationship Id="{kind}" Target="{kind}.xml"'
        f' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}"/>'
        for kind in ("styles", "numbering", "footnotes", "endnotes")
    )
    + "</Relationships>"
)
NUMBERING = (
    f'<w:numbering {WORD}><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:start w:val="1"/>'
    '<w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl><w:lvl w:ilvl="1"><w:start w:val="1"/>'
    '<w:numFmt w:val="russianLower"/><w:lvlText w:val="%1.%2)"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
)
STYLES = (
    f'<w:styles {WORD}><w:style w:type="paragraph" w:styleId="a1"><w:name w:val="heading 2"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="mine"><w:basedOn w:val="base"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="base"><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>'
    '<w:style w:type="character" w:styleId="secret"><w:rPr><w:vanish/></w:rPr></w:style></w:styles>'
)
NOTES = f'<w:footnotes {WORD}><w:footnote w:id="5">{paragraph("Measured in May.")}</w:footnote></w:footnotes>'
ENDNOTES = f'<w:endnotes {WORD}><w:endnote w:id="5">{paragraph("Told by the coach.")}</w:endnote></w:endnotes>'


def word(body: str) -> bytes:
    extra = {
        "word/_rels/document.xml.rels": LINKS,
        "word/numbering.xml": NUMBERING,
        "word/styles.xml": STYLES,
        "word/footnotes.xml": NOTES,
        "word/endnotes.xml": ENDNOTES,
    }
    return docx(body, extra=extra)


def message(**headers: str) -> EmailMessage:
    written = EmailMessage()
    for name, value in {"From": "Анна <anna@example.org>", "To": "boris@example.org", **headers}.items():
        written[name] = value
    return written


def letter() -> bytes:
    written = message(Date="Tue, 12 May 2026 14:33:00 +0300", Subject="Баня в субботу")
    written.set_content("Топим в девять.\n\nВеники свои.\n")
    written.add_alternative("<p>Топим в <b>девять</b>.</p>", subtype="html")
    written.add_attachment(b"x", maintype="application", subtype="pdf", filename="план.pdf")
    return written.as_bytes()


def web_letter() -> bytes:
    written = message(Subject="Table")
    written.set_content(
        "<table><tr><th>Day</th><th>Minutes</th></tr><tr><td>Monday</td><td>40</td></tr></table>", subtype="html"
    )
    return written.as_bytes()


CASES: dict[str, tuple[str, str | bytes, list[str]]] = {
    "hidden and struck-out text of a page": (
        "a.html",
        (
            "<style>.x, #y { display: none } @media print { .z { display: none } } a:hover { visibility: hidden }</style>"  # noqa: E501
            "<p>Seen<del>old</del> <s>gone</s>.<p hidden>no</p><p style='color:red; display : none'>no</p>"
            "<p class=x>no</p><p id=y>no</p><p class=z>on screen</p><p aria-hidden=true>no</p><dialog>no</dialog>"
            "<p style='text-decoration: line-through'>no</p><template>no</template><noscript>no</noscript>"
        ),
        ["Seen .", "on screen", "! Hidden, struck-out or deleted text was left out."],
    ),
    "marks of notes on a page": (
        "a.html",
        (
            '<p>Nine hours<sup><a href="#n1">[1]</a></sup> of 10<sup>2</sup> people.<ol><li id="n1"><a href="#r1">↑</a>'
            " In winter.</ol>"
        ),
        ["Nine hours of 102 people.", "1. In winter."],
    ),
    "lists and lines of a page": (
        "a.html",
        "<ol start=3><li>Warm up<li>Swim<br>slowly<ul><li>on the back</ul><li>Rest</ol><pre>a\n  b</pre>",
        ["3. Warm up", "4. Swim slowly", "on the back", "5. Rest", "a\n  b"],
    ),
    "tags that nobody closed": (
        "a.html",
        "<title>T</title><h2>One<p>first <b>bold<p>second</b> line<div>third",
        ["= T", "## One", "first bold", "second line", "third"],
    ),
    "a page in the encoding it states": (
        "a.html",
        "<meta charset=iso-8859-5><p>Гребцы встают в пять.".encode("iso-8859-5"),
        ["Гребцы встают в пять."],
    ),
    "entities": ("a.html", "<p>5 &lt; 7 &amp; 8 &gt; 6&nbsp;kg &#8212; so", ["5 < 7 & 8 > 6 kg — so"]),
    "headings of Word in any language": (
        "a.docx",
        word(paragraph("Сон", "a1") + paragraph("Дневной", "mine") + paragraph("Час.")),
        ["## Сон", "### Дневной", "Час."],
    ),
    "numbers of lists in Word": (
        "a.docx",
        word(item("Warm up") + item("arms", 1) + item("legs", 1) + item("Swim") + item("slowly", 1)),
        ["1. Warm up", "1.а) arms", "1.б) legs", "2. Swim", "2.а) slowly"],
    ),
    "notes of Word": (
        "a.docx",
        word(
            f'<w:p>{run("Nine hours")}<w:r><w:footnoteReference w:id="5"/></w:r>{run(" of sleep")}'
            '<w:r><w:endnoteReference w:id="5"/></w:r></w:p>'
        ),
        ["Nine hours of sleep\nMeasured in May.\nTold by the coach."],
    ),
    "hidden, struck-out and deleted text of Word": (
        "a.docx",
        word(
            f"<w:p>{run('Nine')}{run(' ten', '<w:strike/>')}{run(' eleven', '<w:vanish/>')}"
            f"{run(' twelve', '<w:rStyle w:val=&quot;secret&quot;/>'.replace('&quot;', chr(34)))}"
            f"<w:del><w:r><w:delText> eight</w:delText></w:r></w:del><w:ins>{run(' hours')}</w:ins>"
            f"<w:moveFrom>{run(' away')}</w:moveFrom>{run(' each', '<w:strike w:val=&quot;0&quot;/>'.replace('&quot;', chr(34)))}</w:p>"  # noqa: E501
        ),
        ["Nine hours each", "! Hidden, struck-out or deleted text was left out."],
    ),
    "boxes, links and signs of Word": (
        "a.docx",
        docx(
            "<w:p><w:hyperlink><w:r><w:t>a link</w:t></w:r></w:hyperlink><w:r><w:tab/><w:t>x</w:t><w:br/><w:t>y</w:t>"
            "<w:noBreakHyphen/><w:t>z</w:t></w:r><w:r><w:AlternateContent><w:Choice><w:txbxContent>"
            + paragraph("In a box.")
            + "</w:txbxContent></w:Choice><w:Fallback><w:txbxContent>"
            + paragraph("In a box.")
            + "</w:txbxContent></w:Fallback></w:AlternateContent></w:r></w:p>"
        ),
        ["a link x\ny-z", "In a box."],
    ),
    "a text of LibreOffice": (
        "a.odt",
        open_document(
            "text",
            '<text:tracked-changes><text:p>gone</text:p></text:tracked-changes><text:h text:outline-level="2">Сон</text:h>'  # noqa: E501
            '<text:p>Nine<text:s text:c="2"/>hours<text:note><text:note-citation>1</text:note-citation><text:note-body>'
            '<text:p>In May.</text:p></text:note-body></text:note> <text:span text:style-name="out">ten</text:span>each'
            "</text:p>"
            '<text:list text:style-name="L"><text:list-item><text:p>warm up</text:p></text:list-item>'
            "<text:list-item><text:p>swim</text:p></text:list-item></text:list>"
            "<table:table><table:table-row><table:table-cell><text:p>Day</text:p></table:table-cell><table:table-cell>"
            "<text:p>Min</text:p></table:table-cell></table:table-row><table:table-row><table:table-cell><text:p>Monday"
            "</text:p></table:table-cell><table:table-cell><text:p>40</text:p></table:table-cell></table:table-row></table:table>",
            '<style:style style:name="out" style:family="text"><style:text-properties style:text-line-through-style="solid"/>'  # noqa: E501
            '</style:style><text:list-style style:name="L"><text:list-level-style-number text:level="1"'
            ' style:num-format="1" style:num-suffix="."/></text:list-style>',
        ),
        [
            "## Сон",
            "Nine hours each\nIn May.",
            "1. warm up",
            "2. swim",
            "[] Day: Monday; Min: 40",
            "! Hidden, struck-out or deleted text was left out.",
        ],
    ),
    "a presentation": (
        "a.pptx",
        pptx(
            slide(
                shape("below", place=(0, 900_000)),
                shape("On the right", place=(800_000, 10_000)),
                shape("On the left", place=(0, 0)),
                shape("Rowing", kind="title"),
                shape("12", kind="sldNum"),
            ),
            slide(shape("secret"), more=' show="0"'),
            slide(
                shape("Plan", kind="title"),
                "<p:graphicFrame><a:graphic><a:graphicData><a:tbl><a:tr><a:tc><p:txBody/></a:tc></a:tr></a:tbl>"
                "</a:graphicData></a:graphic></p:graphicFrame>",
                '<p:graphicFrame><a:tbl><a:tblPr firstRow="1"/>'
                "<a:tr><a:tc><a:txBody><a:p><a:r><a:t>Day</a:t></a:r></a:p></a:txBody></a:tc><a:tc><a:txBody><a:p><a:r>"
                "<a:t>Minutes</a:t></a:r></a:p></a:txBody></a:tc></a:tr>"
                '<a:tr><a:tc rowSpan="2"><a:txBody><a:p><a:r><a:t>Monday</a:t></a:r></a:p></a:txBody></a:tc><a:tc>'
                "<a:txBody><a:p><a:r><a:t>40</a:t></a:r></a:p></a:txBody></a:tc></a:tr>"
                '<a:tr><a:tc vMerge="1"><a:txBody><a:p/></a:txBody></a:tc><a:tc><a:txBody><a:p><a:r><a:t>45</a:t></a:r>'
                "</a:p></a:txBody></a:tc></a:tr></a:tbl></p:graphicFrame>",
            ),
            notes={1: slide(shape("Say it slowly.", kind="body"), shape("1", kind="sldNum"))},
        ),
        [
            "p1 ## Rowing",
            "p1 On the left",
            "p1 On the right",
            "p1 below",
            "p1 Say it slowly.",
            "p3 ## Plan",
            "p3 [] Day: Monday; Minutes: 40",
            "p3 [] Day: Monday; Minutes: 45",
            "! 1 hidden slide was left out: 2.",
        ],
    ),
    "a presentation of LibreOffice": (
        "a.odp",
        open_document(
            "presentation",
            '<draw:page draw:name="1"><draw:frame><draw:text-box><text:p>Low seat.</text:p></draw:text-box></draw:frame>'  # noqa: E501
            '<draw:frame presentation:class="title"><draw:text-box><text:p>Rowing</text:p></draw:text-box></draw:frame>'
            '</draw:page><draw:page draw:style-name="h"><draw:frame><draw:text-box><text:p>no</text:p></draw:text-box>'
            "</draw:frame></draw:page>",
            '<style:style style:name="h" style:family="drawing-page"><style:drawing-page-properties'
            ' presentation:visibility="hidden"/></style:style>',
        ),
        ["p1 ## Rowing", "p1 Low seat.", "! 1 hidden slide was left out: 2."],
    ),
    "a book": (
        "a.epub",
        epub(
            [
                (
                    "b.xhtml",
                    "<html><head><title>x</title></head><body><h1>Fire</h1><p>Birch burns long.</p></body></html>",
                ),
                ("a.xhtml", "<html><body><h1>Water</h1><p>Cold.</p><p>Deep.</p></body></html>"),
            ],
            title="The bath",
        ),
        ["= The bath", "# Fire", "Birch burns long.", "# Water", "Cold.", "Deep."],
    ),
    "rich text": (
        "a.rtf",
        (
            r"{\rtf1\ansi\ansicpg1251{\fonttbl{\f0\fcharset204 Arial;}}{\info{\title no}}\pard\outlinelevel0 \'d1\'ee\'ed\par"  # noqa: E501
            r"\pard Nine {\strike ten }{\v eleven }hours{\footnote\pard In May.} \u8212? each.\line Second line.\par"
            r"\trowd\cellx1\cellx2\pard\intbl Day\cell Min\cell\row\trowd\pard\intbl Monday\cell 40\cell\row"
            r"\pard After {\*\generator no}it \{so\}.\par}"
        ),
        [
            "# Сон",
            "Nine hours — each.\nSecond line.\nIn May.",
            "[] Day: Monday; Min: 40",
            "After it {so}.",
            "! Hidden, struck-out or deleted text was left out.",
        ],
    ),
    "rich text that ends without a paragraph": (
        "a.rtf",
        r"{\rtf1\ansi Hello \b world\b0 . \u1055?\u1088?\par Line}",
        ["Hello world. Пр", "Line"],
    ),
    "a message with an attachment": (
        "a.eml",
        letter(),
        [
            "= Баня в субботу",
            "From: Анна <anna@example.org>\nTo: boris@example.org\nDate: 2026-05-12 14:33 +0300\nSubject: Баня в субботу",  # noqa: E501
            "Топим в девять.",
            "Веники свои.",
            "! 1 attachment was not read: план.pdf. Add it by itself.",
        ],
    ),
    "a message in HTML alone": (
        "a.eml",
        web_letter(),
        [
            "= Table",
            "From: Анна <anna@example.org>\nTo: boris@example.org\nSubject: Table",
            "[] Day: Monday; Minutes: 40",
        ],
    ),
    "records in JSON": (
        "a.json",
        json.dumps([{"день": "пн", "план": {"бег": 40}, "теги": ["лёд", "снег"]}, {"день": "вт", "ок": True}]),
        ["[] день: пн; план / бег: 40; теги: лёд, снег", "[] день: вт; ок: true"],
    ),
    "an object in JSON": (
        "a.json",
        PLAN,
        [
            "tool: x",
            "# city",
            "name: Omsk\nhalls: 2",
            "# weeks",
            "[weeks] week: 1; load: 80",
            "[weeks] week: 2; load: 85; note: easy",
        ],
    ),
    "articles in JSON": (
        "a.json",
        json.dumps([{"title": "Sleep", "year": 2024, "text": "Nine hours. " * 60 + "\n\nThen tea."}]),
        [
            "# Sleep",
            "title: Sleep\nyear: 2024",
            "# text".replace("#", "##"),
            ("Nine hours. " * 60).strip(),
            "Then tea.",
        ],
    ),
    "a text in cp1251": ("a.txt", "Сон: девять часов.".encode("cp1251"), ["Сон: девять часов."]),
    "a short text in cp866": ("a.txt", "Гребцы встают в пять.".encode("cp866"), ["Гребцы встают в пять."]),
    "a text in UTF-32 without its mark": ("a.txt", "Гребцы встают".encode("utf-32-be"), ["Гребцы встают"]),
    "a text in a Western code page": ("a.txt", "Café crème, señor Núñez".encode("cp1252"), ["Café crème, señor Núñez"]),
    "Russian after much English": (
        "a.txt",
        b"plain words\n" * 9000 + "\nГребцы встают в пять утра.".encode("cp1251"),
        ["\n".join(["plain words"] * 9000), "Гребцы встают в пять утра."],
    ),
    "a chat of WhatsApp in any collection": (
        "a.zip",
        archive({"_chat.txt": "[12.05.26, 14:33:01] Анна: Ключ под горшком\n[12.05.26, 14:35:00] Борис: Еду\n"}),
        ["2026-05-12T14:33 Анна (14:33): Ключ под горшком\nБорис (14:35): Еду"],
    ),
    "a chat of Telegram with a message that is none": (
        "a.json",
        (
            '{"name": "Баня", "type": "personal_chat", "messages": [{"id": 1, "type": "message", "date": "2026-05-12T14:33:00",'  # noqa: E501
            ' "from": "Анна", "text": "Топим"}, {"id": 2, "type": "message", "date": "never", "from": "Борис", "text": "x"}]}'  # noqa: E501
        ),
        ["= Баня", "2026-05-12T14:33 Анна (14:33): Топим", "! 1 message could not be read and was left out."],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_kept(name: str, tmp_path: Path) -> None:
    file, content, expected = CASES[name]
    (tmp_path / file).write_bytes(content.encode() if isinstance(content, str) else content)
    assert shown(tmp_path / file) == expected
