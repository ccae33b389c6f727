"""Lays a statement beside a passage: which of its terms the passage has, and whether it says the same of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.library.cite.statement import ROOT_LETTERS, Statement, Term, TermKind
from bot.text.contrasts import are_opposite
from bot.text.morphology import PartOfSpeech
from bot.text.units import implying_units, same_unit
from bot.text.words import common_prefix_length

_SYNONYM_QUALITY: Final = 0.8
_RELATED_QUALITY: Final = 0.7
"""Of a word with the same root: rest and resting, закрыт and закрытие."""
_HEADING_QUALITY: Final = 0.5
_EXACT: Final = (TermKind.NUMBER, TermKind.UNIT, TermKind.DATE)
_MIN_ROOT: Final = 5
_MIN_ENGLISH_ROOT: Final = ROOT_LETTERS
_MAX_SUFFIX: Final = 5
_CHANGING_SUFFIXES: Final = ("less", "er", "or", "ist", "free")
"""English endings that make another thing of a word: run and runner, care and careless."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """The terms of a statement, each beside the term of a passage that says it."""

    claim: Statement
    passage: Statement
    places: tuple[int | None, ...]
    """Of each term of the claim: the index of the passage's term; None where only a heading has it."""
    quality: float
    """1 if every term is there in the same word; 0 if one is missing."""

    @property
    def sentences_used(self) -> set[int]:
        """Numbers of the passage's sentences that have any of the terms."""
        return {self.passage.sentences[place] for _, place in self.pairs()}

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Indices of the claim's terms with those of the passage's."""
        for index, place in enumerate(self.places):
            if place is not None:
                yield index, place


Options = Sequence[Sequence[tuple[float, int]]]
"""For each term of a claim, the terms of a passage that are it: how surely, and at which index."""


def find_options(claim: Statement, passage: Statement) -> Options:
    """For each term of a statement, where a passage has it."""
    return [
        [(quality, at) for at, other in enumerate(passage.terms) if (quality := similarity(term, other))]
        for term in claim.terms
    ]


def align(
    claim: Statement, passage: Statement, headings: Sequence[Term] = (), options: Options | None = None
) -> Alignment | None:
    """The terms of a statement in a passage; None when one is in neither the passage nor its headings.

    A term that the passage has more than once is found where it is negated as in the claim, and nearest to the term
    before.

    Args:
        options: what `find_options` returns, if it is known already.
    """
    places: list[int | None] = []
    total = 0.0
    for term, found in zip(claim.terms, options or find_options(claim, passage), strict=True):
        free = [option for option in found if option[1] not in places or _may_repeat(term)]
        if free:
            quality, at = max(
                free, key=lambda option: (option[0] == 1, *_closeness(term, passage, option[1], places), option[0])
            )
            places.append(at)
            total += quality
        elif may_be_missing(term, claim, passage):
            places.append(None)
            total += 1
        elif is_in_headings(term, headings):
            places.append(None)
            total += _HEADING_QUALITY
        else:
            return None
    _gather(claim, passage, places, options or find_options(claim, passage))
    return Alignment(claim, passage, tuple(places), total / max(len(claim.terms), 1))


def _gather(claim: Statement, passage: Statement, places: list[int | None], options: Options) -> None:
    """Move terms that the passage has more than once to the clause that has the most of the others."""
    for index, found in enumerate(options):
        at = places[index]
        if at is None or len(found) < 2:
            continue
        clauses = Counter(
            passage.clauses[place]
            for other, place in enumerate(places)
            if place is not None and other != index and claim.clauses[other] == claim.clauses[index]
        )
        quality = {place: sureness for sureness, place in found}
        current = passage.terms[at]

        def fits(place: int, quality: dict[int, float] = quality, at: int = at, current: Term = current) -> bool:
            other = passage.terms[place]
            return (
                place not in places
                and quality[place] == quality[at]
                and (other.is_negated, other.is_conditional) == (current.is_negated, current.is_conditional)
            )

        better = [place for _, place in found if fits(place)]
        best = max(better, key=lambda place: (clauses[passage.clauses[place]], -abs(place - at)), default=at)
        if clauses[passage.clauses[best]] > clauses[passage.clauses[at]]:
            places[index] = best


def is_in_headings(term: Term, headings: Sequence[Term]) -> bool:
    """Whether a heading has a term, in the same word."""
    return any(similarity(term, other) == 1 for other in headings)


def _may_repeat(term: Term) -> bool:
    """Whether a statement may have a term more often than the passage does."""
    return term.kind in (TermKind.WORD, TermKind.UNIT) and not term.contrasts


def may_be_missing(term: Term, claim: Statement, passage: Statement) -> bool:
    """Whether a passage without a term says the same: it is only part of a verb, or its number's unit says it."""
    if term.is_optional:
        return not any(are_opposite(term.contrasts, other.contrasts) for other in passage.terms)
    if term.kind is TermKind.UNIT and term.is_attached:
        # 50 % of them, half of them: the number has its unit with it.
        return any(other.kind is TermKind.NUMBER and other.unit == term.unit for other in claim.terms)
    if term.kind is not TermKind.WORD:
        return False
    units = implying_units(term.keys)
    return bool(units) and any(other.kind is TermKind.NUMBER and other.unit in units for other in claim.terms)


