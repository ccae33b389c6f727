"""The blocks each reader makes of a well-formed file."""

import io
import itertools
import re
from pathlib import Path

import openpyxl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.library.parse import captions, csv_files, dialogue, html, markdown, pdf, prose, spreadsheet, word
from bot.library.parse.block import Block, BlockKind, block_from_json, block_to_json
from bot.library.parse.errors import NotADialogue
from bot.library.parse.formats import Reader
from bot.library.parse.limits import ParseLimits
from bot.library.parse.tables import table_blocks
from tests.fakes.hostile.documents import docx, paragraph, pdf_text
from tests.fakes.hostile.documents import pdf as written_pdf

LIMITS = ParseLimits()


def read(reader: Reader, path: Path, content: str | bytes) -> list[tuple[str, str]]:
    """Kind and text of each block of a file with this content."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [(block.kind.value, block.text) for block in reader(path, LIMITS)]


def letters(text: str) -> str:
    return re.sub(r"\s", "", text)


@given(
    st.builds(
        Block,
        st.sampled_from(BlockKind),
        st.text(),
        st.integers(0, 9),
        caption=st.text(),
        start=st.floats(0, 1e6),
        header=st.lists(st.text()).map(tuple),
    )
)
def test_block_json_round_trip(block: Block) -> None:
    assert block_from_json(block_to_json(block)) == block
    assert "\n" not in block_to_json(block)


@given(st.text(st.sampled_from("ab#-=*`>|: \n\t[]()1.!"), max_size=300))
def test_markdown_loses_no_line(text: str) -> None:
    found = list(markdown.blocks(text, LIMITS))
    # The marks of headings and tables are dropped; letters and digits stay, in order.
    texts = "".join(part for block in found for part in ([*block.cells] if block.cells else [block.text]))
    rows = any(block.kind is BlockKind.ROW for block in found)
    letters_found = re.sub(r"[^ab]", "", texts)
    assert letters_found == re.sub(r"[^ab]", "", text) or rows


@given(st.text(st.sampled_from("abж. \n\t"), max_size=300))
def test_prose_loses_no_text(text: str) -> None:
    assert letters("".join(block.text for block in prose.paragraphs(text))) == letters(text)


def test_markdown(tmp_path: Path) -> None:
    text = """---
title: "From the front"
---
# One

Text with `# no heading`.

```
# no heading either
```

Two
---

| week | load |
|------|------|
| 1    | 80   |

[link]: http://example.org
"""
    assert read(markdown.read, tmp_path / "a.md", text) == [
        ("title", "From the front"),
        ("heading", "One"),
        ("paragraph", "Text with `# no heading`."),
        ("paragraph", "```\n# no heading either\n```"),
        ("heading", "Two"),
        ("row", "week: 1; load: 80"),
        ("paragraph", "[link]: http://example.org"),
    ]


def test_prose_with_indents_and_chapters(tmp_path: Path) -> None:
    text = "IV\n   One line\nthat goes on.\n   Another.\n\nГлава 2. О железе\n\nТекст."
    assert read(prose.read, tmp_path / "a.txt", text) == [
        ("heading", "IV"),
        ("paragraph", "One line\nthat goes on."),
        ("paragraph", "Another."),
        ("heading", "Глава 2. О железе"),
        ("paragraph", "Текст."),
    ]


PAGE = """<html><head><title>The page</title><style>p {}</style></head><body><nav>Menu</nav>
<h2>A <b>head</b></h2><p>One<br>line &amp; <i>more</i></p><script>alert(1)</script>loose
<ul><li>first<li>second</ul><!-- hidden --><pre>kept
  as is</pre>
<table><caption>Loads</caption><tr><th>week</th><th>load</th></tr><tr><td>1</td><td>80 <b>%</b></td></tr>
</table></body>"""


def test_html(tmp_path: Path) -> None:
    assert read(html.read, tmp_path / "a.html", PAGE) == [
        ("title", "The page"),
        ("heading", "A head"),
        ("paragraph", "One line & more"),
        ("paragraph", "loose"),
        ("paragraph", "first"),
        ("paragraph", "second"),
        ("paragraph", "kept\n  as is"),
        ("row", "week: 1; load: 80 %"),
    ]


def test_word_document(tmp_path: Path) -> None:
    row = "".join(
        f"<w:tr>{''.join(f'<w:tc>{paragraph(cell)}</w:tc>' for cell in line)}</w:tr>" for line in ("ab", "12")
    )
    body = paragraph("Железо", "Heading1") + paragraph("Текст.") + f"<w:tbl>{row}</w:tbl>" + paragraph("End.")
    assert read(word.read, tmp_path / "a.docx", docx(body)) == [
        ("heading", "Железо"),
        ("paragraph", "Текст."),
        ("row", "a: 1; b: 2"),
        ("paragraph", "End."),
    ]


def test_pdf(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(written_pdf(pdf_text("One line that is bro-", "ken and goes on."), pages=2))
    assert [(block.text, block.page, block.number) for block in pdf.read(path, LIMITS)] == [
        ("One line that is broken and goes on.", 1, 1),
        ("One line that is broken and goes on.", 2, 2),
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv(tmp_path: Path, separator: str) -> None:
    text = '\ufeffweek_kind,load,note\nfull,100,\n\n"two\nlines",60,x\n'.replace(",", separator)
    assert read(csv_files.read_csv, tmp_path / "a.csv", text) == [
        ("row", "week kind: full; load: 100"),
        ("row", "week kind: two lines; load: 60; note: x"),
    ]


def test_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    loads = book.active
    loads.title = "Loads"
    for line in (["Winter block"], ["week", "load"], [1, 0.8], [2, 100.0]):
        loads.append([*line, *[None] * (2 - len(line))])
    book.create_sheet("Ages").append(["Anna", 54])
    written = io.BytesIO()
    book.save(written)
    (tmp_path / "a.xlsx").write_bytes(written.getvalue())
    found = [(b.caption, b.number, b.text) for b in spreadsheet.read(tmp_path / "a.xlsx", LIMITS)]
    assert found == [
        ("Loads › Winter block", 1, "week: 1; load: 0.8"),
        ("Loads › Winter block", 2, "week: 2; load: 100"),
        ("Ages", 3, "1: Anna; 2: 54"),
    ]


def test_single_cells_above_the_header_are_the_caption() -> None:
    [row] = table_blocks([["Loads", ""], ["week", "load"], ["1", "80"]], LIMITS, caption="Sheet")
    assert (row.caption, row.header, row.cells) == ("Sheet › Loads", ("week", "load"), ("1", "80"))


SRT = """1
00:00:02,500 --> 00:00:13,763
<i>Good</i> evening.
Sit down.

