"""What belongs to which part of a text: a value stays with its own subject."""

from __future__ import annotations

from collections.abc import Sequence

from bot.library.cite.alignment import Alignment, similarity
from bot.library.cite.statement import Statement, Term, TermKind
from bot.text.contrasts import are_opposite
from bot.text.morphology import PartOfSpeech


def mixes_clauses(alignment: Alignment) -> bool:
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


def borrows_rival(alignment: Alignment) -> bool:
    """A part of one clause replaced by its like of another, of which the rest is left out.

    "Free at weekends, but two euros on working days" made "free on working days".
    """
    claim, passage = alignment.claim, alignment.passage
    placed = {place for _, place in alignment.pairs()}
    for index, place in alignment.pairs():
        borrowed, home = passage.terms[place], passage.clauses[place]
        if not any(_is_left_out(passage, at, placed) for at in _terms_of(passage, home)):
            continue
        beside = {
            passage.clauses[at]
            for other, at in alignment.pairs()
            if claim.clauses[other] == claim.clauses[index] and passage.sentences[at] == passage.sentences[place]
        }
        for clause in beside - {home}:
            own = _terms_of(passage, clause)
            missing = [passage.terms[at] for at in own if _is_left_out(passage, at, placed)]
            if any(are_opposite(term.contrasts, borrowed.contrasts) for term in missing):
                return True
            tells = any(at in placed for at in own[1:])
            if tells and borrowed.roles and any(_has_same_part(term, borrowed) for term in missing):
                return True
    return False


def _is_left_out(passage: Statement, at: int, placed: set[int]) -> bool:
    term = passage.terms[at]
    return at not in placed and not term.is_optional and term.kind is not TermKind.UNIT


def _has_same_part(term: Term, other: Term) -> bool:
    """Whether two terms stand after the same preposition, in the same case."""
    return term.roles == other.roles and (not term.cases or not other.cases or bool(term.cases & other.cases))


def replaces_modifier(alignment: Alignment) -> bool:
    """A word put before a thing in the place of its own: "the blue bottle, the white one" made "the white bottle"."""
    claim, passage = alignment.claim, alignment.passage
    placed = {place for _, place in alignment.pairs()}
    for index in range(1, len(alignment.places)):
        before, place = alignment.places[index - 1], alignment.places[index]
        if before is None or not place or not claim.terms[index].is_attached:
            continue
        own = passage.terms[place - 1]
        home = _terms_of(passage, passage.clauses[before])
        if (
            # "The slow movement is in D minor, the last one in F major": the last movement is, if it has its own key.
            any(_is_left_out(passage, at, placed) for at in home)
            and passage.terms[place].is_attached
            and place - 1 not in placed
            and passage.clauses[before] != passage.clauses[place]
            and passage.sentences[before] == passage.sentences[place]
            and own.kind is passage.terms[before].kind is TermKind.WORD
            and _can_stand_for(own, passage.terms[before])
            and PartOfSpeech.VERB not in own.parts_of_speech
        ):
            return True
    return False


def joins_strangers(alignment: Alignment) -> bool:
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
        subject = places[claim.clauses.index(claim.clauses[index])]
        if subject is not None and passage.clauses[subject] == passage.clauses[place]:
            # Beginners train three times, others four times: the verb of the first is that of the others too.
            continue
        own = passage.terms[before + 1]
        if own.is_attached and before + 1 not in places and _can_stand_for(own, passage.terms[place]):
            return True
    return False


def exchanges_subject(alignment: Alignment) -> bool:
    """What does one thing said to do what another clause tells of its own subject, in Russian, where cases show it.

    «Из озера вытекает Чуна, а впадают в него две речки» made «из озера вытекают две речки».
    """
    claim, passage = alignment.claim, alignment.passage
    placed = {place for _, place in alignment.pairs()}
    for index, place in alignment.pairs():
        if not _is_verb(passage.terms[place]):
            continue
        own = _terms_of(passage, passage.clauses[place])
        if not any(_may_act(passage.terms[at]) and at not in placed for at in own):
            continue
        for other, elsewhere in alignment.pairs():
            clause = passage.clauses[elsewhere]
            if clause == passage.clauses[place] or claim.clauses[other] != claim.clauses[index]:
                continue
            beside = _terms_of(passage, clause)
            has_own_verb = any(_is_verb(passage.terms[at]) and at not in placed for at in beside)
            if has_own_verb and _may_act(claim.terms[other]) and _may_act(passage.terms[elsewhere], with_role=True):
                return True
    return False


def takes_place_of_pronoun(alignment: Alignment) -> bool:
    """Somebody whom a sentence only names by the way made its subject, which is a pronoun there.

    "She left against the will of her father" made "her father left".
    """
    claim, passage = alignment.claim, alignment.passage
    if len(alignment.places) < 2 or claim.terms[0].roles:
        return False
    subject, verb = alignment.places[:2]
    if subject is None or verb is None or subject <= verb:
        return False
    sentence = passage.sentences[verb]
    begins = passage.sentences.index(sentence) == verb and sentence in passage.referring
    return begins and passage.sentences[subject] == sentence and bool(passage.terms[subject].roles)


def _terms_of(passage: Statement, clause: int) -> list[int]:
    return [at for at, number in enumerate(passage.clauses) if number == clause]


def _is_verb(term: Term) -> bool:
    return term.parts_of_speech == {PartOfSpeech.VERB}


def _may_act(term: Term, *, with_role: bool = False) -> bool:
    """Whether a Russian noun can be the subject of its clause."""
    is_noun = PartOfSpeech.NOUN in term.parts_of_speech and "nomn" in term.cases
    return is_noun and (with_role or not term.roles)


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


def mixes_sentences(alignment: Alignment) -> bool:
    """Words of two neighbouring sentences made into one, though they speak of different things."""
    passage = alignment.passage
    found = {place for _, place in alignment.pairs()}
    used = alignment.sentences_used
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
