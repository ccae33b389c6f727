"""What decides how a statement holds: whose word it is, conditions, negation, modality, quantifiers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from bot.library.cite.alignment import Alignment
from bot.library.cite.statement import FoundOperator, Statement, TermKind
from bot.text.morphology import PartOfSpeech
from bot.text.operators import CONDITIONS, FRAMES, MODALITIES, QUANTIFIERS, Operator

_DUTIES: Final = frozenset((Operator.MUST, Operator.SHOULD))
_MODAL_OPPOSITES: Final = frozenset((Operator.MAY, Operator.FORBIDDEN))
"""Not allowed is forbidden, and compared as that."""
_BOUND_TO_WORD: Final = frozenset((Operator.NONE, Operator.ONLY))
"""Quantifiers that change the meaning when they move: nothing is better than tea."""


def ignores_frame(alignment: Alignment, heading_operators: Sequence[FoundOperator]) -> bool:
    """A myth, or what somebody says, told as the author's own statement."""
    used = alignment.sentences_used
    passage = alignment.passage
    binding = Counter(
        (found.operator, found.is_negated)
        for found in passage.operators
        if found.sentence in used and (found.operator is Operator.FALSE or _is_said_of_claim(alignment, found))
    )
    binding.update((Operator.FALSE, False) for found in heading_operators if found.operator is Operator.FALSE)
    claimed = Counter(
        (found.operator, found.is_negated) for found in alignment.claim.operators if found.operator in FRAMES
    )
    stated = Counter((found.operator, found.is_negated) for found in (*passage.operators, *heading_operators))
    return not binding <= claimed or not claimed <= stated


def _is_said_of_claim(alignment: Alignment, found: FoundOperator) -> bool:
    """Whether somebody says what the claim states: what follows "he says that", or all before "he says"."""
    passage = alignment.passage
    if found.operator is not Operator.SAID:
        return False
    is_last = found.sentence not in passage.sentences[found.before + 1 :]
    return is_last or any(
        passage.sentences[place] == found.sentence and (place >= found.before or passage.clauses[place] == found.clause)
        for _, place in alignment.pairs()
    )


def changes_condition(alignment: Alignment) -> bool:
    """A condition left out, added, or moved to the other half of the sentence."""
    claim, passage = alignment.claim, alignment.passage
    used = alignment.sentences_used
    claimed = [found for found in claim.operators if found.operator in CONDITIONS]
    stated = [found for found in passage.operators if found.operator in CONDITIONS and found.sentence in used]
    if any(found.operator is not Operator.WHEN for found in claimed) and not stated:
        return True
    if stated and not claimed:
        # What is said outside of the condition holds only under it.
        return any(
            found.operator is not Operator.WHEN or _is_first(passage, found) or _has_only(passage, found)
            for found in stated
        )
    if stated and claimed:
        if sorted(map(_kind_of_condition, claimed)) != sorted(map(_kind_of_condition, stated)):
            return True
        changed = sum(
            claim.terms[index].is_conditional != passage.terms[place].is_conditional
            for index, place in alignment.pairs()
        )
        return changed > 0
    return False


def _kind_of_condition(found: FoundOperator) -> Operator:
    """When it rains, if it rains."""
    return Operator.IF if found.operator is Operator.WHEN else found.operator


def _is_first(statement: Statement, found: FoundOperator) -> bool:
    """Whether a condition opens its sentence."""
    return found.before == next((at for at, number in enumerate(statement.sentences) if number == found.sentence), 0)


def _has_only(statement: Statement, found: FoundOperator) -> bool:
    return any(
        other.operator is Operator.ONLY and other.sentence == found.sentence and other.before == found.before
        for other in statement.operators
    )


def changes_negation(alignment: Alignment) -> bool:
    """Something denied that is affirmed, or the other way round."""
    claim, passage = alignment.claim, alignment.passage
    places = dict(alignment.pairs())
    if any(claim.terms[index].is_negated != passage.terms[place].is_negated for index, place in places.items()):
        return True
    if any(term.is_negated and index not in places for index, term in enumerate(claim.terms)):
        return True
    clauses = {passage.clauses[place] for place in places.values()}
    used = alignment.sentences_used
    if sum(found.operator is Operator.NOT for found in claim.operators) != sum(
        found.operator is Operator.NOT and found.sentence in used for found in passage.operators
    ):
        return True
    denied = {found.operator for found in claim.operators if found.is_negated}
    stated = {found.operator for found in passage.operators if found.is_negated}
    binding = {found.operator for found in passage.operators if found.is_negated and found.clause in clauses}
    if not binding - _MODAL_OPPOSITES <= denied or not denied - _MODAL_OPPOSITES <= stated:
        return True
    found_places = set(places.values())
    return any(
        term.is_negated and at not in found_places and passage.clauses[at] in clauses and _denies_clause(passage, at)
        for at, term in enumerate(passage.terms)
    )


_RESTRICTING_ROLES: Final = frozenset(
    ("with", "without", "for", "before", "after", "during", "over", "under", "in", "near", "between")
)
_DENIALS: Final = frozenset((Operator.FORBIDDEN, Operator.NEVER, Operator.NONE))


