"""Asks the engine for a small JSON document of a given schema."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from consilium.errors import ConsiliumError
from inference.engines.port import Engine, Finished, FinishReason, GenerationRequest, Message, Sampling, TextDelta

log = structlog.get_logger(__name__)

ModelT = TypeVar("ModelT", bound=BaseModel)


async def generate_structured(
    engine: Engine,
    messages: Sequence[Message],
    model: type[ModelT],
    schema: Mapping[str, Any],
    *,
    max_tokens: int,
    timeout_seconds: float,
) -> ModelT | None:
    """What the engine's base model writes, as `model`; None if it fails, is cut off or takes too long.

    Args:
        schema: the JSON Schema that the output satisfies; narrower than the one of `model` where that helps the engine.
        max_tokens: of the output.
    """
    sampling = Sampling(max_tokens=max_tokens, temperature=0, top_p=1, repetition_penalty=1)
    request = GenerationRequest(tuple(messages), None, sampling, schema)
    deltas: list[str] = []
    reason = FinishReason.CANCELLED
    try:
        async with asyncio.timeout(timeout_seconds), aclosing(engine.generate(request)) as events:
            async for event in events:
                match event:
                    case TextDelta(text):
                        deltas.append(text)
                    case Finished():
                        reason = event.reason
        if reason is FinishReason.STOP:
            return model.model_validate_json("".join(deltas))
        log.info("memory.generation_failed", form=model.__name__, reason=reason)
    except (ConsiliumError, ValidationError, TimeoutError) as error:
        log.info("memory.generation_failed", form=model.__name__, reason=error)
    return None
