"""What is done beside taking updates in, and must not hold them up: it may be slow, and it may be lost."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import structlog

MAX_TASKS: Final = 1000
"""Errands at once; more are not run."""

log = structlog.get_logger(__name__)


class BackgroundTasks:
    """Tasks that have an owner."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it beside all else."""
        if len(self._tasks) >= MAX_TASKS:
            log.warning("telegram.background_task_dropped", errands=len(self._tasks))
            coroutine.close()
            return
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    async def close(self) -> None:
        """Cut off what still runs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("telegram.background_task_failed", exc_info=error)