2
01:02:03,000 --> 01:02:04,000 X1:0
{\\an8}Begin &amp; end.
"""
VTT = """WEBVTT - lecture

NOTE not said

00:02.500 --> 00:13.763 align:start
<v Anna>Good <c.loud>evening</c>.
"""


def test_captions(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text(SRT)
    assert [(block.text, block.start, block.end) for block in captions.read(tmp_path / "a.srt", LIMITS)] == [
        ("Good evening. Sit down.", 2.5, 13.763),
        ("Begin & end.", 3723.0, 3724.0),
    ]
    (tmp_path / "a.vtt").write_text(VTT)
    assert [(block.text, block.start, block.end) for block in captions.read(tmp_path / "a.vtt", LIMITS)] == [
        ("Anna: Good evening.", 2.5, 13.763)
    ]


@given(st.lists(st.tuples(st.integers(0, 359_999_999), st.from_regex(r"[a-zж]{1,9}( [a-zж]{1,9})?", fullmatch=True))))
def test_captions_round_trip(tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[int, str]]) -> None:
    def clock(ms: int) -> str:
        return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"

    # Captions whose lines grow word by word roll, and are read once.
    texts = ["x", *(text for _, text in lines)]
    assume(not any(after.startswith(before) for before, after in itertools.pairwise(texts)))
    path = tmp_path_factory.mktemp("srt") / "a.srt"
    cues = [f"{n}\n{clock(ms)} --> {clock(ms + 1)}\n{text}\n" for n, (ms, text) in enumerate([(0, "x"), *lines])]
    path.write_text("\n".join(cues))
    found = [(round(block.start * 1000), block.text) for block in captions.read(path, LIMITS)]
    assert found == [(0, "x"), *lines]


def test_dialogues(tmp_path: Path) -> None:
    lines = (
        '{"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Why?"},'
        ' {"role": "assistant", "content": "So."}, {"role": "user", "content": "And?"},'
        ' {"role": "assistant", "content": "Yes."}]}\n'
    )
    assert read(dialogue.read_jsonl, tmp_path / "a.jsonl", lines) == [
        ("exchange", "user: Why?\nassistant: So."),
        ("exchange", "user: And?\nassistant: Yes."),
    ]
    other_forms = (
        '{"conversations": [{"from": "human", "value": "Why\u2028?"}, {"from": "gpt", "value": "So."}]}\n'
        '{"prompt": "And?", "completion": "<think>\\nhm\\n</think>\\n\\nYes."}\n'
        '{"prompt": "Bad?", "completion": "Very.", "weight": 0}\n'
    )
    assert read(dialogue.read_jsonl, tmp_path / "b.jsonl", other_forms) == [
        ("exchange", "user: Why\u2028?\nassistant: So."),
        ("exchange", "user: And?\nassistant: Yes."),
    ]
    interview = '{"messages": [{"role": "Anna", "content": "Why?"}, {"role": "Peter", "content": "So."}]}'
    assert read(dialogue.read_jsonl, tmp_path / "i.jsonl", interview) == [("exchange", "Anna: Why?\nPeter: So.")]
    with pytest.raises(NotADialogue, match="Line 2"):
        read(dialogue.read_jsonl, tmp_path / "c.jsonl", lines + '{"messages": [{"role": "tool", "content": "7"}]}')
    transcript = "A talk\n\nАнна: Почему?\nи зачем?\n**Пётр:** Так.\nАнна: А если?\nПётр: Тогда нет."
    assert read(dialogue.read_transcript, tmp_path / "a.txt", transcript) == [
        ("paragraph", "A talk"),
        ("exchange", "Анна: Почему?\nи зачем?\nПётр: Так."),
        ("exchange", "Анна: А если?\nПётр: Тогда нет."),
    ]
    assert read(dialogue.read_transcript, tmp_path / "b.txt", "No talk at all.") == [("paragraph", "No talk at all.")]


def test_csv_with_decimal_commas(tmp_path: Path) -> None:
    text = "Год;Вес, кг;Рост, см\n2019;70,5;180,1\n2020;71,2;180,1\n"
    shown = str(read(csv_files.read_csv, tmp_path / "a.csv", text))
    assert "Вес, кг: 70,5" in shown
    assert "Рост, см: 180,1" in shown


def test_html_form_content(tmp_path: Path) -> None:
    page = "<body><form><h1>Sleep</h1><p>Eight hours.</p><select><option>x</option></select></form></body>"
    shown = str(read(html.read, tmp_path / "a.html", page))
    assert "Eight hours." in shown
    assert "option" not in shown
