"""A text cut into sentences."""

from __future__ import annotations

import re
from typing import Final

ENDS: Final = ".!?…"
"""Marks that end a sentence when a blank follows."""
CLOSERS: Final = "\"'»”’)]*_"
"""What may stand between such a mark and the blank."""

_CUT: Final = re.compile(rf"(?<=[{re.escape(ENDS)}])[{re.escape(CLOSERS)}]*\s+|\s*\n\s*")


_ABBREVIATED: Final = re.compile(
    r"(?:^|[\s(«„\"])(?:гг?|вв?|ч|т|е|д|см|рис|стр|им|ул|тыс|млн|млрд|руб|Dr|Mrs?|Ms|Prof|St|e\.g|i\.e|vs|[Ff]ig"
    r"|(?:[A-ZА-ЯЁ]\.\s?)*[A-ZА-ЯЁ])\.$"
)
"""What ends with a point and ends no sentence, most of the time: a year cut off would be compared with nothing."""


def sentences(text: str) -> list[str]:
    """The sentences of a text in order, each as it is written; a line's end is a sentence's end too."""
    found, start = [], 0
    for cut in _CUT.finditer(text):
        if "\n" not in cut[0] and _is_abbreviated(text[start : cut.start()]):
            continue
        closers = len(cut[0]) - len(cut[0].lstrip(CLOSERS))
        found.append(text[start : cut.start() + closers].strip())
        start = cut.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def is_over(sentence: str) -> bool:
    """Whether a sentence has come to its end, if a blank follows."""
    return sentence.rstrip(CLOSERS).endswith(tuple(ENDS)) and not _is_abbreviated(sentence)


def _is_abbreviated(text: str) -> bool:
    return _ABBREVIATED.search(text[-20:]) is not None
