"""Compares one statement with another: does what is said say what a fact says?

Words in common are no identity. Rare things decide: the fact's values (numbers, dates, names) must be there. Then it
must be said of the same person and thing, and not be negated, supposed or another's words. What is said besides must
be separable, or it would be lost with the rest. Where that leaves a doubt, the verdict is `UNSURE`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import IntEnum
from typing import Final

from bot.memory.statements import Statement, Word
from bot.text.concepts import HEALTH, RELATIVES, ROLES, SUPPORTS, concept_of
from bot.text.pronouns import OWN
from bot.text.values import TIME_UNITS, Value

_MIN_COVERAGE: Final = 0.5
"""Share of a fact's words that must be beside its values."""
_EXTRA_BESIDE_DISTINCTIVE: Final = 4.0
"""Weight of other words beside a value that is seldom the same by chance."""
_EXTRA_BESIDE_NAME: Final = 1.0
_COMPOUND: Final = 3
"""Values and names from which on they are telling together."""
_OWNER_REACH: Final = 2
"""Words within which "my" belongs to the word after it."""
_KNOWN_WORD_WEIGHT: Final = 2.0
"""A word of the tables (asthma, flat) is another fact more often than any other word."""
_KEPT_SECRET: Final = frozenset(
    ("code", "lock", "safe", "door", "gate", "locker", "card", "account", "phone", "number", "secret", "key")
)


class Verdict(IntEnum):
    """Whether a text says what a fact says."""

    OTHER = 0
    UNSURE = 1
    SAME = 2


def compare_statements(fact: Statement, said: Statement) -> Verdict:
    """Whether a statement says what another, the fact, says."""
    if _entails(fact, said):
        return Verdict.SAME
    verdict = max(_compare_content(fact, said), _compare_matter(fact, said))
    if verdict is Verdict.OTHER:
        return verdict
    distinctive = _shares_distinctive(fact, said)
    verdict = min(verdict, _compare_subject(fact, said, distinctive=distinctive))
    return min(verdict, _compare_frame(fact, said, distinctive=distinctive))


def _entails(fact: Statement, said: Statement) -> bool:
    """Whether a statement cannot be true unless the fact is, whatever it says, asks or denies beside it.

    "Biscuit, my cat, won't eat" names the cat, and "can I drive with my epilepsy?" has the illness.
    """
    if (
        fact.relatives != said.relatives
        or fact.negated
        or fact.frame != "own"
        or said.frame in ("supposed", "reported")
    ):
        return False
    words = _essential_words(fact)
    if len(split_words(words, said)[0]) < len(words) or not all(said.has_value(value) for value in fact.values):
        return False
    if fact.names:
        is_naming = bool(words) and all(word.concept in fact.relatives or word.concept in ROLES for word in words)
        names_thing = is_naming and not any(word.concept == "name" for word in said.words)
        owned = _is_owned(said, fact.relatives | ROLES)
        return names_thing and owned and all(said.names_word(name) for name in fact.names)
    return _is_owned(said, {word.concept for word in words if word.concept is not None} & HEALTH)


def _is_owned(said: Statement, concepts: Collection[str]) -> bool:
    """Whether "my" stands before a word of one of these meanings."""
    return any(
        concept_of(token) in concepts
        # Russian puts "my" behind as well.
        and any(owner in OWN for owner in said.tokens[max(at - _OWNER_REACH, 0) : at + 2])
        for at, token in enumerate(said.tokens)
    )


def _compare_matter(fact: Statement, said: Statement) -> Verdict:
    """Whether a statement of the same person has what is rare of a fact, whatever it says beside that.

    That is an illness, or the object of what somebody has or does: "my penicillin allergy", «мне нельзя пенициллин».
    """
    if not (said.is_self or (said.relatives and said.relatives == fact.relatives)):
        return Verdict.OTHER
    health = {word.concept for word in fact.words} & HEALTH
    if health - {"allergy"}:
        return Verdict.UNSURE if health & {word.concept for word in said.words} else Verdict.OTHER
    # "I am divorced from Tom" is not rare by its name alone, nor is "I live in Berlin".
    rare = [word for word in fact.words if word.concept is None]
    has_known_word = len(rare) < len(fact.words)
    if fact.values or fact.names or not rare or not has_known_word:
        return Verdict.OTHER
    return Verdict.UNSURE if len(split_words(rare, said)[0]) == len(rare) else Verdict.OTHER


