"""Work that outlives its caller's cancellation, or runs in the background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger(__name__)


async def finish_despite_cancellation(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`. A caller that is cancelled meanwhile stays until the work has ended."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


@asynccontextmanager
async def run_in_background(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    """Run `work` beside the body of the context manager, and cancel it at the end. A failure is logged, not raised."""
    task = asyncio.create_task(_log_failure(work, name), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _log_failure(work: Coroutine[None, None, None], name: str) -> None:
    try:
        await work
    except Exception:
        # The service goes on without it; its operator has to know.
        log.exception("background_task.failed", work=name)
