"""The author's own words on a question: the sentences of the passages that have most of what it asks about."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from bot.library.cite.evidence import Evidence
from bot.library.passage import Passage
from bot.minds.schema import CollectionKind
from bot.text.analysis import TextFeatures, analyse
from bot.text.calendar import ENGLISH_TIME_UNITS, RUSSIAN_TIME_UNITS
from bot.text.numerals import HOW_QUANTITIES, asks_for_number
from bot.text.words import stem

MAX_LENGTH: Final = 320
"""Characters of a quotation."""
MIN_COVERAGE: Final = 0.4
"""Share of a question's content words that a quotation has to have, each counted by how rare it is."""
MAX_SENTENCES: Final = 3
"""Sentences of a quotation at most."""
_MAX_ROW_FIELDS: Final = 6
"""Fields of a table's row that are quoted at most."""
_SENTENCE_PENALTY: Final = 0.04
"""Taken off for each sentence after the first."""
_SEARCH_SCORE_WEIGHT: Final = 0.4
"""What the passage that the search found best gets for it; the others get as much less as they scored less."""
_NUMBER_WEIGHT: Final = 2.0
"""How many words a number of the question counts for."""
_NUMBER_BONUS: Final = 0.15
"""Added where a number is asked for and there is one."""
_ENTRY_PENALTY: Final = 0.1
"""Taken off for a row of a table and for a day's entry: a sentence of the author's tells what holds beyond them."""
_HEADING_WEIGHT: Final = 0.5
"""What a word counts for that stands in a heading alone."""
_QUANTITY_QUESTION: Final = re.compile(rf"\bhow\s+(?:{'|'.join((*HOW_QUANTITIES, 'big', 'deep'))})\b", re.IGNORECASE)
"""Words that ask, and say nothing of what is asked about."""
_DURATION_QUESTION: Final = re.compile(
    r"\bhow\s+long\b|\b(?:сколько|как)\s+(?:длится|длятся|продолжа\w+|времени|долго)\b", re.IGNORECASE
)
_TIME_UNITS: Final = frozenset(map(stem, (*ENGLISH_TIME_UNITS, *RUSSIAN_TIME_UNITS)))
_SHORT_QUOTATION: Final = 100
"""Characters of a quotation that is rounded out with the sentence after it."""


@dataclass(frozen=True, slots=True)
class Quotation:
    """Words of a passage, as they stand there; where a table's fields are left out there is an ellipsis."""

    passage: Passage
    text: str
    score: float


def best_quotation(question: str, evidence: Sequence[Evidence]) -> Quotation | None:
    """What the passages say to a question in their own words; None when none says enough of it.

    The better place in the search, the shorter text and, where a number is asked for, one with a number are preferred.
    """
    asked = analyse(_QUANTITY_QUESTION.sub(" ", question))
    if not asked.stems:
        return None
    weights = _term_weights(asked, evidence)
    best = max((one.passage.score for one in evidence), default=0.0) or 1.0
    wanted = _ExpectedAnswer(asks_for_number(question), _DURATION_QUESTION.search(question) is not None)
    found = [
        quotation
        for one in evidence
        for window in _windows(one)
        if (
            quotation := _score_window(
                asked, weights, one, window, _SEARCH_SCORE_WEIGHT * one.passage.score / best, wanted
            )
        )
    ]
    return max(found, key=lambda quotation: quotation.score, default=None)


@dataclass(frozen=True, slots=True)
class _ExpectedAnswer:
    """What kind of answer a question asks for."""

    number: bool
    time: bool

    def is_given_by(self, found: TextFeatures, asked: TextFeatures) -> bool:
        """Whether a text has it."""
        new = [(number, unit) for number, unit in found.measures if number not in asked.numbers]
        return self.number and any(not self.time or unit in _TIME_UNITS for _, unit in new)