def _essential_words(fact: Statement) -> tuple[Word, ...]:
    """The words of a fact that must be beside its values: of "my cat is called Biscuit" the cat, not that it is
    called."""
    without_name = tuple(word for word in fact.words if word.concept != "name")
    return without_name if fact.names and without_name else fact.words


def _compare_content(fact: Statement, said: Statement) -> Verdict:
    """Whether the values and words of a fact are in a statement, and little else."""
    missing = [value for value in fact.values if not said.has_value(value)]
    missing_names = [name for name in fact.names if not said.names_word(name)]
    has_values = bool(fact.values or fact.names)
    distinctive = _shares_distinctive(fact, said)
    words = _essential_words(fact)
    covered, unmatched = split_words(words, said)
    coverage = len(covered) / len(words) if words else 1.0
    extra = _extra_words(fact, said)
    if not has_values:
        if coverage < 1:
            return Verdict.OTHER
        if extra and not said.is_self and not said.relatives:
            # "Asthma is common among swimmers" is about nobody.
            return Verdict.OTHER
        return Verdict.SAME if _extra_weight(fact, said, extra) == 0 else Verdict.UNSURE
    if missing or missing_names:
        shares_any = len(missing) + len(missing_names) < len(fact.values) + len(fact.names)
        contradicts = bool(missing) and any(_is_rival(value, missing) for value in said.values if not _in(value, fact))
        if distinctive and coverage > 0:
            return Verdict.UNSURE
        is_part = shares_any and coverage >= _MIN_COVERAGE and not contradicts and not extra and bool(fact.words)
        return Verdict.UNSURE if is_part else Verdict.OTHER
    is_other_thing = bool(extra and (unmatched or not fact.words))
    # A street, a house and a flat together are seldom the same by chance.
    is_compound = len(fact.values) + len(fact.names) >= _COMPOUND
    if distinctive or (is_compound and coverage > 0):
        is_long = is_compound or any(value.is_long for value in fact.values)
        if coverage == 0 and fact.words and not is_long:
            return Verdict.UNSURE if not extra or _names_same_kind(fact, said) else Verdict.OTHER
        if is_other_thing and not is_long and coverage <= _MIN_COVERAGE:
            return Verdict.UNSURE
        limit = _EXTRA_BESIDE_DISTINCTIVE
    else:
        if coverage == 0 and fact.words:
            is_telling = said.is_self and (len(fact.values) + len(fact.names) > 1 or _is_of_same_kin(fact, said))
            return Verdict.UNSURE if not extra or is_telling or is_compound else Verdict.OTHER
        if coverage < _MIN_COVERAGE:
            return Verdict.UNSURE if fact.names else Verdict.OTHER
        if is_other_thing:
            is_near = bool(fact.words) and (bool(fact.names) or coverage > _MIN_COVERAGE or _is_of_same_kin(fact, said))
            return Verdict.UNSURE if is_near else Verdict.OTHER
        limit = _EXTRA_BESIDE_NAME
    return Verdict.SAME if _extra_weight(fact, said, extra) <= limit else Verdict.UNSURE


def _compare_subject(fact: Statement, said: Statement, *, distinctive: bool) -> Verdict:
    """Whether a statement is about the same person as a fact."""
    doubt = Verdict.UNSURE if distinctive else Verdict.OTHER
    if fact.relatives == said.relatives:
        if fact.relatives:
            return Verdict.SAME
        if said.is_third and not said.is_self and not fact.is_third:
            return doubt
        if said.is_second and not said.is_self and not fact.is_second:
            return doubt
        if said.opens_with and not said.is_self and not fact.names_word(said.opens_with):
            return doubt
        return Verdict.SAME
    if not fact.relatives:
        return Verdict.UNSURE if said.is_self else doubt
    if not said.relatives:
        return doubt if said.is_self else Verdict.UNSURE
    return Verdict.UNSURE if fact.relatives < said.relatives and said.is_self else doubt


