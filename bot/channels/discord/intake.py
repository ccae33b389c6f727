"""Hands what came in to the inbox: in order for each person in each place, again while the database is away."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import structlog

from bot.channels.discord.platform import DiscordPlatform
from bot.channels.errors import DeliveryError
from bot.channels.port import Address, Incoming
from bot.locales import Translator
from bot.turns.announcement import Announcement
from bot.turns.conversation import heard_language
from bot.turns.errors import MessageRefused
from bot.turns.inbox import Inbox, Receipt
from bot.turns.metrics import message_refused
from db.database import Database
from db.errors import DatabaseError

LIFE: Final = 10 * 60.0
"""Seconds for which a message is worth being handed in; a little less than an interaction can be answered."""
MOST_WAITING: Final = 2000
"""Messages that may wait for a database that is away."""
T = TypeVar("T")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 15.0

log = structlog.get_logger(__name__)


class Intake:
    """From a gateway's events to turns that are kept."""

    def __init__(self, inbox: Inbox, database: Database, platform: DiscordPlatform, *, life: float = LIFE) -> None:
        self.inbox = inbox
        self._database = database
        self._platform = platform
        self._life = life
        self._order: dict[tuple[str, str], tuple[asyncio.Lock, int]] = {}
        self._waiting = 0

    async def take(self, incoming: Incoming, changes: Callable[[Address], bool] | None = None) -> bool:
        """Have a message taken in, or tell the person why it is not; False when nothing is to be said of it.

        Args:
            changes: of a message that was changed, whether an address was made for what it was.
        """
        async with self._in_order(incoming):
            try:
                if changes is not None and not await self._patiently(
                    incoming, lambda: self.inbox.supersedes(incoming, changes)
                ):
                    return False
                receipt = await self._patiently(incoming, lambda: self.inbox.receive(incoming))
            except Exception as error:
                message_refused(type(error).__name__)
                if isinstance(error, MessageRefused) and error.is_silent:
                    return False
                await self._refuse(incoming, error)
                return True
        if receipt.ahead and receipt.is_new:
            await self._show_place(incoming, receipt)
        return True

    async def _patiently(self, incoming: Incoming, work: Callable[[], Awaitable[T]]) -> T:
        """Do it again and again while the database is away."""
        until, pause = time.monotonic() + self._life, _FIRST_PAUSE
        while True:
            try:
                return await work()
            except DatabaseError as error:
                if time.monotonic() + pause > until or self._waiting >= MOST_WAITING:
                    raise
                log.warning("discord.not_taken_in", update=incoming.update, reason=str(error))
            self._waiting += 1
            try:
                await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311  # not a secret
            finally:
                self._waiting -= 1
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _refuse(self, incoming: Incoming, error: Exception) -> None:
        assert incoming.address is not None
        reply = self._platform.reply(incoming.address, _Unwritten(), Translator(heard_language(incoming)))
        try:
            await reply.finish(self.inbox.refusal(incoming, error))
        except DeliveryError as failed:
            log.warning("discord.refusal_not_shown", update=incoming.update, reason=str(failed))
        finally:
            await reply.close()

    async def _show_place(self, incoming: Incoming, receipt: Receipt) -> None:
        assert incoming.address is not None
        announcement = Announcement(self._database, receipt.turn)
        reply = self._platform.reply(incoming.address, announcement, receipt.conversation.say)
        try:
            await reply.queue(receipt.ahead)
        except (DeliveryError, DatabaseError) as error:
            log.info("discord.place_not_shown", turn=str(receipt.turn.id), reason=str(error) or type(error).__name__)
        finally:
            await reply.close()

    @asynccontextmanager
    async def _in_order(self, incoming: Incoming) -> AsyncIterator[None]:
        key = (incoming.person, incoming.place)
        lock, waiting = self._order.get(key, (asyncio.Lock(), 0))
        self._order[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._order[key]
            self._order[key] = (lock, waiting - 1)
            if waiting == 1:
                del self._order[key]


class _Unwritten:
    """Parts of what is no turn's answer: nobody will look for them."""

    known: Sequence[str] = ()

    async def record(self, n: int, message_id: str) -> None:
        """Nothing is to be written down."""
