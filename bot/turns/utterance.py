"""One generation, to its end or to its deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from bot.turns.errors import GenerationTooSlow
from bot.turns.stops import StopTexts
from inference.engine.port import Engine, Finished, FinishReason, GenerationRequest, TextDelta, Usage

Hear = Callable[[str], Awaitable[None]]
"""Told each piece of it as it comes."""


async def utter(
    engine: Engine, request: GenerationRequest, seconds: float, hear: Hear, stop: Sequence[str] = ()
) -> Finished:
    """Have the engine generate, and hear it piece by piece, up to the first of the texts that stop it.

    Raises:
        GenerationTooSlow: it was not over by the deadline.
        EngineError: the engine cannot answer.
    """
    stops = StopTexts(stop)
    heard = []
    try:
        async with asyncio.timeout(seconds), aclosing(engine.generate(request)) as events:
            async for event in events:
                piece = stops.take(event.text) if isinstance(event, TextDelta) else stops.rest()
                if piece:
                    heard.append(piece)
                    await hear(piece)
                if isinstance(event, Finished):
                    return event
                if stops.found:
                    break
    except TimeoutError:
        raise GenerationTooSlow(seconds) from None
    assert stops.found, "an engine ends every stream with Finished"
    # It was not heard to its end, so nobody but us has counted.
    return await asyncio.to_thread(_counted, engine, request, "".join(heard))


def _counted(engine: Engine, request: GenerationRequest, text: str) -> Finished:
    usage = Usage(engine.tokens.count_prompt(request.messages), engine.tokens.count(text))
    return Finished(FinishReason.STOP, usage)
