"""Shows what is being done about a document, in the message that will hold the answer."""

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
"""Seconds between two updates; platforms limit how often a message is edited."""
INITIAL_DELAY: Final = 1.0
"""Seconds until the first update: work that ends sooner shows none, which saves the platform a call."""
_FINISH_TIMEOUT: Final = 10.0
"""Seconds that a call in progress may take to end: it must not overtake what is shown next."""

log = structlog.get_logger(__name__)


class DocumentProgress:
    """Shows the latest status while other work goes on."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._latest = ""
        self._updated = asyncio.Event()
        self._finished = asyncio.Event()

    def update(self, text: str) -> None:
        """Set the status to show."""
        if text != self._latest:
            self._latest = text
            self._updated.set()

    @asynccontextmanager
    async def showing(self) -> AsyncIterator[None]:
        """Show the status while this context is open."""
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
                # The document is ingested all the same; only the final answer has to be shown.
                log.info("document.status_update_failed", reason=error)
            await self._wait_or_finished(UPDATE_INTERVAL)

    async def _wait_or_finished(self, seconds: float) -> None:
        """Wait `seconds`, or until the work has finished."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._finished.wait()
