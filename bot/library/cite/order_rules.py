"""Which part a term has in its sentence: who does what to whom, from where to where, more than what."""

from __future__ import annotations

from itertools import combinations
from typing import Final

from bot.library.cite.alignment import Alignment
from bot.library.cite.statement import Statement, Term, TermKind
from bot.text.morphology import PartOfSpeech
from bot.text.prepositions import are_opposite_roles

_YEARS: Final = range(1000, 2101)
MIN_TERMS_OF_A_PART: Final = 2
"""Terms that a part of a sentence must have to be told in another order."""
_NUMBER_ROLES: Final = frozenset(("from", "to", "by"))


def changes_role(alignment: Alignment) -> bool:
    """From for to, with for without, by 5 for to 5."""
    for index, place in alignment.pairs():
        term, other = alignment.claim.terms[index], alignment.passage.terms[place]
        if term.roles and other.roles and are_opposite_roles(term.roles, other.roles):
            return True
        if term.kind is TermKind.NUMBER and not term.roles & other.roles:
            first, second = term.roles & _NUMBER_ROLES, other.roles & _NUMBER_ROLES
            if first and second:
                return True
    return False


def exchanges_terms(alignment: Alignment) -> bool:
    """Two things that have changed places: who beats whom, which is better than which, whose the value is."""
    claim, passage = alignment.claim, alignment.passage
    # What is told to be done has objects only.
    has_subject = not (claim.is_imperative or passage.is_imperative)
    for (first, place), (second, other_place) in combinations(alignment.pairs(), 2):
        one, other = claim.terms[first], claim.terms[second]
        was_one, was_other = passage.terms[place], passage.terms[other_place]
        if place == other_place or not _may_play(one, was_other) or not _may_play(other, was_one):
            continue
        if _is_measure(claim, first) and _is_measure(passage, place):
            continue
        if _goes_with_noun(alignment, first) or _goes_with_noun(alignment, second):
            continue
        if _is_measure(claim, second) and _is_measure(passage, other_place):
            continue
        if _have_one_part(one, other) and not _may_play(one, was_one) and not _may_play(other, was_other):
            return True
        if place < other_place or not _are_comparable(one, other):
            continue
        if _are_told_in_other_order(alignment, first, second):
            continue
        is_one_clause = claim.clauses[first] == claim.clauses[second]
        if (
            _are_told_apart(one, other, has_subject, is_one_clause)
            and _keeps_part(one, was_one)
            and _keeps_part(other, was_other)
        ):
            continue
        are_neighbours = one.kind is other.kind is TermKind.NUMBER and second == first + 1 and place == other_place + 1
        if are_neighbours or _have_common_pivot(alignment, first, second):
            return True
    return False


def _are_told_in_other_order(alignment: Alignment, first: int, second: int) -> bool:
    """Whether whole parts of the text have changed places, each with what it says.

    "They praised the third and ignored the second", "they ignored the second but praised the third".
    """
    claim, passage = alignment.claim, alignment.passage
    if claim.clauses[first] == claim.clauses[second]:
        return False
    here = {place for index, place in alignment.pairs() if claim.clauses[index] == claim.clauses[second]}
    if len(here) < MIN_TERMS_OF_A_PART or len({passage.clauses[place] for place in here}) > 1:
        return False
    own = passage.clauses[alignment.places[first] or 0]
    beside = [place for at, place in alignment.pairs() if at != first and claim.clauses[at] == claim.clauses[first]]
    return own != passage.clauses[min(here)] and any(
        passage.clauses[place] == own and passage.terms[place].kind is not TermKind.UNIT for place in beside
    )


def _goes_with_noun(alignment: Alignment, index: int) -> bool:
    """Whether a foreign word stands right after the same Russian noun in both sentences: «команда sync»."""
    place = alignment.places[index]
    if not index or place is None or alignment.places[index - 1] != place - 1:
        return False
    term, other = alignment.claim.terms[index], alignment.passage.terms[place]
    return (
        term.is_attached
        and other.is_attached
        and not term.parts_of_speech
        and PartOfSpeech.NOUN in alignment.claim.terms[index - 1].parts_of_speech
    )


def _is_measure(statement: Statement, at: int) -> bool:
    """Whether a term is the unit of the number before it."""
    return (
        statement.terms[at].kind is TermKind.UNIT
        and at > 0
        and statement.terms[at].is_attached
        and statement.terms[at - 1].kind is TermKind.NUMBER
    )


