"""Updates of one chat one after another, those of different chats at once, within a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
from aiogram.types import Update

from db.errors import DatabaseError

_INITIAL_RETRY_DELAY: Final = 0.5
_MAX_RETRY_DELAY: Final = 10.0

log = structlog.get_logger(__name__)


def ordering_key(update: Update) -> int:
    """Updates of one lane keep their order: those of a chat."""
    event = update.event
    for holder in (event, getattr(event, "message", None)):
        chat = getattr(holder, "chat", None)
        if chat is not None:
            return int(chat.id)
    person = getattr(event, "from_user", None)
    return int(person.id) if person is not None else 0


async def dispatch_updates(
    updates: Sequence[Update], handle: Callable[[Update], Awaitable[None]], concurrency: int
) -> None:
    """Take every update in; returns when all are.

    Args:
        at_once: chats whose updates are taken in at the same time.
    """
    lanes: dict[int, list[Update]] = {}
    for update in updates:
        lanes.setdefault(ordering_key(update), []).append(update)
    free = asyncio.Semaphore(concurrency)

    async def drive(lane: Sequence[Update]) -> None:
        async with free:
            for update in lane:
                await _handle_with_retry(update, handle)

    async with asyncio.TaskGroup() as group:
        for lane in lanes.values():
            group.create_task(drive(lane))


async def _handle_with_retry(update: Update, handle: Callable[[Update], Awaitable[None]]) -> None:
    pause = _INITIAL_RETRY_DELAY
    while True:
        try:
            await handle(update)
            return
        except DatabaseError as error:
            log.warning("telegram.update_deferred", update=update.update_id, reason=str(error), pause=pause)
        except Exception:
            log.exception("telegram.update_dropped", update=update.update_id)
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, _MAX_RETRY_DELAY)
