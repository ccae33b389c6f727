"""What a text says, in a form that can be compared: content words as stems, numbers, and whether it denies."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Final

import snowballstemmer

from bot.recall.library.cite.numerals import DIGITS, is_numeric, numerals
from bot.recall.library.cite.opposites import sides

MOST: Final = 20_000
"""Characters of a text that are read."""

_WORD: Final = re.compile(DIGITS + r"|[^\W\d_]+(?:['’][^\W\d_]+)?")
_CYRILLIC: Final = re.compile(r"[а-я]")
# A vowel that comes and goes in a Russian word's forms: белок and белка, день and дня.
_FLEETING: Final = re.compile(r"(?<=[бвгджзклмнпрстфхцчшщ])[ое](?=[бвгджзклмнпрстфхцчшщ]$)")
_SHORT: Final = re.compile(r"^([бвгджзклмнпрстфхцчшщ]{2})[аеиоуыюя]$")
_DENYING: Final = "not no never none nothing neither nor without cannot не нет ни никогда ничего никто без нельзя"
_GRAMMATICAL: Final = """
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
_COMPARING: Final = "less more fewer later earlier only than меньше менее больше более ниже выше позже раньше только"
_DENIES: Final = frozenset(_DENYING.split())
_BOUNDS: Final = frozenset(_COMPARING.split())
"""After these words a “not” denies nothing: not less than seven."""
_EMPTY: Final = frozenset(_GRAMMATICAL.split()) | _DENIES
_SIGNS: Final = (("%", "процентов", "percent"), ("$", "долларов", "dollars"), ("€", "евро", "euros"))
_STEMMERS: Final = {name: snowballstemmer.stemmer(name) for name in ("russian", "english")}
_LOCK: Final = threading.Lock()
"""A stemmer holds the word it works on."""
_LONGEST_FLEETING: Final = 6


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says."""

    stems: frozenset[str] = frozenset()
    """Of its content words; those that say numbers are not among them."""
    numbers: frozenset[str] = frozenset()
    measures: frozenset[tuple[str, str]] = frozenset()
    """Each number with the stem of the content word right after it; empty where there is none."""
    named: frozenset[tuple[str, str]] = frozenset()
    """Each number with the stem of the content word right before it; empty where there is none."""
    denies: bool = False
    sides: frozenset[tuple[str, str]] = frozenset()
    """Which of two opposites it says (`cite.opposites`)."""


@lru_cache(4096)
def read(text: str) -> Reading:
    """Read a text, Russian or English or both."""
    text = _signs_spelled(text[:MOST].lower().replace("ё", "е"))
    words = [word.replace("’", "'") for word in _WORD.findall(text)]
    found = list(numerals(words))
    spoken = {at for numeral in found for at in range(numeral.start, numeral.end)}
    measures = {(numeral.value, _stem_at(words, numeral.end) if numeral.end not in spoken else "") for numeral in found}
    named = {
        (numeral.value, _stem_at(words, numeral.start - 1) if numeral.start - 1 not in spoken else "")
        for numeral in found
    }
    stems = {stem(word) for at, word in enumerate(words) if at not in spoken and _is_content(word)}
    return Reading(
        frozenset(stems),
        frozenset(numeral.value for numeral in found),
        frozenset(measures),
        frozenset(named),
        any(_denies(word, after) for word, after in zip_longest(words, words[1:], fillvalue="")),
        sides(words, spoken),
    )


@lru_cache(65536)
def stem(word: str) -> str:
    """What the forms of a word have in common."""
    russian = _CYRILLIC.search(word) is not None
    with _LOCK:
        stemmed: str = _STEMMERS["russian" if russian else "english"].stemWord(word.removesuffix("'s"))
    if not russian:
        return stemmed
    # Of a short word the stemmer leaves the ending on.
    stemmed = _SHORT.sub(r"\1", stemmed)
    return _FLEETING.sub("", stemmed) if len(stemmed) <= _LONGEST_FLEETING else stemmed


def _signs_spelled(text: str) -> str:
    """Percents and currencies as words behind their number, as other units are."""
    in_russian = _CYRILLIC.search(text) is not None
    for sign, russian, english in _SIGNS:
        if sign in text:
            word = russian if in_russian else english
            text = re.sub(rf"{re.escape(sign)}\s?({DIGITS})", rf"\1 {word} ", text).replace(sign, f" {word} ")
    return text


def _denies(word: str, after: str) -> bool:
    return (word in _DENIES and after not in _BOUNDS) or word.endswith("n't")


def _stem_at(words: list[str], at: int) -> str:
    return stem(words[at]) if 0 <= at < len(words) and _is_content(words[at]) else ""


def _is_content(word: str) -> bool:
    return word not in _EMPTY and not word.endswith("n't") and not is_numeric(word)
