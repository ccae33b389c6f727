"""Checks by rules whether a text supports what a model derived from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from bot.text.negation import mentions_negation
from bot.text.sentences import split_at_marks
from bot.text.stop_words import STATEMENT_STOP_WORDS
from bot.text.words import fold, is_same_word_form

MAX_MESSAGE_CHARACTERS = 1500
"""Maximum length of a message that is searched for facts: what comes after it is probably pasted."""
MIN_FACT_COVERAGE = 0.8
"""Share of a fact's content words that must be in the message."""

_WORD: Final = re.compile(r"\w+(?:['’]\w+)?", re.UNICODE)
_FENCED: Final = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_QUOTED_LINE: Final = re.compile(r"^[ \t]*(?:>|&gt;).*$", re.MULTILINE)
_LONG_QUOTATION: Final = re.compile(r"«[^»]{60,}»|“[^”]{60,}”|\"[^\"]{60,}\"")
_URL: Final = re.compile(r"https?://\S+")
_NUMBER: Final = re.compile(r"\d+")
_CHANGE: Final = re.compile(
    r"(?<!\w)(?:no longer|not? (?:any ?more|anymore)|any ?more|now|moved|changed|switched|stopped|quit|gave up|left|"
    r"instead|used to|new|actually|over|finished|ended|recovered|больше не\w*|теперь|уже|переехал\w*|сменил\w*|"
    r"поменял\w*|бросил\w*|перестал\w*|вместо|раньше|нов\w+|закончил\w*|прош[её]л\w*|прошл[аои]|выздоровел\w*|"
    r"на самом деле|уш[её]л|ушл[аи])(?!\w)",
    re.IGNORECASE,
)


def extract_own_statements(message: str) -> str:
    """A message without code, quotations, links, pasted pages and questions: what the person states in it."""
    for foreign in (_FENCED, _QUOTED_LINE, _LONG_QUOTATION, _URL):
        message = foreign.sub(" ", message)
    return " ".join(" ".join(split_statements(message[:MAX_MESSAGE_CHARACTERS])).split())


def split_statements(text: str) -> list[str]:
    """The sentences of a text without the questions."""
    return [sentence for sentence in split_at_marks(text) if not sentence.endswith("?")]


def content_words(text: str) -> list[str]:
    """The words of a text without stop words: folded, in order, each once."""
    found = (fold(word).removesuffix("'s") for word in _WORD.findall(text))
    return list(dict.fromkeys(word for word in found if word not in STATEMENT_STOP_WORDS))


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
    return mentions_negation(fact) == mentions_negation(nearest)


def word_coverage(words: Sequence[str], available: Iterable[str]) -> float:
    """Share of the words, 0 to 1, that have a form among the available ones."""
    others = list(available)
    return sum(any(is_same_word_form(word, other) for other in others) for word in words) / len(words) if words else 0.0


def mentions_change(text: str) -> bool:
    """Whether a text has words that say that something has changed or ended."""
    return _CHANGE.search(text) is not None