def _have_one_part(one: Term, other: Term) -> bool:
    """Whether two terms can have the same part in a sentence."""
    if TermKind.NUMBER in (one.kind, other.kind):
        if one.kind != other.kind:
            # Until ten, until midnight.
            return bool(one.roles) and one.roles == other.roles
        return _measure_alike(one, other)
    if one.parts_of_speech and other.parts_of_speech:
        return bool(one.parts_of_speech & other.parts_of_speech - {PartOfSpeech.ADVERB, PartOfSpeech.VERB})
    return True


def _measure_alike(one: Term, other: Term) -> bool:
    """Whether two numbers can be of the same thing: grams and grams, but no year and percents."""
    units = {one.unit or _year_of(one), other.unit or _year_of(other)}
    return len(units) == 1 or None in units


def _year_of(term: Term) -> str | None:
    value = next(iter(term.keys))
    return "year" if value.isdigit() and int(value) in _YEARS else None


def _are_comparable(one: Term, other: Term) -> bool:
    """Whether two terms are of one kind, so that one may be told of what is said of the other."""
    if TermKind.DATE in (one.kind, other.kind) and one.kind != other.kind:
        return False
    return _have_one_part(one, other)


def _keeps_part(term: Term, was: Term) -> bool:
    if term.is_conditional != was.is_conditional:
        return False
    if term.kind is TermKind.NUMBER:
        return term.roles & _NUMBER_ROLES == was.roles & _NUMBER_ROLES
    return _may_play(term, was) and _can_act(term) == _can_act(was)


def _may_play(term: Term, other: Term) -> bool:
    """Whether a term can stand in its sentence as another term stands in the other one."""
    if term.kind is TermKind.NUMBER:
        first, second = term.roles & _NUMBER_ROLES, other.roles & _NUMBER_ROLES
        return not first or not second or bool(first & second)
    if bool(term.roles) != bool(other.roles) or (term.roles and not term.roles & other.roles):
        return False
    if ("than" in term.roles) != ("than" in other.roles):
        return False
    return not term.cases or not other.cases or bool(term.cases & other.cases)


def _are_told_apart(one: Term, other: Term, has_subject: bool, is_one_clause: bool) -> bool:
    """Whether preposition, case or condition tells two terms of one sentence apart wherever they stand."""
    if one.is_conditional != other.is_conditional:
        return True
    if one.kind is TermKind.NUMBER:
        return bool(one.roles & _NUMBER_ROLES) and not one.roles & other.roles & _NUMBER_ROLES
    if one.roles != other.roles and not one.roles & other.roles:
        return True
    if not one.cases or not other.cases:
        return False
    if not one.cases & other.cases:
        return True
    # The subjects of two clauses may be two nominatives, and what only looks like one may be an object.
    only_one_acts = _can_act(one) != _can_act(other) or _only_acts(one) != _only_acts(other)
    return has_subject and is_one_clause and only_one_acts


def _can_act(term: Term) -> bool:
    """Whether a Russian noun can be who does something: only the nominative can."""
    return "nomn" in term.cases


def _only_acts(term: Term) -> bool:
    """Whether a Russian noun can be nothing but who does something."""
    return term.cases == {"nomn"}


def _have_common_pivot(alignment: Alignment, first: int, second: int) -> bool:
    """Whether one thing, a term or an operator, stands between two terms in both sentences."""
    places = alignment.places
    low, high = sorted((places[first] or 0, places[second] or 0))
    between = {places[index] for index in range(first + 1, second)}
    if any(place is not None and low < place < high for place in between):
        return True
    claimed = {found.operator for found in alignment.claim.operators if first < found.before <= second}
    return any(found.operator in claimed for found in alignment.passage.operators if low < found.before <= high)


def reverses_passive(alignment: Alignment) -> bool:
    """Dogs are chased by cats, where dogs chase cats."""
    claim, passage = alignment.claim, alignment.passage
    for (first, place), (second, other_place) in combinations(alignment.pairs(), 2):
        doer, was_doer = claim.terms[second], passage.terms[other_place]
        if (
            "by" in doer.roles
            and not was_doer.roles
            and doer.kind is not TermKind.NUMBER
            and (place < other_place and not claim.terms[first].roles and _have_common_pivot(alignment, first, second))
        ):
            return True
    return False
