"""What a text says, in a form that can be compared: content words as stems, numbers, and whether it denies."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Final

import snowballstemmer

from bot.text.numerals import DIGITS_PATTERN, find_numerals, is_numeric
from bot.text.opposites import find_polarities

MAX_CHARACTERS: Final = 20_000
"""Characters of a text that are read."""

_WORD: Final = re.compile(DIGITS_PATTERN + r"|[^\W\d_]+(?:['’][^\W\d_]+)?")
_CYRILLIC: Final = re.compile(r"[а-я]")
# A vowel that comes and goes in a Russian word's forms: белок and белка, день and дня.
_FLEETING_VOWEL: Final = re.compile(r"(?<=[бвгджзклмнпрстфхцчшщ])[ое](?=[бвгджзклмнпрстфхцчшщ]$)")
_SHORT_STEM: Final = re.compile(r"^([бвгджзклмнпрстфхцчшщ]{2})[аеиоуыюя]$")
_NEGATION_TEXT: Final = "not no never none nothing neither nor without cannot не нет ни никогда ничего никто без нельзя"
_FUNCTION_WORDS: Final = """
    a an the and or but if of in on at to for from by with about as is are was were be been being am do does did done
    have has had having will would can could should may might must shall i me my mine myself we us our ours you your
    yours he him his she her hers it its they them their this that these those there here who whom whose which what
    when where why how so very too just also then than only own same such one ones s t each every any some all more
    most many much both between into over under again up down out off because while until during before after
    и в во на с со к ко у о об от до из за по под над для при через а но или что чтобы как этот эта это эти этого этой
    тот та то те того той я меня мне мной мой моя мое мои моего моей мы нас нам нами наш наша наше наши ты тебя тебе
    твой твоя вы вас вам вами ваш ваша ваше вашего он его ему ним нем она ее ей ней они их им ними есть был была было
    были быть буду будет будут бы же ли так там тут здесь тоже также очень уже еще кто где когда почему зачем сколько
    какой какая какое какие каком какую каких такой такая такое такие чем чего кого кому свой своя свое свои своего
    себя себе сам сама сами все всех всем весь вся каждый каждая каждое если лишь только можно надо нужно один одна
    одно одного одной
"""
_COMPARATIVE_TEXT: Final = (
    "less more fewer later earlier only than меньше менее больше более ниже выше позже раньше только"
)
_NEGATIONS: Final = frozenset(_NEGATION_TEXT.split())
_COMPARATIVES: Final = frozenset(_COMPARATIVE_TEXT.split())
"""After these words a “not” denies nothing: not less than seven."""
_STOP_WORDS: Final = frozenset(_FUNCTION_WORDS.split()) | _NEGATIONS
_UNIT_SIGNS: Final = (("%", "процентов", "percent"), ("$", "долларов", "dollars"), ("€", "евро", "euros"))
_STEMMERS: Final = {name: snowballstemmer.stemmer(name) for name in ("russian", "english")}
_STEMMER_LOCK: Final = threading.Lock()
"""A stemmer holds the word it works on."""
_MAX_FLEETING_STEM: Final = 6


@dataclass(frozen=True, slots=True)
class TextFeatures:
    """What a text says."""

    stems: frozenset[str] = frozenset()
    """Of its content words; those that say numbers are not among them."""
    numbers: frozenset[str] = frozenset()
    measures: frozenset[tuple[str, str]] = frozenset()
    """Each number with the stem of the content word right after it; empty where there is none."""
    labels: frozenset[tuple[str, str]] = frozenset()
    """Each number with the stem of the content word right before it; empty where there is none."""
    is_negated: bool = False
    polarities: frozenset[tuple[str, str]] = frozenset()
    """Which of two opposites it says (`cite.opposites`)."""


@lru_cache(4096)
def analyse(text: str) -> TextFeatures:
    """Read a text, Russian or English or both."""
    text = _spell_out_signs(text[:MAX_CHARACTERS].lower().replace("ё", "е"))
    words = [word.replace("’", "'") for word in _WORD.findall(text)]
    found = list(find_numerals(words))
    spoken = {at for numeral in found for at in range(numeral.start, numeral.end)}
    measures = {(numeral.value, _stem_at(words, numeral.end) if numeral.end not in spoken else "") for numeral in found}
    named = {
        (numeral.value, _stem_at(words, numeral.start - 1) if numeral.start - 1 not in spoken else "")
        for numeral in found
    }
    stems = {stem(word) for at, word in enumerate(words) if at not in spoken and _is_content(word)}
    return TextFeatures(
        frozenset(stems),
        frozenset(numeral.value for numeral in found),
        frozenset(measures),
        frozenset(named),
        any(_is_negation(word, after) for word, after in zip_longest(words, words[1:], fillvalue="")),
        find_polarities(words, spoken),
    )


@lru_cache(65536)
def stem(word: str) -> str:
    """What the forms of a word have in common."""
    russian = _CYRILLIC.search(word) is not None
    with _STEMMER_LOCK:
        stemmed: str = _STEMMERS["russian" if russian else "english"].stemWord(word.removesuffix("'s"))
    if not russian:
        return stemmed
    # Of a short word the stemmer leaves the ending on.
    stemmed = _SHORT_STEM.sub(r"\1", stemmed)
    return _FLEETING_VOWEL.sub("", stemmed) if len(stemmed) <= _MAX_FLEETING_STEM else stemmed


def _spell_out_signs(text: str) -> str:
    """Percents and currencies as words behind their number, as other units are."""
    in_russian = _CYRILLIC.search(text) is not None
    for sign, russian, english in _UNIT_SIGNS:
        if sign in text:
            word = russian if in_russian else english
            text = re.sub(rf"{re.escape(sign)}\s?({DIGITS_PATTERN})", rf"\1 {word} ", text).replace(sign, f" {word} ")
    return text


def _is_negation(word: str, after: str) -> bool:
    return (word in _NEGATIONS and after not in _COMPARATIVES) or word.endswith("n't")


def _stem_at(words: list[str], at: int) -> str:
    return stem(words[at]) if 0 <= at < len(words) and _is_content(words[at]) else ""


def _is_content(word: str) -> bool:
    return word not in _STOP_WORDS and not word.endswith("n't") and not is_numeric(word)
