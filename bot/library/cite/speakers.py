"""Transcripts: which sentences a speaker says, so that "Boris says that he …" is compared with what Boris says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from bot.text.words import is_same_word_form

MIN_TURNS: Final = 2
"""Turns that a transcript has at least: one name with a colon may introduce anything."""
_LABEL: Final = re.compile(r"\s*[-–—*]*\s*([A-ZА-ЯЁ][\w.'’-]{0,30}(?: [A-ZА-ЯЁ][\w.'’-]{0,30})?):\s+(?=\S)")
_SAYS: Final = re.compile(
    r"([A-ZА-ЯЁ][\w.'’-]*(?: [A-ZА-ЯЁ][\w.'’-]*)?),?\s+"
    r"(?:says|said|states|stated|explains|explained|mentions|mentioned|"
    r"adds|added|notes|noted|tells us|replies|replied|answers|answered|"
    r"говорит|сказала?|рассказывает|рассказала?|отвечает|"
    r"ответила?|замечает|заметила?|отмечает|отметила?|поясняет|пояснила?|добавляет|добавила?)"
    r"(?:\s+that\b|\s*,\s*что\b|\s*:)?,?\s+(.+)",
    re.DOTALL,
)


def turns_by_speaker(sentences: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The sentences of each speaker of a transcript; empty for any other text."""
    turns: dict[str, list[str]] = {}
    speaker = ""
    labels = 0
    for sentence in sentences:
        match = _LABEL.match(sentence)
        if match:
            speaker, labels = match[1], labels + 1
        if speaker:
            turns.setdefault(speaker, []).append(sentence[match.end() :] if match else sentence)
    return turns if labels >= MIN_TURNS else {}


def reported_speech(statement: str) -> tuple[str, str] | None:
    """Who says something, by the statement, and what; None where nobody is named first."""
    match = _SAYS.match(statement)
    return (match[1], match[2]) if match else None


def find_speaker(name: str, turns: Mapping[str, Sequence[str]]) -> str | None:
    """The speaker of a transcript with a name, also in another form of it."""
    return next((speaker for speaker in turns if is_same_word_form(speaker.lower(), name.lower())), None)
