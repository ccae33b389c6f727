"""How updates are handled side by side.

Updates of one chat are handled in order, different chats at the same time; side work runs in background tasks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

import structlog
from aiogram.types import Update

from consilium.retry import BackoffConfig, retry

MAX_BACKGROUND_TASKS: Final = 1000
"""Background tasks that may run at the same time; more are dropped."""
_RETRY_BACKOFF: Final = BackoffConfig(initial=0.5, maximum=10.0)
"""Between attempts to handle an update."""

UpdateCallback = Callable[[Update], Awaitable[None]]

log = structlog.get_logger(__name__)


def ordering_key(update: Update) -> int:
    """Updates with the same key keep their order: the id of the chat, else of the person, else 0."""
    event = update.event
    for holder in (event, getattr(event, "message", None)):
        chat = getattr(holder, "chat", None)
        if chat is not None:
            return int(chat.id)
    person = getattr(event, "from_user", None)
    return int(person.id) if person is not None else 0


async def dispatch_updates(updates: Sequence[Update], handle: UpdateCallback, concurrency: int) -> None:
    """Handle every update, and return when all of them are handled.

    An update whose handling fails is tried again, and the later ones of its chat wait: `handle` gives up by itself what
    can never be handled (`bot.intake.redelivery`).

    Args:
        concurrency: chats whose updates are handled at the same time.
    """
    lanes: dict[int, list[Update]] = {}
    for update in updates:
        lanes.setdefault(ordering_key(update), []).append(update)
    slots = asyncio.Semaphore(concurrency)

    async def handle_lane(lane: Sequence[Update]) -> None:
        async with slots:
            for update in lane:
                await _handle_with_retry(update, handle)

    async with asyncio.TaskGroup() as group:
        for lane in lanes.values():
            group.create_task(handle_lane(lane))


async def _handle_with_retry(update: Update, handle: UpdateCallback) -> None:
    def log_retry(error: Exception, delay: float) -> None:
        log_deferred(update, error, delay)

    await retry(lambda: handle(update), on=Exception, backoff=_RETRY_BACKOFF, before_sleep=log_retry)


def log_deferred(update: Update, error: Exception, delay: float | None = None) -> None:
    """An update was not handled, and will be again."""
    log.warning("telegram.update_deferred", update=update.update_id, reason=error, delay=delay)


class BackgroundTasks:
    """Tasks that must not hold up the handling of updates: they may be slow, and they may be lost."""

    def __init__(self, limit: int = MAX_BACKGROUND_TASKS) -> None:
        self._limit = limit
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it in the background; drop it when too many run already."""
        if len(self._tasks) >= self._limit:
            log.warning("telegram.background_task_dropped", running=len(self._tasks))
            coroutine.close()
            return
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    async def close(self) -> None:
        """Cancel all that still run."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("telegram.background_task_failed", exc_info=error)
