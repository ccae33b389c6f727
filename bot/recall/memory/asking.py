"""Asking the engine for a small JSON document, and bearing that none comes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from consilium.errors import ConsiliumError
from inference.engine.port import Engine, Finished, FinishReason, GenerationRequest, Message, Sampling, TextDelta

log = structlog.get_logger(__name__)

M = TypeVar("M", bound=BaseModel)


async def written(
    engine: Engine,
    messages: Sequence[Message],
    form: type[M],
    schema: Mapping[str, Any],
    *,
    max_tokens: int,
    seconds: float,
) -> M | None:
    """What the engine's base model writes in the form asked for; None when it fails, is cut off or takes too long."""
    sampling = Sampling(max_tokens=max_tokens, temperature=0, top_p=1, repetition_penalty=1)
    request = GenerationRequest(tuple(messages), None, sampling, schema)
    pieces: list[str] = []
    reason = FinishReason.CANCELLED
    try:
        async with asyncio.timeout(seconds), aclosing(engine.generate(request)) as events:
            async for event in events:
                match event:
                    case TextDelta(text):
                        pieces.append(text)
                    case Finished():
                        reason = event.reason
        if reason is FinishReason.STOP:
            return form.model_validate_json("".join(pieces))
        log.info("memory.not_written", form=form.__name__, reason=reason)
    except (ConsiliumError, ValidationError, TimeoutError) as error:
        log.info("memory.not_written", form=form.__name__, reason=str(error) or type(error).__name__)
    return None
