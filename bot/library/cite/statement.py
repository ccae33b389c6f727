"""A sentence read as what it states: its terms in order, and what decides how they hold.

A term is a word, a name, or a number with its unit. With each go the preposition before it, whether it is negated or
stands under a condition, and in which part of the sentence. Everything else is an operator (`bot.text.operators`) or
says nothing by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from bot.text.morphology import PartOfSpeech
from bot.text.operators import Operator

ROOT_LETTERS: Final = 4


class TermKind(StrEnum):
    """What a term is."""

    WORD = "word"
    NAME = "name"
    NUMBER = "number"
    DATE = "date"
    """A month or a weekday."""
    UNIT = "unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One thing that a sentence speaks of."""

    kind: TermKind
    keys: frozenset[str]
    """By which it is recognised: lemmas of a word, the value of a number."""
    groups: frozenset[int] = frozenset()
    """Of synonyms."""
    roots: frozenset[str] = frozenset()
    """The first `ROOT_LETTERS` of each key: words with none in common are not related."""
    contrasts: frozenset[tuple[int, int]] = frozenset()
    parts_of_speech: frozenset[PartOfSpeech] = frozenset()
    cases: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    """That the preposition before it gives it; empty without one."""
    is_negated: bool = False
    is_conditional: bool = False
    is_attached: bool = False
    """Whether it stands right after the term before it."""
    unit: str | None = None
    """Of a number."""
    bound: Operator | None = None
    """Of a number: whether it is the least, the most, or about so much."""
    is_ordinal: bool | None = None
    """Of a number: None where digits leave it open."""
    is_range: bool = False
    """Of a number: one end of a range."""
    is_optional: bool = False
    """Whether it may be missing from a passage that does not have its opposite."""


@dataclass(frozen=True, slots=True)
class FoundOperator:
    """An operator in a statement."""

    operator: Operator
    is_negated: bool
    before: int
    """Index of the first term after it."""
    sentence: int
    clause: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What a sentence, or several in a row, state."""

    terms: tuple[Term, ...]
    operators: tuple[FoundOperator, ...]
    sentences: tuple[int, ...] = ()
    """Of each term: the number of its sentence."""
    clauses: tuple[int, ...] = ()
    """Of each term: the number of its part of the text, between commas and conjunctions."""
    is_question: bool = False
    referring: frozenset[int] = frozenset()
    """Its sentences that begin with a pronoun, so that the one before says of whom they speak."""
    is_imperative: bool = False


def join_statements(statements: Sequence[Statement]) -> Statement:
    """Neighbouring sentences as one statement."""
    terms: list[Term] = []
    operators: list[FoundOperator] = []
    sentences: list[int] = []
    clauses: list[int] = []
    first_clause = 0
    for number, statement in enumerate(statements):
        offset = len(terms)
        terms += statement.terms
        sentences += [number] * len(statement.terms)
        clauses += [first_clause + clause for clause in statement.clauses]
        operators += (
            replace(found, sentence=number, clause=first_clause + found.clause, before=offset + found.before)
            for found in statement.operators
        )
        first_clause += 1 + max((*statement.clauses, *(found.clause for found in statement.operators)), default=0)
    return Statement(
        tuple(terms),
        tuple(operators),
        tuple(sentences),
        tuple(clauses),
        all(statement.is_question for statement in statements),
        frozenset(number for number, statement in enumerate(statements) if statement.referring),
        any(statement.is_imperative for statement in statements),
    )
