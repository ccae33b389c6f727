"""Decides whether a newer fact ends an older one: the same thing of the same person, with another value.

"I moved to Berlin" ends "I live in Kazan", a new PIN of the garage its old one. What a person may have several of, such
as friends, pets and languages, ends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from bot.memory.grounding import mentions_change
from bot.memory.statements import Statement, Word, merge_units, read_units
from bot.text.concepts import ANIMALS, SINGLE_RELATIVES
from bot.text.transliteration import latin_key
from bot.text.values import Value
from bot.text.words import fold, stem, word_set

_SINGLE_VALUED: Final = frozenset(
    ("home", "address", "phone", "mail", "code", "weight", "height", "age", "salary", "birth", "passport")
)
"""What a person has one of at a time: a new value ends the old one without saying so."""
_NUMBERED: Final = frozenset(("phone", "passport", "account", "card", "flat", "code"))
"""Things beside which the word "number" says nothing."""
_ORIGIN: Final = re.compile(r"(?<!\w)(?:from|из)\s+[^\W\d_][\w-]*", re.IGNORECASE)
_SAME_THING: Final = {"move": "home"}
_SPOUSES: Final = frozenset(("wife", "husband", "partner"))
_MAX_AGE: Final = 120
_MAX_FURTHER_WORDS: Final = 2
"""Content words that a statement which ends another may have besides: "I stopped the keto diet last week"."""
_EXCLUSIVE: Final = (frozenset(("married", "divorced", "single", "widowed", "engaged")),)
_CHANGE_STEMS: Final = frozenset(
    stem(word)
    for word in word_set("""
        quit quitting stop stopped stopping gave give given up left leave changed change switched switch longer more
        anymore used again actually сменил сменила поменял поменяла бросил бросила перестал перестала больше теперь
        раньше ушел ушла уволился уволилась закончил закончила новый опять снова
        вышла вышел got
    """)
)
"""Words that say that something has changed, and not what."""
_STOPS: Final = re.compile(
    r"(?<!\w)(?:quit\w*|stop\w*|g[ia]ve\w*\s+up|giving\s+up|used\s+to|left|broke\s+up|брос\w+|переста\w+|уволи\w+|уш[её]л|"
    r"ушл[аи]|закончил\w*|раньше|отказал\w*\s+от)(?!\w)"
)
_CORRECTION: Final = re.compile(
    r"(?<!\w)(?:actually|correction|i\s+meant|i\s+mean|sorry|in\s+fact|my\s+mistake|i\s+was\s+wrong|на\s+самом\s+деле|точнее|вернее|"
    r"ошибся|ошиблась|поправка|имел\w*\s+в\s+виду|то\s+есть)(?!\w)"
)
_PLAN: Final = re.compile(
    r"(?<!\w)(?:will|going\s+to|want\s+to|plan(?:s|ning)?\s+to|hope\s+to|would\s+like|i'll|we'll|wish|soon|next\s+(?:week|month|year)|"
    r"moving|собира\w+|планиру\w+|хочу|хотим|хотел\w*|буду|будем|переезжаю|переезжаем|скоро|мечтаю)(?!\w)"
)
_ADDS: Final = re.compile(
    r"(?<!\w)(?:too|also|as\s+well|another|second|third|other|besides|тоже|также|еще|втор\w+|трет\w+|друг(?:ой|ая|ую|ое)|"
    r"кроме\s+того)(?!\w)"
)
"""What says that something comes to what was."""
_PAST: Final = re.compile(
    r"(?<!\w)(?:lived|worked|was|were|had|weighed|used\s+to|жил|жила|жили|работал|работала|был|была|было|были|весил|весила|"
    r"раньше|once|formerly|previously|когда-то)(?!\w)"
)


def supersedes(new: str, old: str) -> bool:
    """Whether a newer fact ends an older one. Each states one thing; of several, the first with a value counts."""
    if _PLAN.search(fold(new)) or _ADDS.search(fold(new)):
        return False
    return _gives_new_value(new, old) or _says_the_opposite(new, old)


def _gives_new_value(new: str, old: str) -> bool:
    """Whether a newer fact gives another value of the older one's thing."""
    newer, older = _main_statement(new), _main_statement(old)
    if newer is None or older is None or newer.relatives != older.relatives:
        return False
    is_correction = _CORRECTION.search(fold(new)) is not None or _denies_value_of(newer, older)
    is_count = _counts(newer) and _counts(older)
    if newer.relatives - SINGLE_RELATIVES and not (is_correction or is_count):
        return False
    if _PAST.search(fold(new)) and not mentions_change(new):
        return False
    thing, old_thing = _thing(newer), _thing(older)
    is_single_valued = bool(thing & _SINGLE_VALUED) or thing == {"number"}
    has_no_other_thing = thing == old_thing and bool(newer.relatives) and (is_correction or is_count)
    is_same_thing = _is_same_thing(thing, old_thing) or has_no_other_thing
    if not is_same_thing or not (is_single_valued or is_correction or is_count or mentions_change(new)):
        return False
    return not _share_value(newer, older)


