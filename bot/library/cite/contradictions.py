"""What can be wrong with a statement whose every word is in the passage.

Each rule is one way to change a sentence with its own words: to take a value from another clause, to turn a comparison
round, to leave out "it is a myth that" or "if", to make may of must. A rule that cannot tell refuses: a missing mark
costs less than a false one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Final

from bot.library.cite.alignment import Alignment, similarity
from bot.library.cite.statement import FoundOperator, Statement, Term, TermKind
from bot.text.contrasts import are_opposite
from bot.text.morphology import PartOfSpeech
from bot.text.operators import CONDITIONS, FRAMES, MODALITIES, QUANTIFIERS, Operator
from bot.text.prepositions import are_opposite_roles
from bot.text.units import same_unit

_UPPER: Final = frozenset((Operator.AT_MOST, Operator.UNDER))
_LOWER: Final = frozenset((Operator.AT_LEAST, Operator.OVER))
_SOFT_BOUNDS: Final = frozenset((Operator.AT_LEAST, Operator.AT_MOST, Operator.ABOUT))
"""A statement may leave these out: at least seven hours, seven hours."""
_DUTIES: Final = frozenset((Operator.MUST, Operator.SHOULD))
_DROPPABLE_QUANTIFIERS: Final = frozenset((Operator.ALL,))
_MODAL_OPPOSITES: Final = frozenset((Operator.MAY, Operator.FORBIDDEN))
"""Not allowed is forbidden, and compared as that."""
_BOUND_TO_WORD: Final = frozenset((Operator.NONE, Operator.ONLY))
"""Quantifiers that change the meaning when they move: nothing is better than tea."""
_YEARS: Final = range(1000, 2101)
_WORDS_OF_A_COUNT: Final = 3
_NUMBER_ROLES: Final = frozenset(("from", "to", "by"))


def contradicts(alignment: Alignment, heading_operators: Sequence[FoundOperator] = ()) -> bool:
    """Whether a statement says something else than the passage that has its words.

    Args:
        heading_operators: of the passage's headings: what stands under "Myths" is one.
    """
    return _ignores_frame(alignment, heading_operators) or any(rule(alignment) for rule in _RULES)


def _ignores_frame(alignment: Alignment, heading_operators: Sequence[FoundOperator]) -> bool:
    """A myth, or what somebody says, told as the author's own statement."""
    used = _sentences_used(alignment)
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


def _changes_condition(alignment: Alignment) -> bool:
    """A condition left out, added, or moved to the other half of the sentence."""
    claim, passage = alignment.claim, alignment.passage
    used = _sentences_used(alignment)
    claimed = [found for found in claim.operators if found.operator in CONDITIONS]
    stated = [found for found in passage.operators if found.operator in CONDITIONS and found.sentence in used]
    if any(found.operator is not Operator.WHEN for found in claimed) and not stated:
        return True
    if stated and not claimed:
        # What is said outside of the condition holds only under it.
        return any(
            found.operator is not Operator.WHEN or found.before == 0 or _has_only(passage, found) for found in stated
        )
    if stated and claimed:
        if sorted(found.operator for found in claimed) != sorted(found.operator for found in stated):
            return True
        changed = sum(
            claim.terms[index].is_conditional != passage.terms[place].is_conditional
            for index, place in alignment.pairs()
        )
        return changed > 0
    return False


def _has_only(statement: Statement, found: FoundOperator) -> bool:
    return any(
        other.operator is Operator.ONLY and other.sentence == found.sentence and other.before == found.before
        for other in statement.operators
    )


def _changes_negation(alignment: Alignment) -> bool:
    """Something denied that is affirmed, or the other way round."""
    claim, passage = alignment.claim, alignment.passage
    places = dict(alignment.pairs())
    if any(claim.terms[index].is_negated != passage.terms[place].is_negated for index, place in places.items()):
        return True
    if any(term.is_negated and index not in places for index, term in enumerate(claim.terms)):
        return True
    clauses = {passage.clauses[place] for place in places.values()}
    used = _sentences_used(alignment)
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


def _denies_clause(passage: Statement, at: int) -> bool:
    """Whether what is negated decides its whole clause, as a verb does; «не от богатства, а от желаний» does not."""
    parts = passage.terms[at].parts_of_speech
    return not parts or PartOfSpeech.VERB in parts or PartOfSpeech.ADVERB in parts


def _changes_modality(alignment: Alignment) -> bool:
    """May for must, must for is, allowed for forbidden."""
    claim, passage = alignment.claim, alignment.passage
    used = _sentences_used(alignment)
    clauses = {passage.clauses[place] for _, place in alignment.pairs()}
    claimed = Counter(_modality(found) for found in claim.operators if found.operator in MODALITIES)
    in_sentences = [found for found in passage.operators if found.operator in MODALITIES and found.sentence in used]
    stated = Counter(map(_modality, in_sentences))
    binding = Counter(_modality(found) for found in in_sentences if found.clause in clauses)
    added, dropped = set(claimed - stated), set(binding - claimed)
    duties = {(duty, False) for duty in _DUTIES}
    if passage.is_imperative:
        added -= duties
    if claim.is_imperative:
        dropped -= duties
    if any(found.operator is Operator.ONLY for found in claim.operators):
        # Children swim only with an adult: they may swim only with an adult.
        added -= {(Operator.MAY, False)}
        dropped -= {(Operator.MAY, False)}
    return bool(added or dropped)


