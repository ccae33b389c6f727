"""Chunking: no text is lost, no chunk is too long, and an edit moves only the boundaries near it."""

import itertools
import random
import re
from collections.abc import Sequence
from datetime import date
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.i18n import Translator
from bot.library.chunk import Chunk, ChunkOptions, chunk_blocks
from bot.library.chunk.splitting import split_text
from bot.library.parse.block import Block, BlockKind
from bot.library.parse.tables import row_text

TRANSLATE = Translator("en")
TEXT = st.text(st.sampled_from("abcdé жйё.!?\n «»-0123456789"), min_size=1, max_size=400).filter(str.strip)
WORD = st.text(st.sampled_from("abcжё 01"), max_size=30).map(str.strip)


def count(text: str) -> int:
    """Words as tokens, and long words as several."""
    return sum(-(-len(word) // 6) for word in text.split())


def chunks(blocks: Sequence[Block], size: int = 40, overlap: int = 10, *, diary: bool = False) -> list[Chunk]:
    return list(chunk_blocks(blocks, "Title", ChunkOptions(size, overlap, diary), count, TRANSLATE))


def letters(text: str) -> str:
    return re.sub(r"\s", "", text)


def new_text(found: Sequence[Chunk]) -> str:
    """The letters of all chunks, without what they repeat."""
    return letters("".join(chunk.content[chunk.repeats :] for chunk in found))


paragraphs = st.builds(Block, st.just(BlockKind.PARAGRAPH), TEXT.map(str.strip), st.integers(1, 99))
headings = st.builds(Block, st.just(BlockKind.HEADING), WORD.filter(bool), level=st.integers(1, 3))
cues = st.builds(Block, st.just(BlockKind.CUE), TEXT.map(str.strip), start=st.floats(0, 1e4), end=st.floats(0, 1e4))
exchanges = st.builds(Block, st.just(BlockKind.EXCHANGE), TEXT.map(str.strip), st.integers(1, 99))


@given(st.lists(paragraphs), st.integers(32, 80), st.integers(0, 31))
def test_paragraphs_covered_in_order(blocks: list[Block], size: int, overlap: int) -> None:
    found = chunks(blocks, size, overlap)
    assert new_text(found) == letters("".join(block.text for block in blocks))
    assert all(count(chunk.content) <= size for chunk in found)
    assert [chunk.n for chunk in found] == list(range(len(found)))


@given(st.lists(cues), st.integers(32, 80), st.integers(0, 31))
def test_cues_covered_in_order(blocks: list[Block], size: int, overlap: int) -> None:
    found = chunks(blocks, size, overlap)
    assert new_text(found) == letters("".join(block.text for block in blocks))
    assert all(count(chunk.content) <= size for chunk in found)


@given(st.lists(st.one_of(paragraphs, headings, cues, exchanges)))
def test_mixed_document_loses_no_text(blocks: list[Block]) -> None:
    found = chunks(blocks)
    texts = [block for block in blocks if block.kind is not BlockKind.HEADING]
    covered = new_text(found)
    for block in texts:
        assert letters(block.text) in covered
    above = "\n".join(f"{chunk.lead}\n{chunk.content}" for chunk in found)
    assert all(block.text in above for block in blocks if block.kind is BlockKind.HEADING)


@given(st.lists(paragraphs), st.integers(32, 80), st.integers(0, 31))
def test_overlap_is_the_end_of_the_previous_chunk(blocks: list[Block], size: int, overlap: int) -> None:
    found = chunks(blocks, size, overlap)
    for before, chunk in itertools.pairwise(found):
        repeated = chunk.content[: chunk.repeats].strip()
        assert before.content.endswith(repeated)
        assert count(repeated) <= overlap


@given(st.lists(st.tuples(WORD, WORD), min_size=1, max_size=12), st.integers(32, 60))
def test_row_cells_keep_their_names(cells: list[tuple[str, str]], size: int) -> None:
    header, values = tuple(name for name, _ in cells), tuple(value for _, value in cells)
    row = Block(BlockKind.ROW, row_text(header, values), 3, header=header, cells=values, caption="Loads")
    found = chunks([row], size, 0)
    for chunk in found:
        assert count(chunk.content) <= size
        assert (chunk.lead, chunk.place) == ("Title › Loads", "Loads, row 3")
    everything = letters(" ".join(chunk.content for chunk in found))
    for value in values:
        assert letters(value) in everything


def test_long_row_repeats_its_first_cell() -> None:
    header = ("name", *(f"column{n}" for n in range(20)))
    cells = ("veteran", *(f"value{n}" for n in range(20)))
    found = chunks([Block(BlockKind.ROW, row_text(header, cells), 1, header=header, cells=cells)], 36, 0)
    assert len(found) > 1
    assert all(chunk.content.startswith("name: veteran; ") for chunk in found)


def prose(subjects: Sequence[str]) -> list[Block]:
    return [
        Block(BlockKind.PARAGRAPH, f"About {subject} there is this to say in {len(subject)} words.", n)
        for n, subject in enumerate(subjects, 1)
    ]


def test_edit_changes_few_chunks() -> None:
    kept = []
    for seed in range(100):
        chance = random.Random(seed)
        subjects = ["".join(chance.choices("01abж", k=chance.randint(1, 10))) for _ in range(60)]
        edited = list(subjects)
        edited[chance.randint(0, 20)] += " new"
        before, after = ({chunk.content_hash for chunk in chunks(prose(each))} for each in (subjects, edited))
        kept.append(len(after & before) / len(after))
    # After the edit, boundaries coincide again from the first stable one on, which is where chance puts it.
    assert sum(kept) / len(kept) > 0.75
    assert sum(share < 0.25 for share in kept) < 5


def test_headings_become_lead_and_place() -> None:
    found = chunks(
        [
            Block(BlockKind.HEADING, "Title", level=1),
            Block(BlockKind.PARAGRAPH, "Before any section.", 1),
            Block(BlockKind.HEADING, "Iron", level=2),
            Block(BlockKind.HEADING, "Squat", level=3),
            Block(BlockKind.PARAGRAPH, "Down and up.", 2),
            Block(BlockKind.HEADING, "Road", level=2),
            Block(BlockKind.PARAGRAPH, "Far.", 3),
        ]
    )
    assert [(chunk.place, chunk.lead, chunk.content) for chunk in found] == [
        ("¶ 1", "Title", "Before any section."),
        ("§ Iron › Squat", "Title › Iron › Squat", "Down and up."),
        ("§ Road", "Title › Road", "Far."),
    ]


def test_bare_heading_is_a_chunk() -> None:
    found = chunks([Block(BlockKind.HEADING, "One", level=2), Block(BlockKind.HEADING, "Two", level=2)])
    assert [chunk.content for chunk in found] == ["One", "Two"]


def test_place_of_each_block_kind() -> None:
    assert [
        chunks([block])[0].place
        for block in (
            Block(BlockKind.CUE, "Good evening.", start=723.4, end=790),
            Block(BlockKind.ROW, "a: 1", 14, header=("a",), cells=("1",)),
            Block(BlockKind.EXCHANGE, "A: yes?\nB: no.", 2),
            Block(BlockKind.PARAGRAPH, "On a page.", 7, page=3),
        )
    ] == ["00:12:03–00:13:10", "row 14", "exchange 2", "p. 3"]


def test_place_in_the_language_of_the_document() -> None:
    [chunk] = chunk_blocks(
        [Block(BlockKind.ROW, "а: 1", 14, header=("а",), cells=("1",))],
        "Т",
        ChunkOptions(40, 0),
        count,
        Translator("ru"),
    )
    assert chunk.place == "строка 14"


def test_diary_entries_have_dates() -> None:
    found = chunks(
        [
            Block(BlockKind.PARAGRAPH, "What this is.", 1),
            Block(BlockKind.HEADING, "2026-03-02", level=2),
            Block(BlockKind.PARAGRAPH, "Sleet.", 2),
            Block(BlockKind.PARAGRAPH, "3 марта 2026 г. Снег.", 3),
            Block(BlockKind.PARAGRAPH, "Still the third.", 4),
        ],
        diary=True,
    )
    assert [(chunk.dated, chunk.place, chunk.content) for chunk in found] == [
        (None, "¶ 1", "What this is."),
        (date(2026, 3, 2), "2026-03-02", "Sleet."),
        (date(2026, 3, 3), "2026-03-03", "3 марта 2026 г. Снег.\n\nStill the third."),
    ]


def test_language_of_each_chunk() -> None:
    blocks = [Block(BlockKind.PARAGRAPH, "Слово. " * 20, 1), Block(BlockKind.PARAGRAPH, "Words. " * 20, 2)]
    assert [chunk.language for chunk in chunks(blocks, 32, 0)] == ["russian", "english"]


SENTENCES = (
    "Он пришёл в 2019 г. и ушёл. «Зачем?» Он не сказал… Dr. Smith said “No!” Then he ran *fast.* "
    "It was 3.5 km (at least.) After that:\nnew line. ‘Quoted.’ End_._ Last one, without an end"
)


def test_long_text_boundaries_are_stable() -> None:
    # Stored chunks and their vectors stay valid only while these boundaries do; see CHUNKING_VERSION.
    assert list(split_text(SENTENCES, 12, 4, count)) == [
        ("Он пришёл в 2019 г. и ушёл. «Зачем?»", 0),
        ("и ушёл. «Зачем?» Он не сказал… Dr. Smith said “No!”", 17),
        ("Then he ran *fast.* It was 3.5 km (at least.)", 0),
        ("After that:\nnew line.", 0),
        ("new line. ‘Quoted.’ End_._ Last one, without an end", 10),
    ]


@pytest.mark.parametrize(
    ("ending", "closes"),
    [
        (".", True), ("?”)", True), ("…]", True), ("!\"'", True), (".»", True), (" 2019 г.", True), (".\n", True),
        (".*", False), (".’", False), ("._", False), (",", False), ("", False),
    ],
)  # fmt: skip
def test_cue_boundaries_are_stable(ending: str, closes: bool) -> None:
    # The first cue fills more than half a chunk, and its text is a stable boundary.
    text = next(text for n in range(99) if crc32((text := f"{'word ' * 24}{n}{ending}").encode()) % 2 == 0)
    found = chunks([Block(BlockKind.CUE, text, end=1), Block(BlockKind.CUE, "Next.", start=1, end=2)], overlap=0)
    assert len(found) == (2 if closes else 1)
