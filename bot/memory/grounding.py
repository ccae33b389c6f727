"""Checks by rules whether a text supports what a model derived from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from bot.memory.statements import read_units
from bot.text.framing import frame_of, read_sentences
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
    """What the person states in a message: without code, links, pasted pages, questions, suppositions and the words of
    others."""
    return " ".join(own_sentences(message))


def own_sentences(message: str) -> list[str]:
    """The sentences of `extract_own_statements`. What others are said to have said is among them, with who says it."""
    for foreign in (_FENCED, _URL):
        message = foreign.sub(" ", message)
    return [
        " ".join(sentence.text.split())
        for sentence in read_sentences(message[:MAX_MESSAGE_CHARACTERS])
        if sentence.frame in ("own", "indirect")
    ]


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
    is negated if and only if the fact is, is about the same person, and names who says it only if the fact does.
    """
    words = content_words(fact)
    if not words or word_coverage(words, content_words(source)) < MIN_FACT_COVERAGE:
        return False
    if not set(_NUMBER.findall(fact)) <= set(_NUMBER.findall(source)):
        return False
    nearest = max(split_statements(source), key=lambda one: word_coverage(words, content_words(one)), default="")
    return (
        mentions_negation(fact) == mentions_negation(nearest)
        and (frame_of(nearest) != "indirect" or frame_of(fact) == "indirect")
        and frame_of(fact) not in ("supposed", "reported", "question")
        and _is_about_same_people(fact, nearest)
    )


def _is_about_same_people(fact: str, sentence: str) -> bool:
    """Whether a fact is about those that a sentence is about: "my mother has diabetes" says nothing about "I"."""
    in_fact = {relative for unit in read_units(fact) for relative in unit.statement.relatives}
    units = read_units(sentence)
    in_sentence = {relative for unit in units for relative in unit.statement.relatives}
    return in_fact == in_sentence or (in_fact < in_sentence and any(unit.statement.is_self for unit in units))


def word_coverage(words: Sequence[str], available: Iterable[str]) -> float:
    """Share of the words, 0 to 1, that have a form among the available ones."""
    others = list(available)
    return sum(any(is_same_word_form(word, other) for other in others) for word in words) / len(words) if words else 0.0


def mentions_change(text: str) -> bool:
    """Whether a text has words that say that something has changed or ended."""
    return _CHANGE.search(text) is not None
