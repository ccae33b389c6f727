"""The words that tell one group of texts from the others, as a person would name it."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bot.text.language import has_russian_letters
from bot.text.morphology import PartOfSpeech, read_word
from bot.text.numerals import parse_numeral
from bot.text.stop_words import QUESTION_STOP_WORDS, STOP_WORDS
from bot.text.words import fold, stem

_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_PLACEHOLDER: Final = re.compile(r"\[[^\]\n]{2,20} \d+\]|https?://\S+|[@#]\w+")
_STOP_WORDS: Final = STOP_WORDS | QUESTION_STOP_WORDS
_MIN_LETTERS: Final = 3
_MIN_TEXTS: Final = 3
"""Texts of a group that a word must be in."""
_SMOOTHING: Final = 0.5
_MIN_ENGLISH: Final = 4
"""Letters: shorter English words are rarely what something is about."""


@dataclass(frozen=True, slots=True)
class TellingWord:
    """A word of a group."""

    text: str
    """As it is shown: in Russian the dictionary form of a noun, in English the form used most."""
    language: str
    """`ru` or `en`."""


def telling_words(groups: Sequence[Sequence[str]]) -> list[list[TellingWord]]:
    """For each group of texts its words, the most telling first.

    A word counts by how many texts of the group have it, times the logarithm of how much more often that is than in
    the texts of the others.
    """
    forms = _Forms(text for texts in groups for text in texts)
    counts = []
    for texts in groups:
        count: Counter[str] = Counter()
        for text in texts:
            count.update(forms.keys(text))
        counts.append(count)
    total, texts_in_all = sum(counts, Counter[str]()), sum(map(len, groups))
    found = []
    for texts, count in zip(groups, counts, strict=True):
        others = texts_in_all - len(texts)
        scores = {
            key: number * _log_ratio(number, len(texts), total[key] - number, others)
            for key, number in count.items()
            if number >= min(_MIN_TEXTS, len(texts))
        }
        ordered = sorted((key for key in scores if scores[key] > 0), key=lambda key: (-scores[key], key))
        found.append([TellingWord(forms.shown(key), "ru" if has_russian_letters(key) else "en") for key in ordered])
    return found


def _log_ratio(inside: int, texts: int, outside: int, others: int) -> float:
    return math.log(((inside + _SMOOTHING) / (texts + 1)) / ((outside + _SMOOTHING) / (others + 1)))


class _Forms:
    """What the words of some texts are the forms of. Of several nouns it is the one that most of the words can be."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._used: Counter[str] = Counter(word for text in texts for word in _words(text))
        self._lemmas: Counter[str] = Counter()
        for word, number in self._used.items():
            for lemma in _russian_nouns(word):
                self._lemmas[lemma] += number
        self._by_stem: defaultdict[str, list[str]] = defaultdict(list)
        for word in self._used:
            if not has_russian_letters(word):
                self._by_stem[stem(word)].append(word)

    def keys(self, text: str) -> set[str]:
        """What a text's words are counted by."""
        return {key for word in _words(text) if (key := self._key(word))}

    def shown(self, key: str) -> str:
        """How a word is shown."""
        # Of forms used as often the shortest: it is the nearest to the dictionary's.
        forms = self._by_stem.get(key) or [key]
        return min(forms, key=lambda each: (-self._used[each], len(each), each))

    def _key(self, word: str) -> str:
        if not has_russian_letters(word):
            return stem(word) if len(word) >= _MIN_ENGLISH else ""
        return max(_russian_nouns(word), key=lambda each: (self._lemmas[each], self._used[each], each), default="")


def _words(text: str) -> Iterator[str]:
    for found in _WORD.findall(_PLACEHOLDER.sub(" ", fold(text))):
        word = found.removesuffix("'s")
        # What still has an apostrophe is a contraction, such as “doesn't”.
        if len(word) < _MIN_LETTERS or "'" in word or word in _STOP_WORDS:
            continue
        if parse_numeral((word,), 0) is None:
            yield word


@lru_cache(65536)
def _russian_nouns(word: str) -> tuple[str, ...]:
    """The common nouns that a Russian word can be a form of; none where it is as likely a word without content."""
    if not has_russian_letters(word):
        return ()
    read = read_word(word)
    if read.is_proper or PartOfSpeech.FUNCTION in read.parts_of_speech:
        return ()
    return tuple(sorted(lemma for lemma in read.lemmas - _STOP_WORDS if _is_noun(lemma)))


def _is_noun(lemma: str) -> bool:
    read = read_word(lemma)
    return PartOfSpeech.NOUN in read.parts_of_speech and lemma in read.lemmas
