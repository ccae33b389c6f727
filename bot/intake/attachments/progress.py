"""What is being done about a document, shown now and then in the message that will have the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from bot.core.errors import ChannelError
from bot.core.ports import Reply
from db.errors import DatabaseError, TurnLeaseLost

UPDATE_INTERVAL: Final = 2.0
"""Seconds between two looks; platforms take no more edits of a message for long."""
INITIAL_DELAY: Final = 1.0
"""Seconds until anything is shown: what takes no longer has its end at once, and a platform one call less."""
_FINISH_TIMEOUT: Final = 10.0
"""Seconds that a call which is being made is let end in: it must not overtake what is shown next."""

log = structlog.get_logger(__name__)


class DocumentProgress:
    """Shows the latest of what it is told, beside the work."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._latest = ""
        self._updated = asyncio.Event()
        self._finished = asyncio.Event()

    def update(self, text: str) -> None:
        """This is being done now."""
        if text != self._latest:
            self._latest = text
            self._updated.set()

    @asynccontextmanager
    async def showing(self) -> AsyncIterator[None]:
        """Show it as long as this is open."""
        task = asyncio.create_task(self._show(), name="document-progress")
        try:
            yield
        finally:
            self._finished.set()
            self._updated.set()
            await asyncio.wait([task], timeout=_FINISH_TIMEOUT)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _show(self) -> None:
        await self._wait_or_finished(INITIAL_DELAY)
        while True:
            await self._updated.wait()
            if self._finished.is_set():
                return
            self._updated.clear()
            try:
                await self._reply.show_status(self._latest)
            except (ChannelError, DatabaseError, TurnLeaseLost) as error:
                # The document is taken in all the same; that the end cannot be shown is said then.
                log.info("document.progress_not_shown", reason=str(error) or type(error).__name__)
            await self._wait_or_finished(UPDATE_INTERVAL)

    async def _wait_or_finished(self, seconds: float) -> None:
        """Wait so long, or until it is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._finished.wait()
