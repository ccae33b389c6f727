"""Comparisons told from the other side: "A is heavier than B", "B is lighter than A"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bot.library.cite.statement import Statement, Term, TermKind
from bot.text.contrasts import are_opposite
from bot.text.morphology import PartOfSpeech
from bot.text.words import stem, word_set

_THAN: Final = frozenset(("than",))
MAX_TERMS: Final = 16
"""Terms of a statement that is turned round at most."""
_NO_THINGS: Final = frozenset(
    map(
        stem,
        word_set("planned expected thought usual ever necessary needed required normal hoped intended allowed before"),
    )
)
"""After "than", what nothing is told of: later than planned."""


def converses(claim: Statement, passage: Statement) -> Iterator[Statement]:
    """What a comparison says when it is told from the other side, with the passage's word for it.

    Where the compared thing ends and the verb begins is not known, so there are several readings. A comparison with
    operators or negation is not turned round.
    """
    if claim.operators or len(claim.terms) > MAX_TERMS or any(term.is_negated for term in claim.terms):
        return
    for at, term in enumerate(claim.terms):
        start = _start_of_compared(claim, at) if term.kind is TermKind.WORD and term.contrasts else None
        if start is None:
            continue
        opposites = (
            other
            for place, other in enumerate(passage.terms)
            if other.kind is TermKind.WORD
            and are_opposite(term.contrasts, other.contrasts)
            and _start_of_compared(passage, place) is not None
        )
        if (other := next(opposites, None)) is None:
            continue
        word = replace(other, roles=term.roles, is_negated=False, is_conditional=term.is_conditional)
        for first, end in _subjects(claim, at, start):
            yield _turned(claim, range(first, end), at, start, word)


def _start_of_compared(claim: Statement, at: int) -> int | None:
    """Index of the first term of what is compared with: after "than", or in the Russian genitive."""
    following = claim.terms[at + 1] if at + 1 < len(claim.terms) else None
    start = next((index for index in range(at + 1, len(claim.terms)) if "than" in claim.terms[index].roles), None)
    if start is None and following and following.is_attached and "gent" in following.cases:
        start = at + 1
    return start if start is not None and _is_thing(claim.terms[start]) else None


def _is_thing(term: Term) -> bool:
    if term.parts_of_speech:
        return bool(term.parts_of_speech & {PartOfSpeech.NOUN, PartOfSpeech.ADJECTIVE})
    return term.kind in (TermKind.WORD, TermKind.NAME) and term.keys.isdisjoint(_NO_THINGS)


def _subjects(claim: Statement, at: int, start: int) -> Iterator[tuple[int, int]]:
    """First and last index of what may be compared: with the same preposition, or the beginning of the clause."""
    compared = claim.terms[start]
    keys = {key for term in claim.terms[start:] for key in term.keys}
    if roles := compared.roles - _THAN:
        alike = [index for index in range(start) if index != at and claim.terms[index].roles & roles]
        yield from ((index, index + 1) for index in alike if claim.terms[index].keys.isdisjoint(keys))
        return
    first = next(index for index in range(at + 1) if claim.clauses[index] == claim.clauses[at])
    if claim.terms[first].roles or not _is_thing(claim.terms[first]):
        return
    for end in range(first + 1, at + 1):
        if not claim.terms[end - 1].keys.isdisjoint(keys) or claim.terms[end - 1].roles:
            return
        yield first, end


def _turned(claim: Statement, subject: range, at: int, start: int, word: Term) -> Statement:
    """The statement with its subject and what it is compared with exchanged, and another word for how."""
    one, other = claim.terms[subject.start : subject.stop], claim.terms[start:]
    than = other[0].roles & _THAN
    here = [replace(term, roles=term.roles - _THAN, cases=term.cases and one[0].cases) for term in other]
    there = [replace(term, roles=term.roles | than, cases=term.cases and other[0].cases) for term in one]
    between = [word if index == at else claim.terms[index] for index in range(subject.stop, start)]
    before = [word if index == at else claim.terms[index] for index in range(subject.start)]
    terms = [replace(term, is_attached=False) for term in (*before, *here, *between, *there)]
    own = [claim.clauses[min(index, start - 1)] for index in range(len(terms) - len(there))]
    return replace(claim, terms=tuple(terms), clauses=(*own, *[claim.clauses[start]] * len(there)))
