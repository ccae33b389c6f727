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
from bot.core.conversation import detect_message_language
from bot.core.errors import DeliveryError, MessageRefused
from bot.core.i18n import Translator
from bot.core.messages import Address, Incoming
from bot.intake.inbox import Inbox, QueuedTurnParts, Receipt
from bot.turns.metrics import message_refused
from db.errors import DatabaseError, TurnLeaseLost
from db.infra.database import Database

RETRY_SECONDS: Final = 10 * 60.0
"""Seconds for which a message is worth being handed in; a little less than an interaction can be answered."""
MAX_WAITING: Final = 2000
"""Messages that may wait for a database that is away."""
T = TypeVar("T")
_INITIAL_DELAY, _MAX_DELAY = 0.2, 15.0

log = structlog.get_logger(__name__)


class Intake:
    """From a gateway's events to turns that are kept."""

    def __init__(
        self, inbox: Inbox, database: Database, platform: DiscordPlatform, *, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        self.inbox = inbox
        self._database = database
        self._platform = platform
        self._retry_seconds = retry_seconds
        self._locks: dict[tuple[str, str], tuple[asyncio.Lock, int]] = {}
        self._waiting = 0

    async def submit(self, incoming: Incoming, is_previous_version: Callable[[Address], bool] | None = None) -> bool:
        """Have a message taken in, or tell the person why it is not; False when nothing is to be said of it.

        Args:
            changes: of a message that was changed, whether an address was made for what it was.
        """
        async with self._serialized(incoming):
            try:
                if is_previous_version is not None and not await self._retry_while_database_down(
                    incoming, lambda: self.inbox.supersedes_last_question(incoming, is_previous_version)
                ):
                    return False
                receipt = await self._retry_while_database_down(incoming, lambda: self.inbox.receive(incoming))
            except Exception as error:
                message_refused(type(error).__name__)
                if isinstance(error, MessageRefused) and error.is_silent:
                    return False
                await self._send_refusal(incoming, error)
                return True
        if receipt.turns_ahead and receipt.is_new:
            await self._show_queue_position(incoming, receipt)
        return True

    async def _retry_while_database_down(self, incoming: Incoming, work: Callable[[], Awaitable[T]]) -> T:
        """Do it again and again while the database is away."""
        until, pause = time.monotonic() + self._retry_seconds, _INITIAL_DELAY
        while True:
            try:
                return await work()
            except DatabaseError as error:
                if time.monotonic() + pause > until or self._waiting >= MAX_WAITING:
                    raise
                log.warning("discord.intake_retried", update=incoming.update, reason=str(error))
            self._waiting += 1
            try:
                await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311  # not a secret
            finally:
                self._waiting -= 1
            pause = min(2 * pause, _MAX_DELAY)

    async def _send_refusal(self, incoming: Incoming, error: Exception) -> None:
        assert incoming.address is not None
        reply = self._platform.reply(
            incoming.address, _UnrecordedParts(), Translator(detect_message_language(incoming))
        )
        try:
            await reply.finish(self.inbox.refusal_outcome(incoming, error))
        except DeliveryError as failed:
            log.warning("discord.refusal_send_failed", update=incoming.update, reason=str(failed))
        finally:
            await reply.close()

    async def _show_queue_position(self, incoming: Incoming, receipt: Receipt) -> None:
        assert incoming.address is not None
        announcement = QueuedTurnParts(self._database, receipt.turn)
        reply = self._platform.reply(incoming.address, announcement, receipt.conversation.say)
        try:
            await reply.show_queue_position(receipt.turns_ahead)
        except (DeliveryError, DatabaseError, TurnLeaseLost) as error:
            log.info(
                "discord.queue_position_send_failed",
                turn=str(receipt.turn.id),
                reason=str(error) or type(error).__name__,
            )
        finally:
            await reply.close()

    @asynccontextmanager
    async def _serialized(self, incoming: Incoming) -> AsyncIterator[None]:
        key = (incoming.person, incoming.place)
        lock, waiting = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks[key]
            self._locks[key] = (lock, waiting - 1)
            if waiting == 1:
                del self._locks[key]


class _UnrecordedParts:
    """Parts of what is no turn's answer: nobody will look for them."""

    message_ids: Sequence[str] = ()

    async def record(self, n: int, message_id: str) -> None:
        """Nothing is to be written down."""
