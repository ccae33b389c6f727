"""Causes and exceptions: what is because of what, and for whom a rule does not hold."""

from __future__ import annotations

from typing import Final

from bot.library.cite.alignment import Alignment
from bot.library.cite.statement import FoundOperator, Statement
from bot.text.operators import CAUSES, Operator

_REASONS: Final = frozenset((Operator.BECAUSE, Operator.THEREFORE))
_EXCEPT: Final = "except"


def changes_cause(alignment: Alignment) -> bool:
    """A cause that the passage does not give, made of the effect, or of what speaks against it."""
    claim, passage = alignment.claim, alignment.passage
    used = alignment.sentences_used
    stated = [found for found in passage.operators if found.operator in CAUSES and found.sentence in used]
    for found in claim.operators:
        if found.operator not in CAUSES:
            continue
        alike = [other for other in stated if (other.operator in _REASONS) == (found.operator in _REASONS)]
        if not alike:
            return True
        causes = _cause_of(claim, found)
        if not any(_has_same_cause(alignment, causes, _cause_of(passage, other)) for other in alike):
            return True
    return False


def _has_same_cause(alignment: Alignment, claimed: set[int], stated: set[int]) -> bool:
    if not claimed:
        # Because of this: what it is stands in the sentence before.
        return True
    places = dict(alignment.pairs())
    found = [places[index] in stated for index in sorted(claimed) if index in places]
    # One thing may stand with the effect, for a pronoun here: "ice floats because it is light", "ice is light, so …".
    if not any(found) or found.count(False) > 1:
        return False
    effects = [place for index, place in places.items() if index not in claimed]
    has_other_terms = len(stated) < len(alignment.passage.terms)
    return not effects or not has_other_terms or any(place not in stated for place in effects)


def _cause_of(statement: Statement, found: FoundOperator) -> set[int]:
    """Indices of the terms that are the cause."""
    own = {at for at, sentence in enumerate(statement.sentences) if sentence == found.sentence}
    before = {at for at in own if at < found.before}
    if found.operator is Operator.THEREFORE:
        return before or {at for at, sentence in enumerate(statement.sentences) if sentence == found.sentence - 1}
    if before:
        return own - before
    return {at for at in own if statement.clauses[at] == found.clause} or own


def drops_exception(alignment: Alignment) -> bool:
    """For everybody, where the passage excepts somebody; or for somebody whom it excepts."""
    claim, passage = alignment.claim, alignment.passage
    used = alignment.sentences_used
    places = {place: index for index, place in alignment.pairs()}
    for at, term in enumerate(passage.terms):
        is_first = not at or _EXCEPT not in passage.terms[at - 1].roles
        if not is_first or _EXCEPT not in term.roles or passage.sentences[at] not in used:
            continue
        index = places.get(at)
        if index is None or _EXCEPT not in claim.terms[index].roles:
            return True
    return False
