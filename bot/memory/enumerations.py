"""Lists inside a statement: "I take ibuprofen, metformin and lisinopril" states three things, each of which may go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.text.language import has_cyrillic_letters
from bot.text.morphology import read_word
from bot.text.pronouns import ALL_PRONOUNS
from bot.text.sentences import SENTENCE_ENDS
from bot.text.words import fold

_SEPARATOR: Final = re.compile(r"\s*,\s+(?:(?:and|or|и|или)\s+)?|\s+(?:and|or|и|или)\s+", re.IGNORECASE)
_CONJUNCTION: Final = re.compile(r"(?:^|\s)(?:and|or|и|или)\s", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_MAX_ITEM_WORDS: Final = 4


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a list."""

    start: int
    end: int
    """Where its text, with the separator that goes with it, stands in the whole text."""
    statement: str
    """What it states by itself: "I take metformin"."""


def find_items(text: str, start: int, end: int) -> Sequence[Item]:
    """The things of the list that a unit of a text ends with; none if it has no list."""
    unit = text[start:end].rstrip(SENTENCE_ENDS)
    separators = list(_SEPARATOR.finditer(unit))
    if not any(_CONJUNCTION.search(separator[0]) for separator in separators) and len(separators) < 2:
        return ()
    bounds = [0, *(edge for separator in separators for edge in separator.span()), len(unit)]
    segments = list(zip(bounds[::2], bounds[1::2], strict=True))
    first, *others = segments
    words = list(_WORD.finditer(unit[first[0] : first[1]]))
    if len(words) < 2 or not all(_is_item(unit[begin:stop]) for begin, stop in others):
        return ()
    head = unit[: words[-1].start()]
    places = [(words[-1].start(), first[1]), *others]
    items = []
    for number, (begin, stop) in enumerate(places):
        is_last = number == len(places) - 1
        cut_from = places[number - 1][1] if is_last else begin
        cut_to = stop if is_last else places[number + 1][0]
        items.append(Item(start + cut_from, start + cut_to, head + unit[begin:stop]))
    return items


def _is_item(segment: str) -> bool:
    """Whether a part of a sentence is a mere thing, and no clause with a subject or verb of its own."""
    words = [fold(word) for word in _WORD.findall(segment)]
    return 0 < len(words) <= _MAX_ITEM_WORDS and not any(
        word in ALL_PRONOUNS or (has_cyrillic_letters(word) and read_word(word).is_first_person) for word in words
    )
