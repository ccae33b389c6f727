"""Passages as evidence: whether their sentences support a statement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.library.passage import Passage
from bot.minds.schema import CollectionKind, Trust
from bot.text.analysis import TextFeatures, analyse
from bot.text.opposites import contradict
from bot.text.sentences import split_sentences

MIN_COVERAGE: Final = 0.7
"""Share of a statement's content words that neighbouring sentences of a passage must contain."""
MIN_STATEMENT_TERMS: Final = 3
"""Content words and numbers that a statement must have: with fewer nothing can be decided."""
MIN_SHARED_TERMS: Final = 2
"""Content words and numbers that the sentences must share with it, without the headings."""
MAX_WINDOW_SENTENCES: Final = 2
"""Neighbouring sentences that are compared together at most."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage that may be cited."""

    number: int
    """Its number in the prompt, from 1."""
    passage: Passage
    sentences: tuple[str, ...]
    heading_features: TextFeatures
    """Of its title and headings."""

    def support(self, statement: str) -> float:
        """How well the passage supports a statement: 0 if it does not, up to 1 if it has all of its words.

        It does if one or two neighbouring sentences have at least `MIN_COVERAGE` of its content words (in any form) and
        all its numbers, each with the same unit where both have one, are negated if and only if it is, and have no
        opposite of one of its words.
        """
        claim = analyse(statement)
        if statement.rstrip(" \"'»”)").endswith("?") or len(claim.stems) + len(claim.numbers) < MIN_STATEMENT_TERMS:
            return 0.0
        return max((self._window_support(claim, window) for window in self._windows()), default=0.0)

    def _windows(self) -> Iterator[Sequence[str]]:
        for size in range(1, MAX_WINDOW_SENTENCES + 1):
            for start in range(len(self.sentences) - size + 1):
                yield self.sentences[start : start + size]

    def _window_support(self, claim: TextFeatures, window: Sequence[str]) -> float:
        text = analyse(" ".join(window))
        shared = (claim.stems & text.stems) | (claim.numbers & text.numbers)
        if len(shared) < MIN_SHARED_TERMS or not claim.numbers <= text.numbers | self.heading_features.numbers:
            return 0.0
        if not all(_units_agree(measure, text) for measure in claim.measures):
            return 0.0
        nearest = max((analyse(sentence) for sentence in window), key=lambda one: len(claim.stems & one.stems))
        if claim.is_negated != nearest.is_negated or contradict(claim.polarities, nearest.polarities):
            return 0.0
        coverage = len(claim.stems & (text.stems | self.heading_features.stems)) / max(len(claim.stems), 1)
        return coverage if coverage >= MIN_COVERAGE else 0.0


def supporting_evidence(
    statement: str, evidence: Iterable[Evidence], requested: Collection[int] = ()
) -> list[Evidence]:
    """The evidence that supports a statement: all of it that is requested by number, else the best one.

    Of equally good ones the first is taken.
    """
    supporting = [(support, candidate) for candidate in evidence if (support := candidate.support(statement))]
    chosen = [candidate for _, candidate in supporting if candidate.number in requested]
    return chosen or ([max(supporting, key=lambda pair: pair[0])[1]] if supporting else [])


def collect_evidence(passages: Iterable[Passage]) -> list[Evidence]:
    """The passages of a prompt that may be cited, numbered by their position there.

    Style examples and the words of users never may: neither is the author's statement.
    """
    return [
        Evidence(number, passage, tuple(split_sentences(passage.quote)), analyse(_heading_text(passage)))
        for number, passage in enumerate(passages, 1)
        if passage.kind is not CollectionKind.VOICE and passage.trust is not Trust.USER
    ]


def _heading_text(passage: Passage) -> str:
    # The place in a lecture is a time, and in a table the number of a row: neither says anything about the content.
    has_headings = passage.kind not in (CollectionKind.LECTURE, CollectionKind.TABLE)
    return f"{passage.title}\n{passage.where}" if has_headings else passage.title


def _units_agree(measure: tuple[str, str], text: TextFeatures) -> bool:
    """Whether a number has the same unit in a text, or one of the two has none."""
    number, unit = measure
    units = {other for value, other in text.measures if value == number}
    return not unit or not units or unit in units or "" in units
