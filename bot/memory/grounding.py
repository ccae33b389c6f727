"""Checks by rules whether a text supports what a model derived from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

MAX_MESSAGE_CHARACTERS = 1500
"""Maximum length of a message that is searched for facts: what comes after it is probably pasted."""
MIN_FACT_COVERAGE = 0.8
"""Share of a fact's content words that must be in the message."""

_WORD: Final = re.compile(r"\w+(?:['’]\w+)?", re.UNICODE)
_FENCED: Final = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_QUOTED_LINE: Final = re.compile(r"^[ \t]*(?:>|&gt;).*$", re.MULTILINE)
_LONG_QUOTATION: Final = re.compile(r"«[^»]{60,}»|“[^”]{60,}”|\"[^\"]{60,}\"")
_URL: Final = re.compile(r"https?://\S+")
_SENTENCE: Final = re.compile(r"[^.!?…\n]+[.!?…]*")
_NUMBER: Final = re.compile(r"\d+")
_NEGATION: Final = re.compile(
    r"(?<!\w)(?:not|no|never|none|nothing|neither|without|cannot|\w+n['’]t|не|нет|ни|никогда|ничего|никто|без|нельзя)(?!\w)",
    re.IGNORECASE,
)
_CHANGE: Final = re.compile(
    r"(?<!\w)(?:no longer|not? (?:any ?more|anymore)|any ?more|now|moved|changed|switched|stopped|quit|gave up|left|"
    r"instead|used to|new|actually|over|finished|ended|recovered|больше не\w*|теперь|уже|переехал\w*|сменил\w*|"
    r"поменял\w*|бросил\w*|перестал\w*|вместо|раньше|нов\w+|закончил\w*|прош[её]л\w*|прошл[аои]|выздоровел\w*|"
    r"на самом деле|уш[её]л|ушл[аи])(?!\w)",
    re.IGNORECASE,
)
_STOP_WORDS_TEXT: Final = """
    a an the and or but if of in on at to for from by with about as is are was were be been being am do does did have
    has had having will would can could should may might must i me my mine myself we us our you your he him his she her
    hers it its they them their this that these those there here who which what when where why how so very too just
    also then than user person not no never
    и в во на с со к ко у о об от до из за по под над для при через а но или что чтобы как это этот эта эти тот та те
    я меня мне мной мой моя моё мои мы нас нам наш наша ты тебя тебе твой вы вас вам ваш он его ему ним она её ей ней
    они их им ним есть был была было были быть буду будет будут бы же ли то так там тут тоже также очень ещё уже
    пользователь пользователя человек человека не нет ни никогда свой своя свою своей
"""
_STOP_WORDS: Final = frozenset(_STOP_WORDS_TEXT.replace("ё", "е").split())


def extract_own_statements(message: str) -> str:
    """A message without code, quotations, links, pasted pages and questions: what the person states in it."""
    for foreign in (_FENCED, _QUOTED_LINE, _LONG_QUOTATION, _URL):
        message = foreign.sub(" ", message)
    return " ".join(" ".join(split_statements(message[:MAX_MESSAGE_CHARACTERS])).split())


def split_statements(text: str) -> list[str]:
    """The sentences of a text without the questions."""
    return [found for one in _SENTENCE.findall(text) if (found := one.strip()) and not found.endswith("?")]


def content_words(text: str) -> list[str]:
    """The words of a text without stop words: lower-case, in order, each once."""
    found = (word.lower().replace("ё", "е").replace("’", "'").removesuffix("'s") for word in _WORD.findall(text))
    return list(dict.fromkeys(word for word in found if word not in _STOP_WORDS))


def is_supported(fact: str, source: str) -> bool:
    """Whether the source states the fact.

    The source has most of the fact's content words in some form and all of its numbers, and its most similar sentence
    is negated if and only if the fact is.
    """
    words = content_words(fact)
    if not words or word_coverage(words, content_words(source)) < MIN_FACT_COVERAGE:
        return False
    if not set(_NUMBER.findall(fact)) <= set(_NUMBER.findall(source)):
        return False
    nearest = max(split_statements(source), key=lambda one: word_coverage(words, content_words(one)), default="")
    return bool(_NEGATION.search(fact)) == bool(_NEGATION.search(nearest))


def word_coverage(words: Sequence[str], available: Iterable[str]) -> float:
    """Share of the words, 0 to 1, that have a form among the available ones."""
    others = list(available)
    return sum(any(is_same_word_form(word, other) for other in others) for word in words) / len(words) if words else 0.0


def is_same_word_form(first: str, second: str) -> bool:
    """Whether two words look like forms of one: at least three first letters are equal, and only the endings differ."""
    if first == second:
        return True
    common = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        common += 1
    shorter = min(len(first), len(second))
    ending = max(len(first), len(second)) - common
    return common >= shorter - 2 and ending <= (3 if common >= 4 else 2 if common == 3 else 0)


def mentions_change(text: str) -> bool:
    """Whether a text has words that say that something has changed or ended."""
    return _CHANGE.search(text) is not None