def _says_the_opposite(new: str, old: str) -> bool:
    """Whether a newer fact says that the older one no longer holds: "I quit smoking", "I am divorced"."""
    olds = [unit.statement for unit in read_units(old) if unit.statement.frame == "own"]
    for start, end, newer in _parts(new):
        if newer.frame != "own":
            continue
        stops = _STOPS.search(fold(new[start:end])) is not None
        # "I quit" and "I do not" deny it; "I did not quit" does not.
        denies = stops != newer.negated
        for older in olds:
            if newer.relatives - _SPOUSES == older.relatives - _SPOUSES and _excludes(newer, older):
                return True
            if newer.relatives != older.relatives:
                continue
            if denies != older.negated and _is_same_matter(newer, older, may_add=stops):
                return True
    return False


def _parts(text: str) -> Iterator[tuple[int, int, Statement]]:
    """The units of a text, and its sentences of several units as a whole: "my girlfriend and I broke up"."""
    for _, group in groupby(read_units(text), key=lambda unit: unit.sentence):
        units = list(group)
        yield from ((unit.start, unit.end, unit.statement) for unit in units)
        if len(units) > 1:
            yield units[0].start, units[-1].end, merge_units(text, units)


def _excludes(newer: Statement, older: Statement) -> bool:
    """Whether two statements are of states of which a person is in one at a time."""
    return any(
        (now := {word.concept for word in newer.words} & states)
        and (before := {word.concept for word in older.words} & states)
        and not now & before
        and not newer.negated
        and not older.negated
        for states in _EXCLUSIVE
    )


def _is_same_matter(newer: Statement, older: Statement, *, may_add: bool) -> bool:
    """Whether all that an older statement says is in a newer one, and no more, or little more."""
    words = [word for word in older.words if not _is_change(word)]
    if not (words or older.names or older.values) or newer.names_beyond(older.names):
        return False
    further = [word for word in newer.words if not _is_change(word) and not any(word.matches(own) for own in words)]
    missing = [word for word in words if not any(word.matches(other) for other in newer.words)]
    # "I left Acme" needs no "work".
    keeps_some = bool(older.names) or len(missing) < len(words)
    is_left = may_add and keeps_some and all(word.concept == "work" for word in missing)
    is_general = not (further or newer.names or newer.values or newer.has_time_words)
    if is_general and 2 * len(missing) < len(words):
        # "I no longer drink coffee" ends two cups a day as well.
        return True
    return (
        (not missing or is_left)
        and all(newer.names_word(name) for name in older.names)
        and all(newer.has_value(value) for value in older.values)
        and len(further) <= (_MAX_FURTHER_WORDS if may_add else 0)
    )


def _is_change(word: Word) -> bool:
    return word.concept is None and stem(word.text) in _CHANGE_STEMS


def _denies_value_of(newer: Statement, older: Statement) -> bool:
    """Whether a newer statement sets a value of the older one right: "6, not 5"."""
    return any(value.matches(denied) for denied in newer.denied for value in older.values) or any(
        older.names_word(name) for name in newer.denied_names
    )


def stated_changes(sentences: Sequence[str], facts: Sequence[str]) -> list[tuple[str, list[int]]]:
    """The sentences that end some of the facts, with the indices of these."""
    changes = []
    for sentence in sentences:
        ended = [index for index, fact in enumerate(facts) if supersedes(sentence, fact)]
        if ended:
            changes.append((sentence, ended))
    return changes


def _main_statement(text: str) -> Statement | None:
    # Where somebody comes from is not where they are.
    statements = [unit.statement for unit in read_units(_ORIGIN.sub(" ", text))]
    return next(
        (
            statement
            for statement in statements
            if statement.frame == "own"
            and (not statement.negated or statement.denied or statement.denied_names)
            and (statement.values or statement.names)
        ),
        None,
    )


def _thing(statement: Statement) -> frozenset[str]:
    """What a statement gives a value of: its content words, by meaning."""
    thing = {
        _SAME_THING.get(word.concept, word.concept) if word.concept else latin_key(stem(word.text))
        for word in statement.words
        if not _is_change(word)
    }
    if not thing and statement.is_self and any(_may_be_age(value) for value in statement.values):
        return frozenset(("age",))
    if thing & _NUMBERED:
        thing.discard("number")
    return frozenset(thing - statement.relatives - ANIMALS.keys())


def _is_same_thing(first: frozenset[str], second: frozenset[str]) -> bool:
    """Whether two statements give a value of one thing: in the same words, or with two or more words in common and
    nothing besides on one side."""
    common = first & second
    return bool(common) and (first == second or (len(common) > 1 and (common in (first, second))))


def _counts(statement: Statement) -> bool:
    """Whether a statement says how many of something there are: "I have two cats"."""
    kinds = [(value.kind, value.unit) for value in statement.values if value not in statement.denied]
    return statement.is_self and not statement.names and bool(statement.relatives) and kinds == [("number", "")]


def _may_be_age(value: Value) -> bool:
    """Whether a number without more may be how old somebody is: "I'm 30 now"."""
    return value.unit == "year" or (
        value.kind == "number" and not value.unit and value.text.isdigit() and 0 < int(value.text) <= _MAX_AGE
    )


def _share_value(first: Statement, second: Statement) -> bool:
    """Whether two statements have a value or a name in common, or none that could take the other's place."""
    values = [value for value in first.values if value not in first.denied]
    if any(value.matches(other) for value in values for other in second.values):
        return True
    names = [name for name in first.names if name not in first.denied_names]
    if any(second.names_word(name) for name in names):
        return True
    kinds = {value.kind for value in first.values} & {value.kind for value in second.values}
    return not (kinds or (first.names and second.names))