def _compare_frame(fact: Statement, said: Statement, *, distinctive: bool) -> Verdict:
    """Whether a statement is made as the fact is: not asked, supposed, denied or another's words."""
    doubt = Verdict.UNSURE if distinctive else Verdict.OTHER
    if fact.negated != said.negated and not distinctive:
        # "With my two children I have no time" denies the time.
        denies_more = bool(_extra_words(fact, said)) and said.negated
        has_matter = bool(fact.values or fact.names or {word.concept for word in fact.words} & HEALTH)
        return Verdict.UNSURE if denies_more and has_matter else Verdict.OTHER
    if said.frame == fact.frame or said.frame == "own":
        return Verdict.SAME
    if said.frame == "question":
        return Verdict.SAME if distinctive else Verdict.UNSURE if said.is_self else Verdict.OTHER
    return Verdict.UNSURE if said.frame == "indirect" else doubt


def _is_of_same_kin(fact: Statement, said: Statement) -> bool:
    """Whether both give the same measured value of the same relative: 800 euros and the brother."""
    return bool(fact.relatives) and fact.relatives == said.relatives and all(value.unit for value in fact.values)


def split_words(words: Sequence[Word], said: Statement) -> tuple[list[Word], list[Word]]:
    """The words that are in a statement in some form or meaning, and those that are not."""
    covered, unmatched = list[Word](), list[Word]()
    for word in words:
        (covered if _is_said(word, said) else unmatched).append(word)
    return covered, unmatched


def _is_said(word: Word, said: Statement) -> bool:
    if any(word.matches(other) or _supports(word, other) for other in said.words):
        return True
    return any(Word(name, None).matches(word) for name in said.names)


def _supports(word: Word, other: Word) -> bool:
    if word.concept is None or other.concept is None:
        return False
    return other.concept in SUPPORTS.get(word.concept, ()) or word.concept in SUPPORTS.get(other.concept, ())


def _extra_words(fact: Statement, said: Statement) -> list[Word]:
    """What a statement says besides the fact."""
    return [
        word
        for word in said.words
        if not any(word.matches(own) or _supports(word, own) for own in fact.words)
        and not any(Word(name, None).matches(word) for name in fact.names)
        and word.concept not in RELATIVES
    ]


def _extra_weight(fact: Statement, said: Statement, extra: Sequence[Word]) -> float:
    values = [
        value
        for value in said.values
        if not (_in(value, fact) or _is_part(value, fact) or value in said.denied or value.unit in TIME_UNITS)
    ]
    names = [name for name in said.names if not fact.names_word(name)]
    words = sum(_KNOWN_WORD_WEIGHT if word.concept else 1.0 for word in extra)
    return words + _EXTRA_BESIDE_DISTINCTIVE * (len(names) + len(values)) + (len(values) > 0)


def _shares_distinctive(fact: Statement, said: Statement) -> bool:
    # A day without its year is in many statements.
    return any(
        value.is_distinctive
        and said.has_value(value)
        and (value.kind != "date" or any(value.text == other.text for other in said.values))
        for value in fact.values
    )


def _in(value: Value, fact: Statement) -> bool:
    return any(own.matches(value) for own in (*fact.values, *fact.times))


def _is_part(value: Value, fact: Statement) -> bool:
    """Whether a value is a group of a long value."""
    return any(own.is_long and value.text in own.text for own in fact.values)


def _is_rival(value: Value, missing: Iterable[Value]) -> bool:
    """Whether a value stands where another was: of the same kind, with other digits."""
    return any(value.kind == other.kind for other in missing)


def _names_same_kind(fact: Statement, said: Statement) -> bool:
    """Whether a statement is about something of the fact's kind: a code, a lock, an account."""
    return any(word.concept in _KEPT_SECRET for word in said.words) and any(
        word.concept in _KEPT_SECRET for word in fact.words
    )