def _modality(found: FoundOperator) -> tuple[Operator, bool]:
    if found.is_negated and found.operator in (Operator.MAY, Operator.FORBIDDEN):
        return (Operator.FORBIDDEN if found.operator is Operator.MAY else Operator.MAY, False)
    return found.operator, found.is_negated


def _changes_quantifier(alignment: Alignment) -> bool:
    """All for some, some for all, only left out."""
    claim, passage = alignment.claim, alignment.passage
    used = _sentences_used(alignment)
    clauses = {passage.clauses[place] for _, place in alignment.pairs()}
    found_places = {place for _, place in alignment.pairs()}
    claimed = Counter(
        found.operator for found in claim.operators if found.operator in QUANTIFIERS and not _is_free(claim, found)
    )
    in_sentences = [found for found in passage.operators if found.operator in QUANTIFIERS and found.sentence in used]
    stated = Counter(found.operator for found in in_sentences)
    binding = Counter(
        found.operator
        for found in in_sentences
        if found.operator not in _DROPPABLE_QUANTIFIERS
        and not _is_free(passage, found)
        and (found.before in found_places or found.clause in clauses)
    )
    return bool(claimed - stated or binding - claimed) or not all(
        _stands_alike(alignment, found)
        for found in claim.operators
        if found.operator in _BOUND_TO_WORD and not _is_free(claim, found)
    )


def _stands_alike(alignment: Alignment, found: FoundOperator) -> bool:
    """Whether an operator of the claim stands before the same word as in the passage."""
    places = alignment.places
    place = places[found.before] if found.before < len(places) else len(alignment.passage.terms)
    return place is None or any(
        other.operator is found.operator and abs(other.before - place) <= 1 for other in alignment.passage.operators
    )


def _is_free(statement: Statement, found: FoundOperator) -> bool:
    """Whether a quantifier may come and go: every minute, a minute; only 308 points, 308 points."""
    if found.before >= len(statement.terms):
        return False
    kind = statement.terms[found.before].kind
    return (found.operator, kind) in ((Operator.ALL, TermKind.UNIT), (Operator.ONLY, TermKind.NUMBER))


def _changes_bound(alignment: Alignment) -> bool:
    """At most for at least, maximum for minimum, before for after a year."""
    claim, passage = alignment.claim, alignment.passage
    used = _sentences_used(alignment)
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


def _changes_unit(alignment: Alignment) -> bool:
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


def _changes_role(alignment: Alignment) -> bool:
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


def _exchanges_terms(alignment: Alignment) -> bool:
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
        if _is_measure(claim, second) and _is_measure(passage, other_place):
            continue
        if _have_one_part(one, other) and not _may_play(one, was_one) and not _may_play(other, was_other):
            return True
        if place < other_place or not _are_comparable(one, other):
            continue
        if _are_told_apart(one, other, has_subject) and _keeps_part(one, was_one) and _keeps_part(other, was_other):
            continue
        are_neighbours = one.kind is other.kind is TermKind.NUMBER and second == first + 1 and place == other_place + 1
        if are_neighbours or _have_common_pivot(alignment, first, second):
            return True
    return False


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


def _are_told_apart(one: Term, other: Term, has_subject: bool) -> bool:
    """Whether preposition, case or condition tells two terms of one sentence apart wherever they stand."""
    if one.is_conditional != other.is_conditional:
        return True
    if one.kind is TermKind.NUMBER:
        return bool(one.roles & _NUMBER_ROLES) and not one.roles & other.roles & _NUMBER_ROLES
    if one.roles != other.roles and not one.roles & other.roles:
        return True
    if not one.cases or not other.cases:
        return False
    return not one.cases & other.cases or (has_subject and _can_act(one) != _can_act(other))


def _can_act(term: Term) -> bool:
    """Whether a Russian noun can be who does something: only the nominative can."""
    return "nomn" in term.cases


def _have_common_pivot(alignment: Alignment, first: int, second: int) -> bool:
    """Whether one thing, a term or an operator, stands between two terms in both sentences."""
    places = alignment.places
    low, high = sorted((places[first] or 0, places[second] or 0))
    between = {places[index] for index in range(first + 1, second)}
    if any(place is not None and low < place < high for place in between):
        return True
    claimed = {found.operator for found in alignment.claim.operators if first < found.before <= second}
    return any(found.operator in claimed for found in alignment.passage.operators if low < found.before <= high)


