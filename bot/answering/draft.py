"""An answer while it is generated, and the outcome it becomes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from bot.answering.history import without_sources
from bot.answering.prompt import Prompt
from bot.core.messages import Outcome, Source
from bot.core.tool_steps import asked_calls, steps_to_json, with_new_id
from bot.library.passage import Passage
from db.infra.text import clean_text
from db.turns.states import GeneratedAnswer
from db.turns.turns import Turn
from inference.adapters.usage import AdapterRef
from inference.engines.port import FinishReason, Message, ToolCall, Usage

AUTHOR, ARCHIVIST = "author", "archivist"
"""The two voices."""


@dataclass(slots=True, kw_only=True)
class Draft:
    """All that is known of an answer so far. It stays valid when the turn ends early."""

    mode: str
    adapter: AdapterRef | None = None
    prompt: Prompt | None = None
    pieces: list[str] = field(default_factory=list)
    """The text shown, with its citation marks."""
    spoken: dict[str, list[str]] = field(default_factory=dict)
    """The text of each voice as the engine generated it, by voice."""
    cited: Sequence[Passage] = ()
    """The passages that the marks stand for: the first is number 1."""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    routing: Mapping[str, Any] | None = None
    """What `auto` compared; None when the person chose the mode."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds of each stage that is over."""
    started_at: dict[str, float] = field(default_factory=dict)
    """When each timed stage began, in seconds since 1970."""
    steps: Sequence[Message] = ()
    """Calls of the client's tools and their results, from which the answer goes on."""
    tool_calls: list[ToolCall] = field(default_factory=list)
    """Calls that the answer asks for."""
    goes_on: bool = False
    """Whether it goes on from a beginning that the client has: white space may belong between the two."""

    @property
    def text(self) -> str:
        """The answer so far."""
        text = "".join(self.pieces)
        return text.rstrip() if self.goes_on else text.strip()

    @property
    def sources(self) -> list[Source]:
        """The passages that the answer cites, numbered as its marks are."""
        return [Source(n, passage.title, passage.where, passage.quote) for n, passage in enumerate(self.cited, 1)]

    @property
    def voices(self) -> Mapping[str, str] | None:
        """The text of each voice; None when the answer is the author's text and nothing else."""
        voices = {voice: clean_text("".join(pieces).strip()) for voice, pieces in self.spoken.items()}
        return None if voices == {AUTHOR: self.text} or not voices else voices

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Measure how long a stage takes."""
        self.started_at[stage] = time.time()
        began = time.monotonic()
        try:
            yield
        finally:
            self.timings[stage] = time.monotonic() - began

    def add_call(self, call: ToolCall) -> None:
        """Add a call of a tool that was generated."""
        self.tool_calls.append(with_new_id(call))

    def add_spoken(self, voice: str, piece: str) -> None:
        """Add the next piece of a voice's text."""
        self.spoken.setdefault(voice, []).append(piece)

    def add_usage(self, usage: Usage) -> None:
        """Add the tokens of one generation."""
        before = self.usage or Usage(0, 0)
        self.usage = Usage(
            before.prompt_tokens + usage.prompt_tokens, before.completion_tokens + usage.completion_tokens
        )

    def to_generated_answer(self) -> GeneratedAnswer:
        """The answer as it is saved; `finish_reason` must be set."""
        assert self.finish_reason is not None
        return GeneratedAnswer(
            self.text,
            str(self.finish_reason),
            self.usage.prompt_tokens if self.usage else None,
            self.usage.completion_tokens if self.usage else None,
            sources=[asdict(source) for source in self.sources],
            recalled=self.prompt.memories if self.prompt else (),
            voices=self.voices,
            timings=self.timings,
            routing=self.routing,
            tool_steps=steps_to_json(self._all_steps),
        )

    @property
    def _all_steps(self) -> Sequence[Message]:
        asking = [Message("assistant", self.text, tool_calls=tuple(self.tool_calls))] if self.tool_calls else []
        return [*self.steps, *asking]

    def outcome(self, turn: Turn) -> Outcome:
        """The outcome of `turn` with this answer."""
        usage = self.usage
        return Outcome(
            mode=self.mode,
            answer=self.text,
            turn=str(turn.id),
            adapter=self.adapter.name if self.adapter else None,
            sources=self.sources,
            memories=self.prompt.memories if self.prompt else (),
            usage={"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens} if usage else {},
            stopped=self.finish_reason is FinishReason.CANCELLED,
            finish_reason=str(self.finish_reason) if self.finish_reason else None,
            tool_calls=tuple(self.tool_calls),
        )


def stored_outcome(turn: Turn) -> Outcome:
    """The outcome of a turn whose answer was saved by an earlier attempt."""
    usage = {"prompt_tokens": turn.prompt_tokens, "completion_tokens": turn.completion_tokens}
    return Outcome(
        mode=turn.mode or "",
        answer=turn.answer or "",
        turn=str(turn.id),
        adapter=turn.adapter,
        sources=sources_of(turn),
        memories=turn.recalled,
        usage={name: count for name, count in usage.items() if count is not None},
        stopped=turn.finish_reason == FinishReason.CANCELLED,
        finish_reason=turn.finish_reason,
        tool_calls=asked_calls(turn.tool_steps),
    )


def sources_of(turn: Turn) -> list[Source]:
    """The passages that the answer of a turn cites."""
    return [Source(**source) for source in turn.sources]


def author_text(turn: Turn) -> str:
    """The author's text in a turn, without marks, quotations and the other voice. The model sees it in later turns."""
    return (turn.voices or {}).get(AUTHOR) or without_sources(turn.answer or "")