def _term_weights(asked: TextFeatures, evidence: Sequence[Evidence]) -> dict[str, float]:
    """How much each word or number of the question tells: the fewer sentences have it, the more."""
    among = [analyse(sentence) for one in evidence for sentence in one.sentences]
    counts = Counter(item for reading in among for item in reading.stems | reading.numbers)
    rarity = {item: math.log(2 + len(among) / (1 + counts[item])) for item in asked.stems | asked.numbers}
    return {item: weight * (_NUMBER_WEIGHT if item in asked.numbers else 1) for item, weight in rarity.items()}


def _windows(one: Evidence) -> Iterator[Sequence[str]]:
    longest = 1 if one.passage.kind is CollectionKind.TABLE else MAX_SENTENCES
    for start in range(len(one.sentences)):
        for size in range(1, longest + 1):
            window = one.sentences[start : start + size]
            if len(window) < size or (size > 1 and sum(map(len, window)) + size > MAX_LENGTH):
                break
            yield window


def _score_window(
    asked: TextFeatures,
    weights: dict[str, float],
    one: Evidence,
    window: Sequence[str],
    placed: float,
    wanted: _ExpectedAnswer,
) -> Quotation | None:
    text = " ".join(window)
    found = analyse(text)
    is_row = one.passage.kind is CollectionKind.TABLE
    counted = _matching_numbers(asked, found, is_row=is_row)
    if is_row and not asked.numbers <= counted | one.heading_features.numbers:
        # The row of another week or year looks like the one that is asked for, and is not.
        return None
    own = (asked.stems & found.stems) | counted
    shared = own | (asked.stems & one.heading_features.stems) | (asked.numbers & one.heading_features.numbers)
    whole = sum(weights.values())
    covered = sum(weights[item] for item in shared) / whole
    if not own or covered < MIN_COVERAGE or len(shared) < min(2, len(weights)):
        return None
    score = covered - (1 - _HEADING_WEIGHT) * sum(weights[item] for item in shared - own - asked.numbers) / whole
    score += placed - _SENTENCE_PENALTY * (len(window) - 1)
    if wanted.is_given_by(found, asked):
        score += _NUMBER_BONUS
    if is_row:
        return Quotation(one.passage, _select_fields(text, asked), score - _ENTRY_PENALTY)
    if one.passage.kind is CollectionKind.DIARY:
        score -= _ENTRY_PENALTY
    return Quotation(one.passage, _clean_up(_extend_short_quotation(text, one.sentences)), score)


def _matching_numbers(asked: TextFeatures, found: TextFeatures, *, is_row: bool) -> set[str]:
    """The question's numbers that a text has; in a row, where it has many, of what the question calls so: week 4."""
    named = {number: name for number, name in asked.labels if name} if is_row else {}
    return {
        number
        for number in asked.numbers & found.numbers
        if number not in named or (number, named[number]) in found.labels
    }


def _extend_short_quotation(text: str, sentences: Sequence[str]) -> str:
    """A short quotation with what the author says next."""
    following = next((after for last, after in pairwise(sentences) if text.endswith(last)), "")
    longer = f"{text} {following}"
    return longer if following and len(text) < _SHORT_QUOTATION and len(longer) <= MAX_LENGTH else text


def _select_fields(row: str, asked: TextFeatures) -> str:
    """Of a table's row the first field and those that the question is about."""
    fields = row.split("; ")
    if len(fields) <= _MAX_ROW_FIELDS:
        return row
    likeness = [
        len(asked.stems & (reading := analyse(field)).stems) + len(asked.numbers & reading.numbers) for field in fields
    ]
    order = sorted(range(1, len(fields)), key=lambda at: -likeness[at])
    kept = sorted([0, *(at for at in order[: _MAX_ROW_FIELDS - 1] if likeness[at])])
    shown = ""
    for before, at in zip([None, *kept], kept, strict=False):
        between = "" if before is None else "; " if at == before + 1 else "; …; "
        shown += between + fields[at]
    return shown


def _clean_up(text: str) -> str:
    """Without marks of emphasis, and not too long."""
    plain = " ".join(text.replace("**", "").replace("__", "").split())
    return plain if len(plain) <= MAX_LENGTH else plain[: plain.rfind(" ", 0, MAX_LENGTH)].rstrip(" ,;:") + " …"
