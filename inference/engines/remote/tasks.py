"""Waiting for work that others wait for as well."""

from __future__ import annotations

import asyncio

from inference.engines.errors import EngineStopped


async def wait_shielded(task: asyncio.Task[None]) -> None:
    """Wait for a task; a caller who is cancelled leaves it to the others.

    Raises:
        EngineStopped: the task was cancelled, which only the engine's end does.
    """
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        caller = asyncio.current_task()
        if caller is not None and caller.cancelling():
            raise
        raise EngineStopped from None


async def cancel_all(tasks: list[asyncio.Task[None]]) -> None:
    """End tasks, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
