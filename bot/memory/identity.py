"""Decides whether a text says what a fact says.

Words in common are no identity. Rare things decide: the fact's values (numbers, dates, names) must be there. Then it
must be said of the same person and thing, and not be negated, supposed or another's words. What the text says besides
must be separable, or it would be lost with the rest. Where that leaves a doubt, the verdict is `UNSURE`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from typing import Final

from bot.memory.enumerations import find_items
from bot.memory.statements import Speaker, Statement, Unit, Word, merge_units, read_units
from bot.text.concepts import HEALTH, RELATIVES, ROLES, SUPPORTS, concept_of, words_of
from bot.text.pronouns import OWN
from bot.text.transliteration import latin_key
from bot.text.values import PHONE_DIGITS, TIME_UNITS, Value, find_values
from bot.text.words import fold

MIN_COVERAGE: Final = 0.5
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
_HINT_LENGTH: Final = 4
"""Letters in which all forms of a word agree, in both scripts."""
_NOT_A_DIGIT: Final = re.compile(r"\D+")
_NUMBER_WORD: Final = re.compile(
    r"(?<!\w)(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|\w+ty|hundred|thousand|"
    r"нол|нул|один|одн|дв|тр[ие]|четыр|пят|шест|сем|восем|восьм|девят|десят|сорок|сто|\w+надцат|\w+десят|тысяч)"
)


class Verdict(IntEnum):
    """Whether a text says what a fact says."""

    OTHER = 0
    UNSURE = 1
    SAME = 2


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a text compares with a fact."""

    verdict: Verdict
    """The strongest of its units."""
    same: tuple[Unit, ...]
    """The units that say it."""
    unsure: tuple[Unit, ...]


class Fact:
    """A fact to compare texts with."""

    def __init__(self, text: str) -> None:
        units = read_units(text)
        self.text = text
        self.statements: Final = [unit.statement for unit in units if _is_comparable(unit.statement)]
        self._hints = {hint for statement in self.statements for hint in _hints(statement)}
        values = [value for statement in self.statements for value in statement.values]
        self._digits = {digits[-PHONE_DIGITS:] for value in values if (digits := _NOT_A_DIGIT.sub("", value.text))}

    def compare(self, text: str, speaker: Speaker = "person") -> Comparison:
        """Compare a text with it."""
        same, unsure = list[Unit](), list[Unit]()
        for _, group in groupby(read_units(text, speaker), key=lambda unit: unit.sentence):
            units = list(group)
            verdicts = [self._judge(unit.statement) for unit in units]
            if len(units) > 1 and Verdict.SAME not in verdicts:
                # "Write to anna@example.org, it is my mail": neither part says it alone.
                whole = self._judge(merge_units(text, units, speaker))
                verdicts = [max(verdict, whole) for verdict in verdicts]
            for unit, verdict in zip(units, verdicts, strict=True):
                listed = self._find_listed(text, unit, speaker) if verdict is not Verdict.SAME else []
                same += [unit] if verdict is Verdict.SAME else listed
                unsure += [unit] if verdict is Verdict.UNSURE and not listed else []
        verdict = Verdict.SAME if same else Verdict.UNSURE if unsure else Verdict.OTHER
        return Comparison(verdict, tuple(same), tuple(unsure))

    def _find_listed(self, text: str, unit: Unit, speaker: Speaker) -> list[Unit]:
        """The things of a list in a unit that say it."""
        return [
            Unit(item.start, item.end, unit.sentence, unit.statement)
            for item in find_items(text, unit.start, unit.end)
            if all(self._judge(one.statement) is Verdict.SAME for one in read_units(item.statement, speaker))
        ]

    def has_distinctive_value_of(self, text: str) -> bool:
        """Whether a value of the fact that is seldom the same by chance is in a text."""
        found = find_values(text)
        return any(
            value.is_distinctive and any(value.matches(other) for other in found)
            for statement in self.statements
            for value in statement.values
        )

    def may_be_in(self, text: str) -> bool:
        """A quick look that misses no text which says it: whether any of its words or values may be there."""
        key = latin_key(fold(text))
        if any(hint in key for hint in self._hints):
            return True
        if not self._digits:
            return False
        digits = _NOT_A_DIGIT.sub("", text)
        return any(each in digits for each in self._digits) or _NUMBER_WORD.search(fold(text)) is not None

    def share_of_words_in(self, text: str) -> float:
        """The largest share of a statement's words that a text has, 0 to 1."""
        return max(
            (
                len(_cover(statement.words, unit.statement)[0]) / len(statement.words)
                for unit in read_units(text)
                for statement in self.statements
                if statement.words
            ),
            default=0.0,
        )

    def _judge(self, said: Statement) -> Verdict:
        return max((_compare(fact, said) for fact in self.statements), default=Verdict.OTHER)


