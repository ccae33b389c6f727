"""An engine that says what it is told to, when it is told to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from inference.adapters.usage import AdapterRef
from inference.engines.port import (
    Finished,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    Message,
    TextDelta,
    ThoughtDelta,
    Usage,
)


class Words:
    """Counts words as if they were tokens."""

    def count(self, text: str) -> int:
        return len(text.split())

    def count_prompt(self, messages: Sequence[Message]) -> int:
        return sum(self.count(message.content) for message in messages)


@dataclass
class ScriptedEngine:
    """Answers each question with the pieces kept for it, or the usual ones."""

    pieces: Sequence[str] = ("Rest", " and", " sleep.")
    answers: dict[str, Sequence[str]] = field(default_factory=dict)
    thought: str = ""
    """What it thinks before every answer, if it may."""
    between: float = 0.0
    """Seconds before each piece."""
    held_after: int | None = None
    """So many pieces come, and the rest only once `go` is set."""
    go: asyncio.Event = field(default_factory=asyncio.Event)
    fails_after: int | None = None
    """So many pieces come, and then something nobody has foreseen."""
    asked: list[str] = field(default_factory=list)
    """Every question, as often as it was generated for."""
    ended: dict[str, float] = field(default_factory=dict)
    """When the answer to a question was last whole, on the monotonic clock."""
    cut_off: int = 0
    """Answers that were not read to their end."""
    tokenizer: Words = field(default_factory=Words)
    context_tokens: int = 8192
    max_rank: int | None = None

    async def start(self) -> None:
        """Nothing to start."""

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        question = request.messages[-1].content
        self.asked.append(question)
        pieces = self.answers.get(question, self.pieces)
        try:
            if self.thought and request.thinks:
                yield ThoughtDelta(self.thought)
            for n, piece in enumerate(pieces):
                if n == self.fails_after:
                    raise RuntimeError("the engine broke")
                if n == self.held_after:
                    await self.go.wait()
                if self.between:
                    await asyncio.sleep(self.between)
                yield TextDelta(piece)
            if self.held_after is not None and self.held_after >= len(pieces):
                await self.go.wait()
            self.ended[question] = time.monotonic()
            yield Finished(FinishReason.STOP, Usage(3, len(pieces)))
        except (asyncio.CancelledError, GeneratorExit):
            self.cut_off += 1
            raise

    async def score(self, messages: Sequence[Message], continuation: str, adapter: AdapterRef | None = None) -> None:
        raise NotImplementedError

    async def load_adapter(self, adapter: AdapterRef, *, pinned: bool = False) -> None:
        """Everything is warm."""

    async def unload_adapter(self, name: str) -> None:
        """Nothing is held."""

    async def close(self) -> None:
        """Nothing to release."""
