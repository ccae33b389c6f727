"""The author's own words on a question: the sentences of the passages that have most of what it asks about."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from bot.mind.collections import CollectionKind
from bot.recall.library.cite.evidence import Evidence
from bot.recall.library.cite.words import Reading, read, stem
from bot.recall.library.passage import Passage
from bot.recall.library.question import asks_for_number

LONGEST: Final = 320
"""Characters of a quotation."""
ENOUGH: Final = 0.4
"""Share of a question's content words that a quotation has to have, each counted by how rare it is."""
SENTENCES: Final = 3
"""Sentences of a quotation at most."""
_FIELDS: Final = 6
"""Fields of a table's row that are quoted at most."""
_A_SENTENCE: Final = 0.04
"""Taken off for each sentence after the first."""
_FOUND: Final = 0.4
"""What the passage that the search found best gets for it; the others get as much less as they scored less."""
_NUMBER: Final = 2.0
"""How many words a number of the question counts for."""
_A_NUMBER: Final = 0.15
"""Added where a number is asked for and there is one."""
_A_NOTE: Final = 0.1
"""Taken off for a row of a table and for a day's entry: a sentence of the author's tells what holds beyond them."""
_ABOVE: Final = 0.5
"""What a word counts for that stands in a heading alone."""
_HOW_MUCH: Final = re.compile(r"\bhow\s+(?:long|much|many|often|far|high|heavy|old|fast|big|deep)\b", re.IGNORECASE)
"""Words that ask, and say nothing of what is asked about."""
_HOW_LONG: Final = re.compile(
    r"\bhow\s+long\b|\b(?:сколько|как)\s+(?:длится|длятся|продолжа\w+|времени|долго)\b", re.IGNORECASE
)
_TIMES: Final = frozenset(
    map(
        stem,
        [
            "second",
            "minute",
            "hour",
            "day",
            "week",
            "month",
            "year",
            "секунда",
            "минута",
            "час",
            "день",
            "неделя",
            "месяц",
            "год",
        ],
    )
)
_SHORT: Final = 100
"""Characters of a quotation that is rounded out with the sentence after it."""


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
    asked = read(_HOW_MUCH.sub(" ", question))
    if not asked.stems:
        return None
    weights = _weights(asked, evidence)
    best = max((one.passage.score for one in evidence), default=0.0) or 1.0
    wanted = _Wanted(asks_for_number(question), _HOW_LONG.search(question) is not None)
    found = [
        quotation
        for one in evidence
        for window in _windows(one)
        if (quotation := _weighed(asked, weights, one, window, _FOUND * one.passage.score / best, wanted))
    ]
    return max(found, key=lambda quotation: quotation.score, default=None)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What kind of answer a question asks for."""

    number: bool
    time: bool

    def by(self, found: Reading, asked: Reading) -> bool:
        """Whether a text has it."""
        new = [(number, unit) for number, unit in found.measures if number not in asked.numbers]
        return self.number and any(not self.time or unit in _TIMES for _, unit in new)


def _weights(asked: Reading, evidence: Sequence[Evidence]) -> dict[str, float]:
    """How much each word or number of the question tells: the fewer sentences have it, the more."""
    among = [read(sentence) for one in evidence for sentence in one.sentences]
    counts = Counter(item for reading in among for item in reading.stems | reading.numbers)
    rarity = {item: math.log(2 + len(among) / (1 + counts[item])) for item in asked.stems | asked.numbers}
    return {item: weight * (_NUMBER if item in asked.numbers else 1) for item, weight in rarity.items()}


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
    placed: float,
    wanted: _Wanted,
) -> Quotation | None:
    text = " ".join(window)
    found = read(text)
    is_row = one.passage.kind is CollectionKind.TABLE
    counted = _counted(asked, found, is_row=is_row)
    if is_row and not asked.numbers <= counted | one.lead.numbers:
        # The row of another week or year looks like the one that is asked for, and is not.
        return None
    own = (asked.stems & found.stems) | counted
    shared = own | (asked.stems & one.lead.stems) | (asked.numbers & one.lead.numbers)
    whole = sum(weights.values())
    covered = sum(weights[item] for item in shared) / whole
    if not own or covered < ENOUGH or len(shared) < min(2, len(weights)):
        return None
    score = covered - (1 - _ABOVE) * sum(weights[item] for item in shared - own - asked.numbers) / whole
    score += placed - _A_SENTENCE * (len(window) - 1)
    if wanted.by(found, asked):
        score += _A_NUMBER
    if is_row:
        return Quotation(one.passage, _fields(text, asked), score - _A_NOTE)
    if one.passage.kind is CollectionKind.DIARY:
        score -= _A_NOTE
    return Quotation(one.passage, _plain(_rounded_out(text, one.sentences)), score)


def _counted(asked: Reading, found: Reading, *, is_row: bool) -> set[str]:
    """The question's numbers that a text has; in a row, where it has many, of what the question calls so: week 4."""
    named = {number: name for number, name in asked.named if name} if is_row else {}
    return {
        number
        for number in asked.numbers & found.numbers
        if number not in named or (number, named[number]) in found.named
    }


def _rounded_out(text: str, sentences: Sequence[str]) -> str:
    """A short quotation with what the author says next."""
    following = next((after for last, after in pairwise(sentences) if text.endswith(last)), "")
    longer = f"{text} {following}"
    return longer if following and len(text) < _SHORT and len(longer) <= LONGEST else text


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
