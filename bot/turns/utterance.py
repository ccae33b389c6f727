"""One generation, to its end or to its deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from bot.turns.errors import GenerationTooSlow
from bot.turns.stops import StopTextFilter
from inference.engine.port import Engine, Finished, FinishReason, GenerationRequest, TextDelta, Usage

OnPiece = Callable[[str], Awaitable[None]]
"""Told each piece of it as it comes."""


async def generate(
    engine: Engine,
    request: GenerationRequest,
    timeout_seconds: float,
    on_piece: OnPiece,
    stop_texts: Sequence[str] = (),
) -> Finished:
    """Have the engine generate, and hear it piece by piece, up to the first of the texts that stop it.

    Raises:
        GenerationTooSlow: it was not over by the deadline.
        EngineError: the engine cannot answer.
    """
    stops = StopTextFilter(stop_texts)
    heard = []
    try:
        async with asyncio.timeout(timeout_seconds), aclosing(engine.generate(request)) as events:
            async for event in events:
                piece = stops.feed(event.text) if isinstance(event, TextDelta) else stops.flush()
                if piece:
                    heard.append(piece)
                    await on_piece(piece)
                if isinstance(event, Finished):
                    return event
                if stops.stopped:
                    break
    except TimeoutError:
        raise GenerationTooSlow(timeout_seconds) from None
    assert stops.stopped, "an engine ends every stream with Finished"
    # It was not heard to its end, so nobody but us has counted.
    return await asyncio.to_thread(_count_usage, engine, request, "".join(heard))


def _count_usage(engine: Engine, request: GenerationRequest, text: str) -> Finished:
    usage = Usage(engine.tokenizer.count_prompt(request.messages), engine.tokenizer.count(text))
    return Finished(FinishReason.STOP, usage)