def _reverses_passive(alignment: Alignment) -> bool:
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


def _mixes_clauses(alignment: Alignment) -> bool:
    """A value of one clause told of the subject of another: the fee of the winner said of the loser."""
    passage = alignment.passage
    found: dict[int, list[Term]] = {}
    for _, place in alignment.pairs():
        found.setdefault(passage.clauses[place], []).append(passage.terms[place])
    if len(found) < 2:
        return False
    claimed = [term for terms in found.values() for term in terms]
    for clause, terms in found.items():
        own = [term for term, number in zip(passage.terms, passage.clauses, strict=True) if number == clause]
        missing = [term for term in own if term not in terms and not _is_said_by(term, claimed)]
        if not missing:
            continue
        rivals = {
            number
            for other, number in zip(passage.terms, passage.clauses, strict=True)
            if number != clause and number in found and any(_are_rivals(term, other) for term in terms)
        }
        borrowed = [term for number in rivals for term in found[number] if not _is_said_by(term, own)]
        if any(_can_replace(one, other) for one in missing for other in borrowed):
            return True
    return False


def _joins_strangers(alignment: Alignment) -> bool:
    """A word put before another clause's word in the place of its own: "iron hours, paying days" made iron days."""
    passage, claim = alignment.passage, alignment.claim
    places = alignment.places
    for index in range(1, len(places)):
        before, place = places[index - 1], places[index]
        if not claim.terms[index].is_attached or before is None or place is None or place == before + 1:
            continue
        if passage.clauses[before] == passage.clauses[place] or before + 1 >= len(passage.terms):
            continue
        if place == passage.clauses.index(passage.clauses[place]):
            # Oxygen boils at one temperature and freezes at another: the verb has its subject in the clause before.
            continue
        own = passage.terms[before + 1]
        if own.is_attached and before + 1 not in places and _can_stand_for(own, passage.terms[place]):
            return True
    return False


def _can_stand_for(one: Term, other: Term) -> bool:
    if TermKind.NUMBER in (one.kind, other.kind) or TermKind.DATE in (one.kind, other.kind):
        return one.kind == other.kind
    if one.parts_of_speech and other.parts_of_speech:
        return bool(one.parts_of_speech & other.parts_of_speech)
    return True


def _is_said_by(term: Term, others: Sequence[Term]) -> bool:
    return any(similarity(term, other) for other in others)


def _are_rivals(term: Term, other: Term) -> bool:
    """Whether a sentence tells one thing of the one and another of the other."""
    if term.kind is TermKind.NUMBER and other.kind is TermKind.NUMBER:
        if term.is_range and other.is_range:
            return False
        return term.is_ordinal == other.is_ordinal or None in (term.is_ordinal, other.is_ordinal)
    if term.kind is TermKind.DATE and other.kind is TermKind.DATE:
        return next(iter(term.keys)).partition(":")[0] == next(iter(other.keys)).partition(":")[0]
    if term.kind is TermKind.NAME and other.kind is TermKind.NAME:
        return bool(term.roles) and term.roles == other.roles
    return are_opposite(term.contrasts, other.contrasts)


def _can_replace(missing: Term, borrowed: Term) -> bool:
    """Whether a term of another clause may stand where one of this clause is left out."""
    kinds = {missing.kind, borrowed.kind}
    if TermKind.UNIT in kinds:
        return False
    if TermKind.NUMBER in kinds or TermKind.DATE in kinds:
        return len(kinds) == 1
    if missing.parts_of_speech and borrowed.parts_of_speech:
        return bool(missing.parts_of_speech & borrowed.parts_of_speech - {PartOfSpeech.ADVERB})
    return True


def _mixes_sentences(alignment: Alignment) -> bool:
    """Words of two neighbouring sentences made into one, though they speak of different things."""
    passage = alignment.passage
    found = {place for _, place in alignment.pairs()}
    used = _sentences_used(alignment)
    if len(used) < 2:
        return False
    return any(
        sentence not in passage.referring
        and passage.sentences.index(sentence) not in found
        and not _is_referred_to(passage, sentence, used)
        for sentence in used
    )


def _is_referred_to(passage: Statement, sentence: int, used: set[int]) -> bool:
    """Whether a later sentence speaks of somebody whom a sentence names."""
    return any(
        later > sentence and all(between in passage.referring for between in range(sentence + 1, later + 1))
        for later in used
    )


def _sentences_used(alignment: Alignment) -> set[int]:
    return {alignment.passage.sentences[place] for _, place in alignment.pairs()}


_RULES: Final[tuple[Callable[[Alignment], bool], ...]] = (
    _changes_condition,
    _changes_negation,
    _changes_modality,
    _changes_quantifier,
    _changes_bound,
    _changes_unit,
    _changes_role,
    _exchanges_terms,
    _reverses_passive,
    _mixes_clauses,
    _joins_strangers,
    _mixes_sentences,
)
