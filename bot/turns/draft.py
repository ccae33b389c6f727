"""An answer while it is made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.channels.port import Outcome
from bot.turns.prompt import Prompt
from db.turn_states import Answered
from db.turns import Turn
from inference.engine.port import AdapterRef, FinishReason, Usage


@dataclass(slots=True)
class Draft:
    """Whatever ends the turn, this much is known of it."""

    mode: str
    adapter: AdapterRef | None = None
    prompt: Prompt | None = None
    pieces: list[str] = field(default_factory=list)
    finish: FinishReason | None = None
    usage: Usage | None = None
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds of each stage that is over."""
    began: dict[str, float] = field(default_factory=dict)
    """When each stage that is timed began, in seconds since 1970."""

    @property
    def text(self) -> str:
        return "".join(self.pieces).strip()

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note how long a stage takes."""
        self.began[stage] = time.time()
        began = time.monotonic()
        try:
            yield
        finally:
            self.timings[stage] = time.monotonic() - began

    def answered(self) -> Answered:
        """What is kept of it once it is made."""
        assert self.finish is not None
        return Answered(
            self.text,
            str(self.finish),
            self.usage.prompt_tokens if self.usage else None,
            self.usage.completion_tokens if self.usage else None,
            recalled=self.prompt.memories if self.prompt else (),
            timings=self.timings,
        )

    def outcome(self, turn: Turn) -> Outcome:
        usage = self.usage
        return Outcome(
            mode=self.mode,
            answer=self.text,
            turn=str(turn.id),
            adapter=self.adapter.name if self.adapter else None,
            memories=self.prompt.memories if self.prompt else (),
            usage={"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens} if usage else {},
            stopped=self.finish is FinishReason.CANCELLED,
            finish=str(self.finish) if self.finish else None,
        )


def outcome_of(turn: Turn) -> Outcome:
    """The outcome of a turn whose answer was kept before it was shown."""
    usage = {"prompt_tokens": turn.prompt_tokens, "completion_tokens": turn.completion_tokens}
    return Outcome(
        mode=turn.mode or "",
        answer=turn.answer or "",
        turn=str(turn.id),
        adapter=turn.adapter,
        memories=turn.recalled,
        usage={name: count for name, count in usage.items() if count is not None},
        stopped=turn.finish_reason == FinishReason.CANCELLED,
        finish=turn.finish_reason,
    )
