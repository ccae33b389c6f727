"""What is kept of transcripts: every spoken line once, its time and its speaker."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.library.parse.captions import Cue
from bot.library.parse.cues import without_repetitions
from tests.fakes.documents.reading import shown

CASES: dict[str, tuple[str, str, list[str]]] = {
    "no blank lines, and a number that is said": (
        "a.srt",
        (
            "1\n00:00:01,000 --> 00:00:02,000\nHow many?\n2\n00:00:03,000 --> 00:00:04,000\n40\n3\n"
            "00:00:05,000 --> 00:00:06,000\nThat is all.\n"
        ),
        ["1–2 How many?", "3–4 40", "5–6 That is all."],
    ),
    "blank lines within cues": (
        "a.srt",
        "1\n00:00:01,000 --> 00:00:02,000\nFirst\n\nsecond\n\n2\n00:00:03,000 --> 00:00:04,000\n\nThird\n\n",
        ["1–2 First second", "3–4 Third"],
    ),
    "the last line is a year": (
        "a.vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000\nIt was in\n2019\n\n00:03.000 --> 00:04.000\nand cold.\n",
        ["1–2 It was in 2019", "3–4 and cold."],
    ),
    "names of cues, comments and styles": (
        "a.vtt",
        (
            "WEBVTT\n\nSTYLE\n::cue { color: red }\n\nintro\n00:01.000 --> 00:02.000\nHello.\n\nNOTE\nnot said\nat all\n\n"  # noqa: E501
            "second cue\n00:03.000 --> 00:04.000\nBye.\n"
        ),
        ["1–2 Hello.", "3–4 Bye."],
    ),
    "speakers": (
        "a.vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Anna>Sit <i>low</i>.</v>\n\n00:03.000 --> 00:04.000\n- BORIS: Why?\n",
        ["1–2 Anna: Sit low.", "3–4 - BORIS: Why?"],
    ),
    "a line that grows word by word": (
        "a.vtt",
        (
            "WEBVTT\n\n00:01.000 --> 00:02.000\nthe\n\n00:02.000 --> 00:03.000\nthe long\n\n00:03.000 --> 00:04.000\n"
            "the long road\n\n00:04.000 --> 00:05.000\nthe long road\nbegins\n"
        ),
        ["1–4 the long road", "4–5 begins"],
    ),
    "three lines that roll": (
        "a.srt",
        (
            "1\n00:00:01,000 --> 00:00:02,000\na b\n\n2\n00:00:02,000 --> 00:00:03,000\na b\nc d\n\n"
            "3\n00:00:03,000 --> 00:00:04,000\na b\nc d\ne f\n\n4\n00:00:04,000 --> 00:00:05,000\nc d\ne f\ng h\n"
        ),
        ["1–2 a b", "2–3 c d", "3–4 e f", "4–5 g h"],
    ),
    "words that are said twice": (
        "a.srt",
        (
            "1\n00:00:01,000 --> 00:00:02,000\nNo.\n\n2\n00:00:02,000 --> 00:00:03,000\nNo.\n\n"
            "3\n00:00:03,000 --> 00:00:04,000\nNever.\n"
        ),
        ["1–2 No.", "2–3 No.", "3–4 Never."],
    ),
    "times of many forms": (
        "a.srt",
        "1\n0:00:01.5 --> 0:00:02.25\nOne.\n\n2\n01:02:03 --> 01:02:04\nTwo.\n",
        ["1.5–2.25 One.", "3723–3724 Two."],
    ),
    "Windows line ends in cp1251": (
        "b.srt",
        "1\r\n00:00:01,000 --> 00:00:02,000\r\nСадись низко.\r\n\r\n",
        ["1–2 Садись низко."],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_kept(name: str, tmp_path: Path) -> None:
    file, content, expected = CASES[name]
    (tmp_path / file).write_bytes(content.encode("cp1251" if "cp1251" in name else "utf-8"))
    assert shown(tmp_path / file) == expected


LINES = st.lists(st.integers(0, 10_000).map(lambda n: f"line {n}"), min_size=4, max_size=30, unique=True)


@given(LINES, st.integers(2, 3))
def test_rolling_captions_are_read_once(lines: list[str], height: int) -> None:
    cues = [
        Cue(float(index), index + 1.0, lines[max(index - height + 1, 0) : index + 1]) for index in range(len(lines))
    ]
    spoken = [line for cue in without_repetitions(cues) for line in cue.lines]
    assert spoken == lines


@given(st.lists(st.sampled_from(["no", "yes", "never"]), max_size=12))
def test_speech_that_repeats_itself_stays(words: list[str]) -> None:
    cues = [Cue(float(index), index + 1.0, [word]) for index, word in enumerate(words)]
    assert [cue.lines for cue in without_repetitions(cues)] == [[word] for word in words]
