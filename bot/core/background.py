"""Running work beside other work: in the background, both at once, or to its end despite cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")


async def finish_despite_cancellation(work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives. Whoever is cancelled while he waits for it stays until it has ended, and is cancelled then."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


A = TypeVar("A")
B = TypeVar("B")


async def run_both(first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """What both give. When one raises, or the caller is cancelled, the other is cut off."""
    tasks = asyncio.create_task(first), asyncio.create_task(second)
    try:
        await asyncio.gather(*tasks)
        return tasks[0].result(), tasks[1].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def run_in_background(coroutine: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    """Work that goes on while this is open, and is over when it is left."""
    task = asyncio.create_task(_log_failure(coroutine, name), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _log_failure(coroutine: Coroutine[None, None, None], name: str) -> None:
    try:
        await coroutine
    except Exception:
        # The service goes on without it; whoever runs it has to know.
        log.exception("background_task.failed", work=name)
