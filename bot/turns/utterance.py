"""One generation, to its end or to its deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from bot.turns.errors import GenerationTooSlow
from inference.engine.port import Engine, Finished, GenerationRequest, TextDelta

Hear = Callable[[str], Awaitable[None]]
"""Told each piece of it as it comes."""


async def utter(engine: Engine, request: GenerationRequest, seconds: float, hear: Hear) -> Finished:
    """Have the engine generate, and hear it piece by piece.

    Raises:
        GenerationTooSlow: it was not over by the deadline.
        EngineError: the engine cannot answer.
    """
    try:
        async with asyncio.timeout(seconds), aclosing(engine.generate(request)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    await hear(event.text)
                else:
                    return event
    except TimeoutError:
        raise GenerationTooSlow(seconds) from None
    raise AssertionError("an engine ends every stream with Finished")
