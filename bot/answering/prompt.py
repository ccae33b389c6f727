"""The prompt of one turn, within a budget counted by the model's own tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.core.errors import MessageTooLong
from bot.library.passage import Passage
from bot.minds.quoting import QuotedPassage
from inference.engines.port import Message, TokenCounter

SystemPromptBuilder = Callable[[Sequence[str], Sequence[Passage]], str]
"""Writes the system message around memories and passages."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A past question and its answer."""

    question: str
    """Empty when the answer came without a question, as a greeting does."""
    answer: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages for the engine, and what they have room for."""

    messages: tuple[Message, ...]
    memories: tuple[str, ...]
    """Those in the system message."""
    passages: tuple[Passage, ...]
    """Those in the system message, in the order of their numbers."""
    exchanges: int
    """How many past exchanges it has."""
    tokens: int


def build_prompt(
    question: str,
    *,
    quotations: str = "",
    system: SystemPromptBuilder,
    memories: Sequence[str] = (),
    passages: Sequence[Passage] = (),
    window: Sequence[Exchange] = (),
    counter: TokenCounter,
    budget: int,
) -> Prompt:
    """Fit instructions, memories, passages, the recent window and the question into `budget` tokens.

    The question is never shortened, and its quotations only if they do not fit with nothing else in the prompt.
    Memories and passages come before the window, since they were chosen for this question: passages get half of the
    tokens that the question leaves, memories get what remains, and what the memories leave goes to the passages again.
    The window keeps its latest exchanges.

    Args:
        quotations: what the question quotes, as it stands before it.
        memories: best first.
        passages: best first.
        window: past exchanges, oldest first.

    Raises:
        MessageTooLong: the question does not fit even alone.
    """
    asked = question

    def assemble(memory_count: int, passage_count: int, exchanges: Sequence[Exchange] = ()) -> tuple[Message, ...]:
        past = (
            message
            for exchange in exchanges
            for message in (Message("user", exchange.question), Message("assistant", exchange.answer))
            if message.role == "assistant" or exchange.question
        )
        instructions = system(memories[:memory_count], passages[:passage_count])
        return (Message("system", instructions), *past, Message("user", asked))

    def fits(memory_count: int, passage_count: int, limit: int = budget) -> bool:
        return counter.count_prompt(assemble(memory_count, passage_count)) <= limit

    bare = counter.count_prompt(assemble(0, 0))
    if bare > budget:
        overhead = bare - counter.count(question)
        raise MessageTooLong(tokens=counter.count(question), limit=max(budget - overhead, 0))

    if quotations:
        instructions = Message("system", system((), ()))

        def fits_alone(text: str) -> bool:
            return counter.count_prompt((instructions, Message("user", text))) <= budget

        asked = _with_quotations(question, quotations, fits_alone)
        bare = counter.count_prompt(assemble(0, 0))
    half = bare + (budget - bare) // 2
    passage_count = _count_fitting(len(passages), lambda n: fits(0, n, half if memories else budget))
    memory_count = _count_fitting(len(memories), lambda n: fits(n, passage_count))
    if memory_count < len(memories) or passage_count < len(passages):
        passage_count = max(passage_count, _count_fitting(len(passages), lambda n: fits(memory_count, n)))

    start = len(window)
    while start and counter.count_prompt(assemble(memory_count, passage_count, window[start - 1 :])) <= budget:
        start -= 1
    messages = assemble(memory_count, passage_count, window[start:])
    return Prompt(
        messages=messages,
        memories=tuple(memories[:memory_count]),
        passages=tuple(passages[:passage_count]),
        exchanges=len(window) - start,
        tokens=counter.count_prompt(messages),
    )


def quoted_passages(passages: Sequence[Passage]) -> list[QuotedPassage]:
    """Passages as a system prompt shows them, numbered from 1 in their order."""
    return [
        QuotedPassage.from_untrusted(n, passage.trust, passage.title, passage.where, passage.quote)
        for n, passage in enumerate(passages, 1)
    ]


def with_quotations(question: str, quotations: str) -> str:
    """A question behind what it quotes."""
    return "\n\n".join(part for part in (quotations, question) if part)


def _with_quotations(question: str, quotations: str, fits: Callable[[str], bool]) -> str:
    """A question behind as much of what it quotes as fits."""
    text = with_quotations(question, quotations)
    while quotations and not fits(text):
        quotations = quotations[: len(quotations) * 3 // 4].rstrip()
        text = with_quotations(question, f"{quotations}…" if quotations else "")
    return text


def _count_fitting(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to `limit` that fits."""
    while limit and not fits(limit):
        limit -= 1
    return limit
