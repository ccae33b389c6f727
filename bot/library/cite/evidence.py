"""A passage as evidence: its sentences read, and whether they bear a statement out."""

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
"""Share of a statement's content words that neighbouring sentences of a passage must have."""
MIN_STATEMENT_TERMS: Final = 3
"""Content words and numbers that a statement must have: of fewer nothing can be told."""
MIN_SHARED_TERMS: Final = 2
"""Content words and numbers that the sentences themselves must share with it, headings aside."""
MAX_WINDOW_SENTENCES: Final = 2
"""Sentences side by side that are taken together at most."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage that may be cited."""

    number: int
    """Its number in the prompt, from 1."""
    passage: Passage
    sentences: tuple[str, ...]
    heading_features: TextFeatures
    """What stands above it: title and headings."""

    def support(self, statement: str) -> float:
        """How well the passage bears a statement out, 0 when it does not, 1 when it has all its words.

        It does when one or two neighbouring sentences have at least `ENOUGH` of its content words (in any form) and all
        its numbers, each with the same word after it where both have one, deny if and only if it denies, and do not say
        the opposite of one of its words.
        """
        said = analyse(statement)
        if statement.rstrip(" \"'»”)").endswith("?") or len(said.stems) + len(said.numbers) < MIN_STATEMENT_TERMS:
            return 0.0
        return max((self._window_support(said, window) for window in self._windows()), default=0.0)

    def _windows(self) -> Iterator[Sequence[str]]:
        for size in range(1, MAX_WINDOW_SENTENCES + 1):
            for start in range(len(self.sentences) - size + 1):
                yield self.sentences[start : start + size]

    def _window_support(self, said: TextFeatures, window: Sequence[str]) -> float:
        found = analyse(" ".join(window))
        shared = (said.stems & found.stems) | (said.numbers & found.numbers)
        if len(shared) < MIN_SHARED_TERMS or not said.numbers <= found.numbers | self.heading_features.numbers:
            return 0.0
        if not all(_units_agree(measure, found) for measure in said.measures):
            return 0.0
        nearest = max(window, key=lambda one: len(said.stems & analyse(one).stems))
        if said.is_negated != analyse(nearest).is_negated or contradict(said.polarities, analyse(nearest).polarities):
            return 0.0
        covered = len(said.stems & (found.stems | self.heading_features.stems)) / max(len(said.stems), 1)
        return covered if covered >= MIN_COVERAGE else 0.0


def supporting_evidence(
    statement: str, evidence: Iterable[Evidence], requested: Collection[int] = ()
) -> list[Evidence]:
    """What bears a statement out: of the passages asked for by number all that do, otherwise the best one.

    Of equals the one that stood first is taken.
    """
    found = [(support, one) for one in evidence if (support := one.support(statement))]
    chosen = [one for _, one in found if one.number in requested]
    return chosen or ([max(found, key=lambda pair: pair[0])[1]] if found else [])


def collect_evidence(passages: Iterable[Passage]) -> list[Evidence]:
    """Those of the passages in a prompt that may be cited, by their numbers there.

    Style examples never are, and what a user said is no word of the author's.
    """
    return [
        Evidence(n, passage, _sentences(passage), analyse(_heading_text(passage)))
        for n, passage in enumerate(passages, 1)
        if passage.kind is not CollectionKind.VOICE and passage.trust is not Trust.USER
    ]


def _sentences(passage: Passage) -> tuple[str, ...]:
    return tuple(split_sentences(passage.quote))


def _heading_text(passage: Passage) -> str:
    # Of a lecture the place is a time on the tape, and of a table a row's number: neither says anything.
    says = passage.kind not in (CollectionKind.LECTURE, CollectionKind.TABLE)
    return f"{passage.title}\n{passage.where}" if says else passage.title


def _units_agree(measure: tuple[str, str], found: TextFeatures) -> bool:
    """Whether a number counts the same there, as far as it is said what it counts."""
    number, unit = measure
    there = {other for value, other in found.measures if value == number}
    return not unit or not there or unit in there or "" in there
