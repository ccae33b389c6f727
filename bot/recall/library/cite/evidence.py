"""A passage as evidence: its sentences read, and whether they bear a statement out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.mind.collections import CollectionKind, Trust
from bot.recall.library.cite.opposites import contradict
from bot.recall.library.cite.sentences import sentences
from bot.recall.library.cite.words import Reading, read
from bot.recall.library.passage import Passage

ENOUGH: Final = 0.7
"""Share of a statement's content words that neighbouring sentences of a passage must have."""
LEAST: Final = 3
"""Content words and numbers that a statement must have: of fewer nothing can be told."""
LEAST_SHARED: Final = 2
"""Content words and numbers that the sentences themselves must share with it, headings aside."""
NEIGHBOURS: Final = 2
"""Sentences side by side that are taken together at most."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage that may be cited."""

    n: int
    """Its number in the prompt, from 1."""
    passage: Passage
    sentences: tuple[str, ...]
    lead: Reading
    """What stands above it: title and headings."""

    def support(self, statement: str) -> float:
        """How well the passage bears a statement out, 0 when it does not, 1 when it has all its words.

        It does when one or two neighbouring sentences have at least `ENOUGH` of its content words (in any form) and all
        its numbers, each with the same word after it where both have one, deny if and only if it denies, and do not say
        the opposite of one of its words.
        """
        said = read(statement)
        if statement.rstrip(" \"'»”)").endswith("?") or len(said.stems) + len(said.numbers) < LEAST:
            return 0.0
        return max((self._support(said, window) for window in self._windows()), default=0.0)

    def _windows(self) -> Iterator[Sequence[str]]:
        for size in range(1, NEIGHBOURS + 1):
            for start in range(len(self.sentences) - size + 1):
                yield self.sentences[start : start + size]

    def _support(self, said: Reading, window: Sequence[str]) -> float:
        found = read(" ".join(window))
        shared = (said.stems & found.stems) | (said.numbers & found.numbers)
        if len(shared) < LEAST_SHARED or not said.numbers <= found.numbers | self.lead.numbers:
            return 0.0
        if not all(_measured(measure, found) for measure in said.measures):
            return 0.0
        nearest = max(window, key=lambda one: len(said.stems & read(one).stems))
        if said.denies != read(nearest).denies or contradict(said.sides, read(nearest).sides):
            return 0.0
        covered = len(said.stems & (found.stems | self.lead.stems)) / max(len(said.stems), 1)
        return covered if covered >= ENOUGH else 0.0


def borne_out_by(statement: str, evidence: Iterable[Evidence], asked: Collection[int] = ()) -> list[Evidence]:
    """What bears a statement out: of the passages asked for by number all that do, otherwise the best one.

    Of equals the one that stood first is taken.
    """
    found = [(support, one) for one in evidence if (support := one.support(statement))]
    chosen = [one for _, one in found if one.n in asked]
    return chosen or ([max(found, key=lambda pair: pair[0])[1]] if found else [])


def evidence_of(passages: Iterable[Passage]) -> list[Evidence]:
    """Those of the passages in a prompt that may be cited, by their numbers there.

    Style examples never are, and what a user said is no word of the author's.
    """
    return [
        Evidence(n, passage, _sentences(passage), read(_above(passage)))
        for n, passage in enumerate(passages, 1)
        if passage.kind is not CollectionKind.VOICE and passage.trust is not Trust.USER
    ]


def _sentences(passage: Passage) -> tuple[str, ...]:
    return tuple(sentences(passage.quote))


def _above(passage: Passage) -> str:
    # Of a lecture the place is a time on the tape, and of a table a row's number: neither says anything.
    says = passage.kind not in (CollectionKind.LECTURE, CollectionKind.TABLE)
    return f"{passage.title}\n{passage.where}" if says else passage.title


def _measured(measure: tuple[str, str], found: Reading) -> bool:
    """Whether a number counts the same there, as far as it is said what it counts."""
    number, unit = measure
    there = {other for value, other in found.measures if value == number}
    return not unit or not there or unit in there or "" in there
