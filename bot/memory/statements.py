"""Reads what a text states, unit by unit: about whom, with which values, names and words.

A unit is the smallest part of a text that can be cut out without harming the rest: a sentence, or a part of it that
begins with a subject of its own after a comma or "and".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

from bot.text.calendar import (
    ENGLISH_MONTHS,
    ENGLISH_SEASONS,
    ENGLISH_TIME_UNITS,
    ENGLISH_WEEKDAYS,
    RUSSIAN_MONTH_FORMS,
    RUSSIAN_SEASON_FORMS,
    RUSSIAN_UNIT_FORMS,
    RUSSIAN_WEEKDAY_FORMS,
)
from bot.text.concepts import ANIMALS, concept_of, is_light, relative_of
from bot.text.framing import Frame, frame_of
from bot.text.language import has_cyrillic_letters
from bot.text.morphology import read_word
from bot.text.negation import is_contraction, mentions_negation
from bot.text.numerals import is_numeric, parse_numeral
from bot.text.pronouns import ALL_PRONOUNS, FIRST_PERSON, POSSESSIVE, SECOND_PERSON, THIRD_PERSON
from bot.text.sentences import split_sentences
from bot.text.stop_words import STOP_WORDS
from bot.text.transliteration import LOOKALIKES, latin_key
from bot.text.values import UNITS, Value, find_values
from bot.text.words import common_prefix_length, fold, stem, word_set

Speaker = Literal["person", "mind"]

MAX_CHARACTERS: Final = 20_000
"""Characters of a text that are read."""

_POSSESSIVE_REACH: Final = 3
"""Words within which "my" belongs to the relative after it: "my dear old mother"."""
_FURTHER_TIME_WORDS: Final = (
    "yesterday tomorrow tonight morning evening night since ago old weekend daily "
    "вчера завтра утром вечером ночью утро вечер ночь назад выходные утрам "
    "вечерам ночам дням выходным"
)
_TIME_AND_UNIT_WORDS: Final = frozenset(
    (
        *ENGLISH_MONTHS,
        *ENGLISH_SEASONS,
        *ENGLISH_WEEKDAYS,
        *ENGLISH_TIME_UNITS,
        *(f"{unit}s" for unit in ENGLISH_TIME_UNITS),
        *RUSSIAN_MONTH_FORMS,
        *RUSSIAN_SEASON_FORMS,
        *RUSSIAN_UNIT_FORMS,
        *RUSSIAN_WEEKDAY_FORMS,
        *UNITS,
        *_FURTHER_TIME_WORDS.split(),
    )
)
_TITLES: Final = word_set("dr mr mrs ms miss prof professor sir господин госпожа профессор")
"""Words before a name that are no part of it."""
_IGNORED: Final = STOP_WORDS | ALL_PRONOUNS | _TIME_AND_UNIT_WORDS
"""Words that say nothing of a statement's content."""
_NOT_ALPHANUMERIC: Final = re.compile(r"[\W_]+")
_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SUBJECT_AHEAD: Final = (
    r"(?=(?:i|i['’]m|i['’]ve|my|we|our|he|she|it|they|you|his|her|their|your|я|мой|моя|моё|мое|мои|мы|наш\w*|он|она|они|"
    r"ты|вы|у\s+(?:меня|него|не[её]|нас|них)|мне|меня|его|е[её]|их|твой|твоя|ваш\w*|the)(?!\w))"
)
_UNIT_BREAK: Final = re.compile(
    rf"(?:[,;]\s*(?:and|but|so|и|а|но)?|\s(?:and|but|и|а|но|[—–-]))\s+{_SUBJECT_AHEAD}", re.IGNORECASE
)
_QUESTION_AHEAD: Final = re.compile(
    r"[,;—–-]\s+(?=(?:(?:и|а|но|and|so|but)\s+)?(?:is|are|can|could|should|would|will|may|do|does|what|which|how|where|when|why|who|"
    r"как\w*|что|чем|где|когда|можно|сколько|зачем|почему|стоит|надо|нужно|куда|кто)(?!\w))",
    re.IGNORECASE,
)
"""Where the question begins in a sentence that states something first: "I have asthma, can I run?"."""
_DENIED: Final = re.compile(r"(?<!\w)(?:not|instead\s+of|не|вместо)\s+$")
_SINCE: Final = re.compile(
    r"(?<!\w)(?:since|from|in|until|till|for|с|со|до|в|около|лет|уже)\s+(?:\w+\s+)?$", re.IGNORECASE
)
_BIRTH: Final = re.compile(r"(?<!\w)(?:born|birth\w*|родил\w*|рожден\w*|рождён\w*)(?!\w)", re.IGNORECASE)
_QUANTITY_OF_TIME: Final = re.compile(
    r"^[-\s]*(?:years?|months?|weeks?|days?|hours?|minutes?|лет|год\w*|месяц\w*|недел\w*|дн\w+|час\w*|минут\w*)(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Word:
    """A content word."""

    text: str
    """Folded."""
    concept: str | None
    """Its meaning, if it is in the tables of `bot.text.concepts`."""

    def matches(self, other: Word) -> bool:
        """Whether both are forms of one word, or have one meaning, in one language or two."""
        if self.concept is not None and self.concept == other.concept:
            return True
        return _same_word(self.text, other.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a unit states."""

    frame: Frame
    relatives: frozenset[str] = frozenset()
    """The people and animals around the person that it speaks of, by relation."""
    is_self: bool = False
    """Whether it speaks of the person themselves, besides "my" before a relative."""
    is_third: bool = False
    """Whether a pronoun stands for somebody else."""
    is_second: bool = False
    """Whether it speaks of the one who is spoken to."""
    values: tuple[Value, ...] = ()
    """Without those that only say since when it holds."""
    times: tuple[Value, ...] = ()
    """Those that do."""
    denied: tuple[Value, ...] = ()
    """Values that it sets right: of "5, not 6" the second."""
    denied_names: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Words with a capital letter inside the sentence that are no known words; folded."""
    words: tuple[Word, ...] = ()
    """Content words, without names and values."""
    tokens: tuple[str, ...] = ()
    """All words; folded."""
    compact: str = ""
    """All letters and digits without what stands between them; folded."""
    opens_with: str | None = None
    """The first word, if it may be a name: with a capital letter, and no known word; folded."""
    negated: bool = False

    def has_value(self, value: Value) -> bool:
        """Whether a value stands in it, in any spelling; a long one also in groups."""
        if any(value.matches(other) or value.text in other.parts for other in self.values):
            return True
        if value.parts and all(any(part == other.text for other in self.values) for part in value.parts):
            return True
        return value.is_long and value.text.translate(LOOKALIKES) in self.compact

    @property
    def has_time_words(self) -> bool:
        """Whether it names a time: "I do not work on Mondays"."""
        return bool(self.times) or any(token in _TIME_AND_UNIT_WORDS for token in self.tokens)

    def names_beyond(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names in it that are not among these."""
        return tuple(own for own in self.names if not any(_same_word(own, name) for name in names))

    def names_word(self, name: str) -> bool:
        """Whether a name stands in it, in any form and script, with a capital letter or without."""
        return any(_same_word(name, token) for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of a text, and what it states."""

    start: int
    end: int
    sentence: int
    """The number of its sentence in the text."""
    statement: Statement


def read_units(text: str, speaker: Speaker = "person") -> tuple[Unit, ...]:
    """The units of a text in their order.

    Args:
        speaker: who says it: "you" of the mind is the person.
    """
    return _read_units(text[:MAX_CHARACTERS], speaker)


@lru_cache(4096)
def _read_units(text: str, speaker: Speaker) -> tuple[Unit, ...]:
    units: list[Unit] = []
    relatives: frozenset[str] = frozenset()
    position = 0
    for number, sentence in enumerate(split_sentences(text)):
        start = text.index(sentence, position)
        position = start + len(sentence)
        frame = frame_of(sentence)
        if speaker == "mind" and frame in ("reported", "indirect"):
            # "As you told me, your code is 4821": the person said it.
            frame = "own"
        for begin, end in _split_unit_spans(sentence):
            # Of "I am pregnant, what may I eat?" only the end asks.
            asks_later = frame == "question" and end < len(sentence)
            unit_frame = frame_of(sentence[begin:end]) if asks_later else frame
            statement = _read_statement(sentence[begin:end], unit_frame, speaker, is_opening=begin == 0)
            if statement.relatives:
                relatives = statement.relatives
            elif statement.is_third and not statement.is_self:
                # "My mother has diabetes. She takes…": she is the mother.
                statement = replace(statement, relatives=relatives)
            units.append(Unit(start + begin, start + end, number, statement))
    return tuple(units)


def merge_units(text: str, units: Sequence[Unit], speaker: Speaker = "person") -> Statement:
    """What the units of one sentence state together."""
    start, end = units[0].start, units[-1].end
    merged = _read_statement(text[start:end], units[0].statement.frame, speaker, is_opening=True)
    return replace(merged, relatives=frozenset().union(*(unit.statement.relatives for unit in units)))


def _split_unit_spans(sentence: str) -> Iterator[tuple[int, int]]:
    breaks = list(_UNIT_BREAK.finditer(sentence))
    if sentence.endswith("?"):
        breaks = sorted((*breaks, *_QUESTION_AHEAD.finditer(sentence)), key=lambda match: match.start())
    start = 0
    for match in breaks:
        if match.start() > start:
            yield start, match.start()
            start = match.end()
    yield start, len(sentence)


def _read_statement(text: str, frame: Frame, speaker: Speaker, *, is_opening: bool) -> Statement:
    values = find_values(text)
    is_birth = _BIRTH.search(text) is not None
    times = tuple(value for value in values if not is_birth and _is_time(value, text))
    taken = [(value.start, value.end) for value in values]
    folded_text = fold(text)
    matches = [
        match
        for match in _WORD.finditer(text)
        if not any(start < match.end() and match.start() < end for start, end in taken)
    ]
    tokens = [fold(match[0]) for match in matches]
    relatives, self_at = _read_relatives(tokens, POSSESSIVE if speaker == "person" else SECOND_PERSON)
    # A Russian verb needs no "I": живу, работаю.
    is_first_person = speaker == "person" and any(
        has_cyrillic_letters(token) and read_word(token).is_first_person for token in tokens
    )
    mine, yours = (FIRST_PERSON, SECOND_PERSON) if speaker == "person" else (SECOND_PERSON, FIRST_PERSON)
    is_title_case = sum(match[0][0].isupper() for match in matches) > max(len(matches) / 2, 3)
    named = [
        (match, token)
        for at, (match, token) in enumerate(zip(matches, tokens, strict=True))
        if (at or not is_opening) and match[0][0].isupper() and not is_title_case and _may_be_name(match[0], token)
    ]
    names = [token for _, token in named]
    first = matches[0][0] if matches and is_opening else ""
    opens_with = tokens[0] if first[:1].isupper() and _may_be_name(first, tokens[0]) else None
    words = [
        Word(token, concept_of(token)) for token in dict.fromkeys(tokens) if token not in names and _is_content(token)
    ]
    marks = set(_WORD.findall(folded_text)) | set(tokens)
    own_marks = (marks & mine) - _attached(tokens, self_at)
    return Statement(
        frame=frame,
        relatives=relatives,
        is_self=is_first_person or bool(own_marks),
        is_third=bool(marks & THIRD_PERSON),
        is_second=bool(marks & yours),
        values=tuple(value for value in values if value not in times),
        times=times,
        denied=tuple(value for value in values if _DENIED.search(folded_text[: value.start])),
        denied_names=tuple(token for match, token in named if _DENIED.search(folded_text[: match.start()])),
        names=tuple(dict.fromkeys(names)),
        words=tuple(words),
        tokens=tuple(tokens),
        compact=_NOT_ALPHANUMERIC.sub("", folded_text).translate(LOOKALIKES),
        opens_with=opens_with,
        negated=mentions_negation(text),
    )


def _is_time(value: Value, text: str) -> bool:
    """Whether a value only says when or for how long: "since 2010", "for 10 years"."""
    if value.kind == "time" or (value.kind == "date" and not _is_subject_of_date(text)):
        return True
    if value.kind != "number" or value.is_distinctive:
        return False
    is_since = _SINCE.search(fold(text)[: value.start]) is not None
    after = _QUANTITY_OF_TIME.match(text[value.end :]) is not None
    return (value.is_year and is_since) or (after and is_since)


def _is_subject_of_date(text: str) -> bool:
    """Whether a day is what a text is about, and not only its time."""
    return (
        re.search(
            r"(?<!\w)(?:birthday|wedding|marr\w*|anniversary|flight|appointment|exam|deadline|date|surgery|operation|interview|день|жен\w*|"
            r"свадьб\w*|годовщин\w*|рейс\w*|при[её]м\w*|экзамен\w*|срок\w*|дата|операци\w*|собеседовани\w*)(?!\w)",
            text,
            re.IGNORECASE,
        )
        is not None
    )


def _read_relatives(tokens: Sequence[str], owners: frozenset[str]) -> tuple[frozenset[str], frozenset[int]]:
    """The relatives and animals among words, and the places of the "my" that belong to them."""
    relatives, attached = set(), set()
    for at, token in enumerate(tokens):
        concept = relative_of(token) or (concept_of(token) if concept_of(token) in ANIMALS else None)
        if concept is None:
            continue
        relatives.add(concept)
        near = range(max(at - _POSSESSIVE_REACH, 0), min(at + 2, len(tokens)))
        attached |= {n for n in near if tokens[n] in owners}
    return frozenset(relatives), frozenset(attached)


def _attached(tokens: Sequence[str], places: Iterable[int]) -> set[str]:
    """The marks of the person that belong to a relative everywhere they stand."""
    held = set(places)
    by_token: dict[str, bool] = {}
    for at, token in enumerate(tokens):
        by_token[token] = by_token.get(token, True) and at in held
    return {token for token, everywhere in by_token.items() if everywhere}


def _may_be_name(written: str, token: str) -> bool:
    if token in _IGNORED or token in _TITLES:
        return False
    if concept_of(token) is not None or is_light(token) or is_numeric(token) or parse_numeral([token], 0) is not None:
        return False
    # Acronyms such as SIM or TV are words.
    return not (written.isupper() and 1 < len(written) <= 3)


def _is_content(token: str) -> bool:
    if token in _IGNORED or token in _TITLES:
        return False
    return not is_light(token) and not is_contraction(token) and len(token) > 1


@lru_cache(65536)
def _same_word(first: str, second: str) -> bool:
    if first == second:
        return True
    if has_cyrillic_letters(first) != has_cyrillic_letters(second):
        first, second = latin_key(stem(first)), latin_key(stem(second))
        return _share_beginning(first, second, 4)
    return stem(first) == stem(second) or _share_beginning(first, second, 5)


def _share_beginning(first: str, second: str, least: int) -> bool:
    """Whether two words have their first letters in common, and differ in an ending of three letters at most."""
    if first == second:
        return True
    common = common_prefix_length(first, second)
    return common >= least and max(len(first), len(second)) - common <= 3 and common >= min(len(first), len(second)) - 2
