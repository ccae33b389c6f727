"""The prompt of one turn, within a budget counted by the model's own tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.core.errors import MessageTooLong
from bot.library.passage import Passage
from bot.minds.quoting import QuotedPassage
from inference.engines.port import Message, TokenCounter

SystemPromptBuilder = Callable[[Sequence[str], Sequence[Passage]], str]
"""Writes the system message around the memories and passages it is given."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A past question and its answer."""

    question: str
    """Empty when the answer came unasked, as a greeting does."""
    answer: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What goes to the engine, and what found room in it."""

    messages: tuple[Message, ...]
    memories: tuple[str, ...]
    passages: tuple[Passage, ...]
    exchanges: int
    """How many past exchanges it holds."""
    tokens: int


def build_prompt(
    question: str,
    *,
    system: SystemPromptBuilder,
    memories: Sequence[str] = (),
    passages: Sequence[Passage] = (),
    window: Sequence[Exchange] = (),
    counter: TokenCounter,
    budget: int,
) -> Prompt:
    """Fit instructions, memories, passages, the recent window and the question into `budget` tokens.

    The question goes in whole or not at all. Memories and passages (best first) come before the window, since they were
    chosen for this question: the passages may take half of what the question leaves, the memories what is left then,
    and the passages what the memories leave. Of the window the latest exchanges stay.

    Args:
        window: past exchanges, oldest first.

    Raises:
        MessageTooLong: the question does not fit even alone.
    """

    def assembled(told: int, quoted: int, exchanges: Sequence[Exchange] = ()) -> tuple[Message, ...]:
        past = (
            message
            for exchange in exchanges
            for message in (Message("user", exchange.question), Message("assistant", exchange.answer))
            if message.role == "assistant" or exchange.question
        )
        return (Message("system", system(memories[:told], passages[:quoted])), *past, Message("user", question))

    def fits(told: int, quoted: int, room: int = budget) -> bool:
        return counter.count_prompt(assembled(told, quoted)) <= room

    bare = counter.count_prompt(assembled(0, 0))
    if bare > budget:
        overhead = bare - counter.count(question)
        raise MessageTooLong(tokens=counter.count(question), limit=max(budget - overhead, 0))

    half = bare + (budget - bare) // 2
    quoted = _count_fitting(len(passages), lambda n: fits(0, n, half if memories else budget))
    told = _count_fitting(len(memories), lambda n: fits(n, quoted))
    if told < len(memories) or quoted < len(passages):
        quoted = max(quoted, _count_fitting(len(passages), lambda n: fits(told, n)))

    start = len(window)
    while start and counter.count_prompt(assembled(told, quoted, window[start - 1 :])) <= budget:
        start -= 1
    messages = assembled(told, quoted, window[start:])
    return Prompt(
        messages,
        tuple(memories[:told]),
        tuple(passages[:quoted]),
        len(window) - start,
        counter.count_prompt(messages),
    )


def quoted_passages(passages: Sequence[Passage]) -> list[QuotedPassage]:
    """Passages as a system prompt shows them, numbered from 1 in their order."""
    return [
        QuotedPassage.from_untrusted(n, passage.trust, passage.title, passage.where, passage.quote)
        for n, passage in enumerate(passages, 1)
    ]


def _count_fitting(limit: int, fits: Callable[[int], bool]) -> int:
    """How many of the first fit."""
    while limit and not fits(limit):
        limit -= 1
    return limit
