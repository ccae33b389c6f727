"""Parses a question for recall: its topic, whose words it asks for, and when they were said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.text.language import has_cyrillic_letters
from bot.text.stop_words import QUESTION_STOP_WORDS
from bot.text.time_expressions import Interval, find_time_expression
from bot.text.words import RUSSIAN_CASE_ENDINGS
from db.memory.memories import Voice

_WORD: Final = re.compile(r"\w+", re.UNICODE)
_NAME_ENDINGS: Final = RUSSIAN_CASE_ENDINGS | {"ёй", "ём", "ою", "ею"}
_ASKED: Final = re.compile(r"(?<!\w)(?:ask(?:ed|ing)?|questions?|спр(?:осил|ашивал)\w*|вопрос\w*)(?!\w)", re.IGNORECASE)
_FIRST_PERSON_WORDS: Final = frozenset(("i", "я"))
_SECOND_PERSON_WORDS: Final = frozenset(("you", "ты", "вы"))


@dataclass(frozen=True, slots=True)
class Question:
    """A parsed question."""

    topic: str
    """The question without speakers' names and times. Empty only if the question is."""
    interval: Interval | None
    """When the memories it asks for were said."""
    time_only: bool
    """Whether it asks for everything from that time, without a topic."""
    speakers: tuple[str, ...]
    """The speaker whose words it asks for, if it names exactly one known speaker."""
    voice: Voice | None
    """Whose words it asks for if it names no speaker: the person's own or the mind's."""
    about_questions: bool = False
    """Whether it asks what was asked."""


def parse_question(text: str, now: datetime, speakers: Sequence[str] = ()) -> Question:
    """Parse a question in Russian or English.

    Args:
        now: when it is asked, with a time zone.
        speakers: the names of the speakers in the person's memories.
    """
    time = find_time_expression(text, now)
    timeless = f"{text[: time.start]} {text[time.end :]}" if time else text
    named = [name for name in speakers if _is_named(name, _WORD.findall(timeless))]
    topic = _collapse_spaces(_remove_names(timeless, named))
    return Question(
        topic=topic if _WORD.search(topic) else _collapse_spaces(text),
        interval=time.interval if time else None,
        time_only=time is not None and all(word in QUESTION_STOP_WORDS for word in _lowercase_words(topic)),
        speakers=tuple(named) if len(named) == 1 else (),
        voice=None if named else _detect_voice(_lowercase_words(text)),
        about_questions=_ASKED.search(text) is not None,
    )


def _detect_voice(words: Iterable[str]) -> Voice | None:
    found = set(words)
    if found & _FIRST_PERSON_WORDS:
        return "person"
    return "mind" if found & _SECOND_PERSON_WORDS else None


def _lowercase_words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _is_named(name: str, words: Iterable[str]) -> bool:
    parts = _WORD.findall(name)
    return any(_is_case_form(word, part) for word in words for part in parts)


def _is_case_form(word: str, name: str) -> bool:
    """Whether a word is a name or, in Russian, one of its cases: Катя, Кати, Кате, Катей."""
    word, name = word.lower(), name.lower()
    if word == name:
        return True
    if len(name) < 3 or not has_cyrillic_letters(name):
        return False
    stem = name[:-1] if name[-1] in "аяйь" else name
    return word.startswith(stem) and word[len(stem) :] in _NAME_ENDINGS


def _remove_names(text: str, names: Sequence[str]) -> str:
    """The text without the names and the possessive ’s after them."""
    parts = [part for name in names for part in _WORD.findall(name)]

    def cut(match: re.Match[str]) -> str:
        return "" if any(_is_case_form(match[1], part) for part in parts) else match[0]

    return re.sub(r"(\w+)(?:['’]s?(?!\w))?", cut, text) if parts else text


def _collapse_spaces(text: str) -> str:
    return " ".join(text.split())
