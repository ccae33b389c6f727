"""The author's own texts to learn the manner from: what asks for them is made of what they are about."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from bot.text.language import detect_language
from bot.text.morphology import PartOfSpeech, read_word
from bot.text.stop_words import STOP_WORDS
from bot.text.words import fold, stem

MIN_WORDS: Final = 25
"""Of a message that answers nobody: a shorter one is said to somebody, and teaches little without what was before."""
MAX_WORDS: Final = 160
"""Of a part of an article: about as long as an answer may be."""
_MAX_TITLE: Final = 90
_NAMED_WORDS: Final = 3
_MIN_LETTERS: Final = 5
_WORD: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_PLACEHOLDER: Final = re.compile(r"\[[^\]\n]{2,20} \d+\]")
_ASKS: Final = {"ru": "Расскажи: {}", "en": "Tell me: {}"}
_NOTHING_NAMED: Final = {"ru": "Расскажи, о чём думаешь.", "en": "Tell me what is on your mind."}


def ask_for(text: str, title: str = "") -> str:
    """A question to which a text could be the answer: by its title, else by its most telling words.

    Different texts get different questions, because a question with many answers would teach none of them.
    """
    language = detect_language(title or text) or "en"
    if title:
        return title if title.endswith("?") else _ASKS[language].format(title[:_MAX_TITLE])
    words = [word for word in _WORD.findall(_PLACEHOLDER.sub(" ", text)) if _is_telling(word)]
    counts = Counter(stem(fold(word)) for word in words)
    chosen: dict[str, str] = {}
    for word in sorted(words, key=lambda word: (-counts[stem(fold(word))], -len(word))):
        chosen.setdefault(stem(fold(word)), word)
    named = list(chosen.values())[:_NAMED_WORDS]
    if not named:
        return _NOTHING_NAMED[language]
    return _ASKS[language].format(", ".join(sorted((word.lower() for word in named), key=text.lower().find)))


def split_title(text: str) -> tuple[str, str]:
    """The title of a post and the rest, where the first line is short and stands apart; else none and the whole."""
    first, gap, rest = text.partition("\n\n")
    is_title = gap and "\n" not in first and len(first) <= _MAX_TITLE and len(rest.split()) >= MIN_WORDS
    return (first.strip("*_# "), rest.strip()) if is_title else ("", text)


def _is_telling(word: str) -> bool:
    """Whether a word says what a text is about: in Russian a noun, in English any that is long enough."""
    if len(word) < _MIN_LETTERS or fold(word) in STOP_WORDS:
        return False
    parts = read_word(fold(word)).parts_of_speech
    return not parts or parts == {PartOfSpeech.NOUN}
