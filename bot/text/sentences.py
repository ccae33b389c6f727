"""A text cut into sentences."""

from __future__ import annotations

import re
from typing import Final

SENTENCE_ENDS: Final = ".!?…"
"""Marks that end a sentence when a blank follows."""
CLOSING_MARKS: Final = "\"'»”’)]*_"
"""What may stand between such a mark and the blank."""

_BOUNDARY: Final = re.compile(rf"(?<=[{re.escape(SENTENCE_ENDS)}])[{re.escape(CLOSING_MARKS)}]*\s+|\s*\n\s*")


_ABBREVIATION_AT_END: Final = re.compile(
    r"(?:^|[\s(«„\"])(?:гг?|вв?|ч|т|е|д|см|рис|стр|им|ул|тыс|млн|млрд|руб|Dr|Mrs?|Ms|Prof|St|e\.g|i\.e|vs|[Ff]ig"
    r"|(?:[A-ZА-ЯЁ]\.\s?)*[A-ZА-ЯЁ])\.$"
)
"""What ends with a point and ends no sentence, most of the time: a year cut off would be compared with nothing."""


def split_sentences(text: str) -> list[str]:
    """The sentences of a text in order, each as it is written; a line's end is a sentence's end too."""
    found, start = [], 0
    for cut in _BOUNDARY.finditer(text):
        if "\n" not in cut[0] and _ends_with_abbreviation(text[start : cut.start()]):
            continue
        closers = len(cut[0]) - len(cut[0].lstrip(CLOSING_MARKS))
        found.append(text[start : cut.start() + closers].strip())
        start = cut.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def ends_sentence(sentence: str) -> bool:
    """Whether a sentence has come to its end, if a blank follows."""
    return sentence.rstrip(CLOSING_MARKS).endswith(tuple(SENTENCE_ENDS)) and not _ends_with_abbreviation(sentence)


def _ends_with_abbreviation(text: str) -> bool:
    return _ABBREVIATION_AT_END.search(text[-20:]) is not None