def _hints(statement: Statement) -> Iterator[str]:
    """Beginnings of words, in Latin letters, one of which a text has that says a statement."""
    for word in statement.words:
        for form in (word.text, *(words_of(word.concept) if word.concept is not None else ())):
            yield _hint(form)
    for name in statement.names:
        yield _hint(name)
    for value in statement.values:
        if value.kind in ("mail", "link", "identifier"):
            yield _hint(value.text)


def _hint(word: str) -> str:
    # The last letter of a short word changes with its form.
    return latin_key(word[: min(_HINT_LENGTH, max(len(word) - 1, 3))])


def cut_units(text: str, units: Sequence[Unit], speaker: Speaker = "person") -> str:
    """A text without some of its units; empty if the rest states nothing of its own."""
    gone = {(unit.start, unit.end) for unit in units}
    every = read_units(text, speaker)
    listed = sorted(gone - {(unit.start, unit.end) for unit in every}, reverse=True)
    if listed:
        # Things of lists go first; what is left is read anew.
        rest = text
        for start, end in listed:
            rest = rest[:start] + rest[end:]
        whole = {text[start:end] for start, end in gone - set(listed)}
        return cut_units(rest, [unit for unit in read_units(rest, speaker) if rest[unit.start : unit.end] in whole])
    kept = [unit for unit in every if (unit.start, unit.end) not in gone]
    if not any(_states_something(unit.statement) for unit in kept):
        return ""
    parts: list[str] = []
    previous = None
    for unit in kept:
        part = text[unit.start : unit.end].strip()
        if previous is None or unit.sentence != previous.sentence:
            part = part[:1].upper() + part[1:]
            if parts and parts[-1][-1] not in ".!?…":
                parts[-1] += "."
            parts.append(part)
        else:
            joins = not _is_gone_between(previous, unit, gone)
            parts[-1] += text[previous.end : unit.start] + part if joins else f". {part[:1].upper()}{part[1:]}"
        previous = unit
    return " ".join(parts)


def _is_gone_between(first: Unit, second: Unit, gone: Iterable[tuple[int, int]]) -> bool:
    return any(first.end <= start < second.start for start, _ in gone)


def _states_something(statement: Statement) -> bool:
    """Whether what is left of a message is worth keeping: a statement with content, and not only a question."""
    knows_one = statement.is_self and any(word.concept is not None for word in statement.words)
    has_content = bool(statement.values or statement.names or len(statement.words) >= 2 or knows_one)
    return statement.frame != "question" and has_content


def _is_comparable(statement: Statement) -> bool:
    return statement.frame != "question" and bool(statement.values or statement.names or statement.words)


def _compare(fact: Statement, said: Statement) -> Verdict:
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
    if len(_cover(words, said)[0]) < len(words) or not all(said.has_value(value) for value in fact.values):
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
    return Verdict.UNSURE if len(_cover(rare, said)[0]) == len(rare) else Verdict.OTHER


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
    covered, unmatched = _cover(words, said)
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
        is_part = shares_any and coverage >= MIN_COVERAGE and not contradicts and not extra and bool(fact.words)
        return Verdict.UNSURE if is_part else Verdict.OTHER
    is_other_thing = bool(extra and (unmatched or not fact.words))
    # A street, a house and a flat together are seldom the same by chance.
    is_compound = len(fact.values) + len(fact.names) >= _COMPOUND
    if distinctive or (is_compound and coverage > 0):
        is_long = is_compound or any(value.is_long for value in fact.values)
        if coverage == 0 and fact.words and not is_long:
            return Verdict.UNSURE if not extra or _names_same_kind(fact, said) else Verdict.OTHER
        if is_other_thing and not is_long and coverage <= MIN_COVERAGE:
            return Verdict.UNSURE
        limit = _EXTRA_BESIDE_DISTINCTIVE
    else:
        if coverage == 0 and fact.words:
            is_telling = said.is_self and (len(fact.values) + len(fact.names) > 1 or _is_of_same_kin(fact, said))
            return Verdict.UNSURE if not extra or is_telling or is_compound else Verdict.OTHER
        if coverage < MIN_COVERAGE:
            return Verdict.UNSURE if fact.names else Verdict.OTHER
        if is_other_thing:
            is_near = bool(fact.words) and (bool(fact.names) or coverage > MIN_COVERAGE or _is_of_same_kin(fact, said))
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


def _cover(words: Sequence[Word], said: Statement) -> tuple[list[Word], list[Word]]:
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
