"""Numbers: their bounds, their units, and what they count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.library.cite.alignment import Alignment
from bot.library.cite.statement import Statement, Term, TermKind
from bot.text.operators import Operator
from bot.text.units import same_unit

_UPPER: Final = frozenset((Operator.AT_MOST, Operator.UNDER))
_LOWER: Final = frozenset((Operator.AT_LEAST, Operator.OVER))
_SOFT_BOUNDS: Final = frozenset((Operator.AT_LEAST, Operator.AT_MOST, Operator.ABOUT))
"""A statement may leave these out: at least seven hours, seven hours."""
_WORDS_OF_A_COUNT: Final = 3


def changes_bound(alignment: Alignment) -> bool:
    """At most for at least, maximum for minimum, before for after a year."""
    claim, passage = alignment.claim, alignment.passage
    used = alignment.sentences_used
    claimed = _extremes(claim, range(len(claim.terms)))
    stated = _extremes(passage, used)
    implied: set[Operator] = set()
    for index, place in alignment.pairs():
        term, other = claim.terms[index], passage.terms[place]
        if term.kind is not TermKind.NUMBER:
            continue
        implied |= _extreme_of_bound(other.bound)
        if _differs_in_bound(term, other, stated):
            return True
        if term.bound is not None:
            implied |= _extreme_of_bound(other.bound)
            stated -= _extreme_of_bound(term.bound)
    return not claimed <= stated | implied or bool(stated - claimed and _has_numbers(alignment))


def _has_numbers(alignment: Alignment) -> bool:
    return any(alignment.claim.terms[index].kind is TermKind.NUMBER for index, _ in alignment.pairs())


def _extremes(statement: Statement, sentences: Sequence[int] | set[int] | range) -> set[Operator]:
    is_all = isinstance(sentences, range)
    return {
        found.operator
        for found in statement.operators
        if found.operator in (Operator.MINIMUM, Operator.MAXIMUM) and (is_all or found.sentence in sentences)
    }


def _extreme_of_bound(bound: Operator | None) -> set[Operator]:
    if bound in _LOWER:
        return {Operator.MINIMUM}
    return {Operator.MAXIMUM} if bound in _UPPER else set()


def _differs_in_bound(term: Term, other: Term, extremes: set[Operator]) -> bool:
    """Whether two numbers are bounded differently; a soft bound may be left out, and about may be added."""
    if term.is_range or other.is_range:
        return False
    if term.bound is None:
        return other.bound is not None and other.bound not in _SOFT_BOUNDS
    if term.bound is Operator.ABOUT:
        return other.bound not in (None, Operator.ABOUT)
    if other.bound is None:
        return not _extreme_of_bound(term.bound) <= extremes
    return (term.bound in _UPPER) != (other.bound in _UPPER) or other.bound is Operator.ABOUT


def changes_unit(alignment: Alignment) -> bool:
    """A number with a unit that the passage does not give it, or of other things: nine hours, nine weights."""
    claim, passage = alignment.claim, alignment.passage
    for index, place in alignment.pairs():
        term, other = claim.terms[index], passage.terms[place]
        if term.kind is not TermKind.NUMBER:
            continue
        if term.unit and not other.unit:
            # Seven hours, and in the quiet week eight: the unit may stand elsewhere, but nothing in its place.
            is_known = any(item.unit and same_unit(term.unit, item.unit) for item in passage.terms)
            if not is_known or _counted(passage, place):
                return True
        if not term.unit and _counts_other_things(alignment, index, place):
            return True
    return False


def _counts_other_things(alignment: Alignment, index: int, place: int) -> bool:
    counted, stated = _counted(alignment.claim, index), _counted(alignment.passage, place)
    if not counted or not stated:
        return False
    found = [alignment.places[at] for at in counted]
    return None not in found and not any(at in stated for at in found)


def _counted(statement: Statement, at: int) -> list[int]:
    """Indices of the words right after a number, of which one is what it counts."""
    counted = []
    for following in range(at + 1, min(at + 1 + _WORDS_OF_A_COUNT, len(statement.terms))):
        if not statement.terms[following].is_attached:
            break
        counted.append(following)
    return counted
