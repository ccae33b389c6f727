"""What a message that goes on asks, put as a whole question: "how often should I squat?", "and deadlift?".

A new subject takes the place of the old one, and a question without a subject gets that of the question before. It is
rough, to be searched with and compared by meaning, and never shown. Russian and English.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final

from bot.text.follow_ups import own_subject, without_opener
from bot.text.prepositions import PREPOSITIONS
from bot.text.pronouns import ALL_PRONOUNS
from bot.text.questions import is_question, words_of
from bot.text.words import word_set

_MAX_SUBJECT_WORDS: Final = 4
"""Of a message that only names another subject."""
_NO_SUBJECT: Final = ALL_PRONOUNS | word_set("""
    if when while because although only even just today tomorrow tonight then later
    если когда пока потому хотя только даже сегодня завтра потом зимой летом весной осенью утром днем вечером ночью дома
    натощак
""")
"""Words with which what is added to a question begins: a condition, a time, a person."""
_POINTING: Final = word_set("""
    it its that this these those they them their one ones then though there so
    он она оно они его ее их ему ей им это этого этому этим этом этот эта эту эти тогда так там
""")
_CONJUNCTION: Final = re.compile(r"^\W*(?:(?:ok|okay|well|and|but|so|а|и|но|ну|ок)\b\W*)+", re.IGNORECASE)
_TAIL: Final = re.compile(r"\W*\b(?:instead|then|too|тогда|вместо|тоже)\W*$|[\W_]+$", re.IGNORECASE)
_MAX_SUBJECTS: Final = 2
_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def as_whole_questions(message: str, before: str) -> tuple[str, ...]:
    """What a message that goes on from a question may ask, as questions of their own; none where it has its subject
    itself, or adds to that of the question before."""
    rest = _TAIL.sub("", without_opener(message))
    if not own_subject(rest):
        return _with_subject(_CONJUNCTION.sub("", message), before)
    words = words_of(rest)
    only_names = len(words) <= _MAX_SUBJECT_WORDS and not is_question(rest)
    if only_names and words[0] not in PREPOSITIONS and words[0] not in _NO_SUBJECT:
        return _in_place_of_subject(rest, before)
    return ()


def _with_subject(rest: str, before: str) -> tuple[str, ...]:
    """A question that names no subject, with that of the one before instead of its pronouns."""
    subject = [word for word in _WORD.findall(before) if own_subject(word)]
    asked = [word for word in _WORD.findall(rest) if word.lower() not in _POINTING]
    return (" ".join([*asked, *subject]),) if subject and asked else ()


def _in_place_of_subject(rest: str, before: str) -> tuple[str, ...]:
    """The question before, where one of its subjects makes way for another."""
    words = list(_WORD.finditer(before))
    runs = [
        (run[0], run[-1])
        for is_subject, group in groupby(words, key=lambda word: bool(own_subject(word[0])))
        if is_subject and (run := list(group))
    ]
    return tuple(f"{before[: first.start()]}{rest}{before[last.end() :]}" for first, last in runs[:_MAX_SUBJECTS])
