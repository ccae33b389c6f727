"""The author's own words on a question: the sentences of the passages that have most of what it asks about."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.mind.collections import CollectionKind
from bot.recall.library.cite.evidence import Evidence
from bot.recall.library.cite.words import Reading, read
from bot.recall.library.passage import Passage
from bot.recall.library.question import asks_for_number

LONGEST: Final = 320
"""Characters of a quotation."""
ENOUGH: Final = 0.5
"""Share of a question's content words that a quotation has to have, each counted by how rare it is."""
SENTENCES: Final = 3
"""Sentences of a quotation at most."""
_FIELDS: Final = 6
"""Fields of a table's row that are quoted at most."""
_A_SENTENCE: Final = 0.04
_A_PLACE: Final = 0.05
_A_NUMBER: Final = 0.15


@dataclass(frozen=True, slots=True)
class Quotation:
    """Words of a passage, as they stand there; where a table's fields are left out there is an ellipsis."""

    passage: Passage
    text: str
    score: float


def quote(question: str, evidence: Sequence[Evidence]) -> Quotation | None:
    """What the passages say to a question in their own words; None when none says enough of it.

    The better place in the search, the shorter text and, where a number is asked for, one with a number are preferred.
    """
    asked = read(question)
    if not asked.stems:
        return None
    weights = _weights(asked, evidence)
    wants_number = asks_for_number(question)
    found = [
        quotation
        for place, one in enumerate(evidence)
        for window in _windows(one)
        if (quotation := _weighed(asked, weights, one, window, place, wants_number=wants_number))
    ]
    return max(found, key=lambda quotation: quotation.score, default=None)


def _weights(asked: Reading, evidence: Sequence[Evidence]) -> dict[str, float]:
    """How much each word or number of the question tells: the fewer sentences have it, the more."""
    among = [read(sentence) for one in evidence for sentence in one.sentences]
    counts = Counter(item for reading in among for item in reading.stems | reading.numbers)
    return {item: math.log(2 + len(among) / (1 + counts[item])) for item in asked.stems | asked.numbers}


def _windows(one: Evidence) -> Iterator[Sequence[str]]:
    longest = 1 if one.passage.kind is CollectionKind.TABLE else SENTENCES
    for start in range(len(one.sentences)):
        for size in range(1, longest + 1):
            window = one.sentences[start : start + size]
            if len(window) < size or (size > 1 and sum(map(len, window)) + size > LONGEST):
                break
            yield window


def _weighed(
    asked: Reading,
    weights: dict[str, float],
    one: Evidence,
    window: Sequence[str],
    place: int,
    *,
    wants_number: bool,
) -> Quotation | None:
    text = " ".join(window)
    found = read(text)
    own = (asked.stems & found.stems) | (asked.numbers & found.numbers)
    shared = own | (asked.stems & one.lead.stems) | (asked.numbers & one.lead.numbers)
    covered = sum(weights[item] for item in shared) / sum(weights.values())
    if not own or covered < ENOUGH or len(shared) < min(2, len(weights)):
        return None
    score = covered - _A_SENTENCE * (len(window) - 1) - _A_PLACE * place
    if wants_number and found.numbers - asked.numbers:
        score += _A_NUMBER
    said = _fields(text, asked) if one.passage.kind is CollectionKind.TABLE else _plain(text)
    return Quotation(one.passage, said, score)


def _fields(row: str, asked: Reading) -> str:
    """Of a table's row the first field and those that the question is about."""
    fields = row.split("; ")
    if len(fields) <= _FIELDS:
        return row
    likeness = [
        len(asked.stems & (reading := read(field)).stems) + len(asked.numbers & reading.numbers) for field in fields
    ]
    order = sorted(range(1, len(fields)), key=lambda at: -likeness[at])
    kept = sorted([0, *(at for at in order[: _FIELDS - 1] if likeness[at])])
    shown = ""
    for before, at in zip([None, *kept], kept, strict=False):
        between = "" if before is None else "; " if at == before + 1 else "; …; "
        shown += between + fields[at]
    return shown


def _plain(text: str) -> str:
    """Without marks of emphasis, and not too long."""
    plain = " ".join(text.replace("**", "").replace("__", "").split())
    return plain if len(plain) <= LONGEST else plain[: plain.rfind(" ", 0, LONGEST)].rstrip(" ,;:") + " …"
