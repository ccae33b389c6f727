"""Where sentences end.

Three rules, from the most careful to the simplest: `split_sentences` and `ends_sentence` know abbreviations,
`SENTENCE_BREAK` only needs a blank after the mark, `split_at_marks` takes every mark as an end.
"""

from __future__ import annotations

import re
from typing import Final

SENTENCE_ENDS: Final = ".!?…"
"""Marks that end a sentence when a blank follows."""
_CLOSING_QUOTES: Final = "\"'»”)]"
CLOSING_MARKS: Final = f"{_CLOSING_QUOTES}’*_"
"""What may stand between such a mark and the blank."""

_END: Final = f"[{re.escape(SENTENCE_ENDS)}]"
_BOUNDARY: Final = re.compile(rf"(?<={_END})[{re.escape(CLOSING_MARKS)}]*\s+|\s*\n\s*")
_MARKED_SENTENCE: Final = re.compile(rf"[^{re.escape(SENTENCE_ENDS)}\n]+{_END}*")
_ABBREVIATION_AT_END: Final = re.compile(
    r"(?:^|[\s(«„\"])(?:гг?|вв?|ч|т|е|д|см|рис|стр|им|ул|тыс|млн|млрд|руб|Dr|Mrs?|Ms|Prof|St|e\.g|i\.e|vs|[Ff]ig"
    r"|(?:[A-ZА-ЯЁ]\.\s?)*[A-ZА-ЯЁ])\.$"
)
"""What ends in a point and mostly does not end the sentence: a year cut off would be compared with nothing."""

SENTENCE_BREAK: Final = re.compile(rf"(?<={_END})[{re.escape(_CLOSING_QUOTES)}]*\s+|\n+")
"""Where the library breaks a long text. Stored chunks depend on it and on `ends_with_mark`: a change of either raises
`CHUNKING_VERSION`."""
_MARK_AT_END: Final = re.compile(rf"{_END}[{re.escape(_CLOSING_QUOTES)}]*$")


def split_sentences(text: str) -> list[str]:
    """The sentences of a text in order, each as it is written; the end of a line ends a sentence too."""
    sentences, start = [], 0
    for boundary in _BOUNDARY.finditer(text):
        if "\n" not in boundary[0] and _ends_with_abbreviation(text[start : boundary.start()]):
            continue
        closing = len(boundary[0]) - len(boundary[0].lstrip(CLOSING_MARKS))
        sentences.append(text[start : boundary.start() + closing].strip())
        start = boundary.end()
    sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if sentence]


def split_at_marks(text: str) -> list[str]:
    """The parts of a text between sentence marks and line ends, with their marks, whatever follows: 3.5 is cut too."""
    return [sentence for part in _MARKED_SENTENCE.findall(text) if (sentence := part.strip())]


def ends_sentence(text: str) -> bool:
    """Whether a text ends with a whole sentence, provided that a blank follows."""
    return text.rstrip(CLOSING_MARKS).endswith(tuple(SENTENCE_ENDS)) and not _ends_with_abbreviation(text)


def ends_with_mark(text: str) -> bool:
    """Whether a text ends with a sentence mark, abbreviations included."""
    return _MARK_AT_END.search(text) is not None


def _ends_with_abbreviation(text: str) -> bool:
    return _ABBREVIATION_AT_END.search(text[-20:]) is not None
