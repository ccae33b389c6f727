"""An engine that writes what the test says, and keeps what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

from inference.engines.errors import EngineUnavailable
from inference.engines.port import (
    Finished,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    Message,
    TextDelta,
    TokenCounter,
    Usage,
)


@dataclass
class Scribe:
    """Gives the answers in turn, the last of them for ever."""

    answers: list[str] = field(default_factory=lambda: ['{"facts": []}'])
    reason: FinishReason = FinishReason.STOP
    away: bool = False
    """Whether it cannot be reached."""
    stuck: bool = False
    """Whether it never ends an answer."""
    requests: list[GenerationRequest] = field(default_factory=list)
    context_tokens: int = 4096
    max_rank: int | None = None

    @property
    def tokenizer(self) -> TokenCounter:
        raise NotImplementedError

    async def start(self) -> None: ...

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        self.requests.append(request)
        if self.away:
            raise EngineUnavailable(url="http://scribe", reason="away")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        yield TextDelta(answer[: len(answer) // 2])
        if self.stuck:
            await asyncio.Event().wait()
        yield TextDelta(answer[len(answer) // 2 :])
        yield Finished(self.reason, Usage(1, 1))

    async def score(self, messages: Sequence[Message], continuation: str, adapter: object = None) -> Any:
        raise NotImplementedError

    async def load_adapter(self, adapter: object, *, pinned: bool = False) -> None: ...

    async def unload_adapter(self, name: str) -> None: ...

    async def close(self) -> None: ...
