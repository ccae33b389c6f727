"""The prompt of one turn, within a budget counted by the model's own tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.turns.errors import MessageTooLong
from inference.engine.port import Message, TokenCounter


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
    exchanges: int
    """How many past exchanges it holds."""
    tokens: int


def build_prompt(
    question: str,
    *,
    system: Callable[[Sequence[str]], str],
    memories: Sequence[str],
    window: Sequence[Exchange],
    counter: TokenCounter,
    budget: int,
) -> Prompt:
    """Fit instructions, memories, the recent window and the question into `budget` tokens.

    The question goes in whole or not at all. Memories (best first) come before the window, since they were
    chosen for this question; of the window the latest exchanges stay.

    Args:
        system: writes the system message around the memories it is given.
        window: past exchanges, oldest first.

    Raises:
        MessageTooLong: the question does not fit even alone.
    """

    def assembled(kept: Sequence[str], exchanges: Sequence[Exchange]) -> tuple[Message, ...]:
        past = (
            message
            for exchange in exchanges
            for message in (Message("user", exchange.question), Message("assistant", exchange.answer))
            if message.role == "assistant" or exchange.question
        )
        return (Message("system", system(kept)), *past, Message("user", question))

    bare = counter.count_prompt(assembled((), ()))
    if bare > budget:
        overhead = bare - counter.count(question)
        raise MessageTooLong(tokens=counter.count(question), limit=max(budget - overhead, 0))

    kept = len(memories)
    while kept and counter.count_prompt(assembled(memories[:kept], ())) > budget:
        kept -= 1
    remembered = tuple(memories[:kept])

    start = len(window)
    while start and counter.count_prompt(assembled(remembered, window[start - 1 :])) <= budget:
        start -= 1
    messages = assembled(remembered, window[start:])
    return Prompt(messages, remembered, len(window) - start, counter.count_prompt(messages))