def similarity(term: Term, other: Term) -> float:
    """How surely two terms are one: 1 for the same word or number, less for a synonym or a related word, 0 else."""
    kind, other_kind = term.kind, other.kind
    if kind is not TermKind.WORD or other_kind is not TermKind.WORD:
        if kind in _EXACT or other_kind in _EXACT:
            return float(kind is other_kind and _is_same_value(term, other))
        return float(not term.keys.isdisjoint(other.keys))
    if not term.keys.isdisjoint(other.keys):
        return 1.0
    is_synonym = not term.groups.isdisjoint(other.groups)
    if not is_synonym and term.roots.isdisjoint(other.roots):
        return 0.0
    if are_opposite(term.contrasts, other.contrasts):
        return 0.0
    if is_synonym:
        return _SYNONYM_QUALITY
    return _RELATED_QUALITY if _are_related(term, other) else 0.0


def _is_same_value(term: Term, other: Term) -> bool:
    if term.kind is TermKind.NUMBER:
        return _same_number(term, other)
    if term.kind is TermKind.UNIT:
        return same_unit(str(term.unit), str(other.unit))
    return term.keys == other.keys


def _same_number(term: Term, other: Term) -> bool:
    if not term.keys & other.keys:
        return False
    if {term.is_ordinal, other.is_ordinal} == {True, False}:
        return False
    return term.unit is None or other.unit is None or same_unit(term.unit, other.unit)


def _are_related(term: Term, other: Term) -> bool:
    """Whether two words have one root and are no two kinds of thing."""
    if term.parts_of_speech and other.parts_of_speech:
        shared = term.parts_of_speech & other.parts_of_speech - {PartOfSpeech.FUNCTION}
        if shared and shared != {PartOfSpeech.VERB}:
            return False
        return any(
            common_prefix_length(first, second) >= max(_MIN_ROOT, 0.5 * max(len(first), len(second)))
            for first in term.keys
            for second in other.keys
        )
    if term.parts_of_speech or other.parts_of_speech:
        return False
    return any(_is_derived(first, second) or _is_derived(second, first) for first in term.keys for second in other.keys)


def _is_derived(longer: str, base: str) -> bool:
    suffix = longer.removeprefix(base)
    return (
        len(base) >= _MIN_ENGLISH_ROOT
        and longer.startswith(base)
        and 0 < len(suffix) <= _MAX_SUFFIX
        and not suffix.endswith(_CHANGING_SUFFIXES)
    )


def _closeness(
    term: Term, passage: Statement, at: int, places: Sequence[int | None]
) -> tuple[bool, bool, bool, bool, int]:
    """By how much a place is preferred to others with the same word."""
    other = passage.terms[at]
    last = next((place for place in reversed(places) if place is not None), -1)
    return (
        at not in places,
        term.is_negated == other.is_negated,
        term.is_conditional == other.is_conditional,
        last >= 0 and passage.clauses[at] == passage.clauses[last],
        -abs(at - last - 1),
    )
