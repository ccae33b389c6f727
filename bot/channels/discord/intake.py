"""Submits messages to the inbox, in order for each person in each place, and again during a database outage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import structlog

from bot.channels.discord.pastes import has_pastes, read_pastes
from bot.channels.discord.platform import PLATFORM, DiscordPlatform
from bot.channels.discord.quotations import QuotedMessage
from bot.core.conversation import detect_message_language
from bot.core.errors import DeliveryError, MessageRefused
from bot.core.i18n import Translator
from bot.core.messages import Address, Incoming
from bot.intake.inbox import Inbox, Receipt
from bot.intake.queued_turn_parts import QueuedTurnParts
from bot.intake.redelivery import Redelivery
from bot.turns.metrics import message_refused
from consilium.errors import ConsiliumError
from consilium.retry import BackoffConfig, retry
from db.errors import DatabaseError, DatabaseUnavailable, TurnLeaseLost
from db.infra.database import Database

RETRY_SECONDS: Final = 10 * 60.0
"""Seconds for which a message is submitted again; a little less than an interaction can be answered."""
MAX_PENDING: Final = 2000
"""Messages that may be pending at once: when more are, a database error is final."""
MAX_UNEXPECTED: Final = 4
"""Repetitions after errors that are not the database's."""
_BACKOFF: Final = BackoffConfig(0.2, maximum=15.0, jitter=0.3)

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Intake:
    """Turns a gateway's messages into stored turns, or tells the person why not."""

    def __init__(
        self, inbox: Inbox, database: Database, platform: DiscordPlatform, *, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        self.inbox = inbox
        self._database = database
        self._platform = platform
        self._retry_seconds = retry_seconds
        self._redelivery = Redelivery(database, PLATFORM)
        self._locks: dict[tuple[str, str], tuple[asyncio.Lock, int]] = {}
        self._pending = 0

    async def submit(
        self,
        incoming: Incoming,
        is_previous_version: Callable[[Address], bool] | None = None,
        quoted: Sequence[QuotedMessage] = (),
    ) -> bool:
        """Submit a message, or tell the person why it is refused.

        Args:
            quoted: what it quotes, with the pasted texts that are still to be downloaded.
            is_previous_version: given for an edited message; whether a turn's address belongs to an earlier version of
                it. The message is submitted only if it replaces the session's last question.

        Returns:
            Whether the message is answered at all: False when it replaces nothing or is refused silently.
        """
        async with self._serialized(incoming):
            try:
                if has_pastes(incoming, quoted):
                    incoming = await read_pastes(incoming, quoted, self._platform.fetch)
                if is_previous_version is not None and not await self._retry_during_outage(
                    incoming, lambda: self.inbox.supersedes_last_question(incoming, is_previous_version)
                ):
                    return False
                receipt = await self._retry_during_outage(incoming, lambda: self.inbox.receive(incoming))
            except Exception as error:
                message_refused(type(error).__name__)
                if isinstance(error, MessageRefused) and error.is_silent:
                    return False
                is_refusal = isinstance(error, ConsiliumError) and not isinstance(error, DatabaseError)
                reason = error if is_refusal else await self._redelivery.bury(incoming.update or "", error)
                await self._send_refusal(incoming, reason)
                return True
        if receipt.turns_ahead and receipt.is_new:
            await self._show_queue_position(incoming, receipt)
        return True

    async def _retry_during_outage(self, incoming: Incoming, operation: Callable[[], Awaitable[T]]) -> T:
        """Do it again while the database is unavailable, and a few times after an unexpected error.

        Discord delivers nothing twice: what is not stored in the end is lost, and its sender is told.
        """
        unexpected = 0

        def before_sleep(error: Exception, _delay: float) -> None:
            nonlocal unexpected
            may_pass = isinstance(error, DatabaseUnavailable)
            unexpected += not may_pass
            is_refusal = isinstance(error, ConsiliumError) and not isinstance(error, DatabaseError)
            if is_refusal or self._pending > MAX_PENDING or unexpected > MAX_UNEXPECTED:
                raise error
            log.warning("discord.intake_retried", update=incoming.update, reason=error)

        self._pending += 1
        try:
            return await retry(
                operation,
                on=Exception,
                backoff=_BACKOFF,
                give_up_after=self._retry_seconds,
                before_sleep=before_sleep,
            )
        finally:
            self._pending -= 1

    async def _send_refusal(self, incoming: Incoming, error: Exception) -> None:
        assert incoming.address is not None
        reply = self._platform.reply(
            incoming.address, _UnrecordedParts(), Translator(detect_message_language(incoming))
        )
        try:
            await reply.finish(self.inbox.refusal_outcome(incoming, error))
        except DeliveryError as failure:
            log.warning("discord.refusal_send_failed", update=incoming.update, reason=failure)
        finally:
            await reply.close()

    async def _show_queue_position(self, incoming: Incoming, receipt: Receipt) -> None:
        assert incoming.address is not None
        parts = QueuedTurnParts(self._database, receipt.turn)
        reply = self._platform.reply(incoming.address, parts, receipt.conversation.say)
        try:
            await reply.show_queue_position(receipt.turns_ahead)
        except (DeliveryError, DatabaseError, TurnLeaseLost) as error:
            log.info("discord.queue_position_send_failed", turn=str(receipt.turn.id), reason=error)
        finally:
            await reply.close()

    @asynccontextmanager
    async def _serialized(self, incoming: Incoming) -> AsyncIterator[None]:
        """Wait for earlier messages of the same person in the same place."""
        key = (incoming.person, incoming.place)
        lock, holders = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, holders + 1)
        try:
            async with lock:
                yield
        finally:
            lock, holders = self._locks[key]
            self._locks[key] = (lock, holders - 1)
            if holders == 1:
                del self._locks[key]


class _UnrecordedParts:
    """The messages of a refusal, which belong to no turn: no later attempt looks for them."""

    message_ids: Sequence[str] = ()

    async def ensure_held(self, *, now: bool = False) -> None:
        pass

    async def record(self, n: int, message_id: str, *, patience: float | None = None) -> None:
        """Nothing to record."""