def drops_restriction(alignment: Alignment) -> bool:
    """What is denied or forbidden under some circumstances only, denied altogether: "never swim after lunch"."""
    passage = alignment.passage
    found = {place for _, place in alignment.pairs()}
    if any(other.operator in CONDITIONS for other in alignment.claim.operators):
        return False
    used = {passage.clauses[place] for place in found}
    denied = {passage.clauses[place] for place in found if passage.terms[place].is_negated}
    denied |= {
        other.clause
        for other in passage.operators
        if other.operator in _DENIALS or (other.is_negated and other.operator in _MODAL_OPPOSITES)
    }
    return any(
        passage.clauses[at] in denied & used
        and at not in found
        and not (at and at - 1 not in found and passage.clauses[at - 1] == passage.clauses[at])
        and term.roles & _RESTRICTING_ROLES
        for at, term in enumerate(passage.terms)
    )


def _denies_clause(passage: Statement, at: int) -> bool:
    """Whether what is negated decides its whole clause, as a verb does; «не от богатства, а от желаний» does not."""
    parts = passage.terms[at].parts_of_speech
    return not parts or PartOfSpeech.VERB in parts or PartOfSpeech.ADVERB in parts


def changes_modality(alignment: Alignment) -> bool:
    """May for must, must for is, allowed for forbidden."""
    claim, passage = alignment.claim, alignment.passage
    used = alignment.sentences_used
    clauses = {passage.clauses[place] for _, place in alignment.pairs()}
    claimed = Counter(_modality(found) for found in claim.operators if found.operator in MODALITIES)
    in_sentences = [found for found in passage.operators if found.operator in MODALITIES and found.sentence in used]
    stated = Counter(map(_modality, in_sentences))
    binding = Counter(_modality(found) for found in in_sentences if _binds(passage, found, clauses))
    added, dropped = set(claimed - stated), set(binding - claimed)
    duties = {(duty, False) for duty in _DUTIES}
    if passage.is_imperative and not dropped:
        added -= duties
    if claim.is_imperative:
        dropped -= duties
    if any(term.bound is Operator.AT_MOST for term in claim.terms) and not (added and dropped):
        # They sleep up to 20 hours: they may sleep up to 20 hours.
        added -= {(Operator.MAY, False)}
        dropped -= {(Operator.MAY, False)}
    if any(found.operator is Operator.ONLY for found in claim.operators):
        # Children swim only with an adult: they may swim only with an adult.
        added -= {(Operator.MAY, False)}
        dropped -= {(Operator.MAY, False)}
    return bool(added or dropped)


def _binds(passage: Statement, found: FoundOperator, clauses: set[int]) -> bool:
    """Whether an operator is of some parts of a text: it stands there, or between commas beside them."""
    if found.clause in clauses:
        return True
    is_inserted = found.clause not in passage.clauses
    return is_inserted and not clauses.isdisjoint((found.clause - 1, found.clause + 1))


def _modality(found: FoundOperator) -> tuple[Operator, bool]:
    if found.is_negated and found.operator in (Operator.MAY, Operator.FORBIDDEN):
        return (Operator.FORBIDDEN if found.operator is Operator.MAY else Operator.MAY, False)
    return found.operator, found.is_negated


def changes_quantifier(alignment: Alignment) -> bool:
    """All for some, some for all, only left out."""
    claim, passage = alignment.claim, alignment.passage
    used = alignment.sentences_used
    clauses = {passage.clauses[place] for _, place in alignment.pairs()}
    found_places = {place for _, place in alignment.pairs()}
    claimed = Counter(
        found.operator
        for found in claim.operators
        if found.operator in QUANTIFIERS and not _is_rate(claim, found) and not _is_mere_advice(claim, found)
    )
    in_sentences = [found for found in passage.operators if found.operator in QUANTIFIERS and found.sentence in used]
    stated = Counter(found.operator for found in in_sentences)
    binding = Counter(
        found.operator
        for found in in_sentences
        if not _may_be_left_out(passage, found) and (found.before in found_places or found.clause in clauses)
    )
    return bool(claimed - stated or binding - claimed) or not all(
        _stands_alike(alignment, found)
        for found in claim.operators
        if found.operator in _BOUND_TO_WORD and not _is_mere_advice(claim, found)
    )


def _stands_alike(alignment: Alignment, found: FoundOperator) -> bool:
    """Whether an operator of the claim stands before the same word as in the passage."""
    places = alignment.places
    place = places[found.before] if found.before < len(places) else len(alignment.passage.terms)
    return place is None or any(
        other.operator is found.operator and abs(other.before - place) <= 1 for other in alignment.passage.operators
    )


def _is_rate(statement: Statement, found: FoundOperator) -> bool:
    """Whether a quantifier says how often: every minute, a minute."""
    return found.operator is Operator.ALL and _kind_after(statement, found) is TermKind.UNIT


def _is_mere_advice(statement: Statement, found: FoundOperator) -> bool:
    """Whether "only" stands before "recommended", which says no more than that it is no duty."""
    return found.operator is Operator.ONLY and any(
        other.operator is Operator.SHOULD and other.before == found.before and other.clause == found.clause
        for other in statement.operators
    )


def _may_be_left_out(statement: Statement, found: FoundOperator) -> bool:
    """Whether a statement without a quantifier follows from one with it: from only three, three."""
    is_of_number = found.operator is Operator.ONLY and _kind_after(statement, found) is TermKind.NUMBER
    # What never happens does not happen; that it is denied is compared by itself.
    return is_of_number or found.operator in (Operator.ALL, Operator.NEVER)


def _kind_after(statement: Statement, found: FoundOperator) -> TermKind | None:
    return statement.terms[found.before].kind if found.before < len(statement.terms) else None
