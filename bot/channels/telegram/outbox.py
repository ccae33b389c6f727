"""Bot API calls that show something: rate-limited, and repeated after failures where repeating is harmless."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramMigrateToChat
from aiogram.methods import DeleteMessage, TelegramMethod

from bot.channels.telegram.client import map_telegram_errors
from bot.channels.telegram.formatting import FormattedText
from bot.channels.telegram.messages import (
    OutgoingMessage,
    Place,
    build_draft,
    build_edit_message,
    build_send_document,
    build_send_message,
    build_typing_action,
)
from bot.channels.telegram.rate_limiter import Priority, RateLimiter
from bot.core.errors import DeliveryError, PermanentDeliveryError, TemporaryDeliveryError
from bot.core.messages import File
from consilium.retry import Backoff, BackoffConfig

T = TypeVar("T")

RETRY_BACKOFF: Final = BackoffConfig(initial=0.5, maximum=4.0)
"""Before a call that failed in transit is repeated."""
MAX_RETRIES: Final = 4
"""Repetitions of one call that failed in transit."""
MAX_RATE_LIMIT_WAIT: Final = 90.0
"""Seconds in all that Telegram may ask one call to wait; a call that would wait longer fails."""
_PROGRESS_TIMEOUT: Final = 5
"""Seconds for a call that shows progress. If it is lost, the next one shows more."""
_NOT_MODIFIED: Final = "message is not modified"
_NOT_EDITABLE: Final = ("message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID")

log = structlog.get_logger(__name__)


class Outbox:
    """Sends, edits and deletes messages of the bot."""

    def __init__(
        self,
        bot: Bot,
        rate_limiter: RateLimiter,
        *,
        backoff: BackoffConfig = RETRY_BACKOFF,
        max_retries: int = MAX_RETRIES,
    ) -> None:
        self.bot = bot
        self._rate_limiter = rate_limiter
        self._backoff = backoff
        self._max_retries = max_retries
        self._migrated_chats: dict[int, int] = {}
        """New ids of groups that have become supergroups, by their old ids."""

    def record_migration(self, old_id: int, new_id: int) -> None:
        """A group has become a supergroup with another id; calls for the old one go there."""
        self._migrated_chats[old_id] = new_id

    async def acquire_slot(self, place: Place, priority: Priority, *, counts_in_chat: bool = True) -> None:
        """Wait until the rate limits allow a call in a chat; make that call with `has_slot`."""
        await self._rate_limiter.acquire(self._chat_id(place), priority, counts_in_chat=counts_in_chat)

    async def send(self, place: Place, message: OutgoingMessage, priority: Priority, *, has_slot: bool = False) -> int:
        """Send a message and return its id.

        Raises:
            TemporaryDeliveryError: it may have been sent nevertheless.
            PermanentDeliveryError: Telegram refuses it.
        """
        sent = await self._call(
            place, lambda chat: build_send_message(chat, place, message), priority, has_slot=has_slot
        )
        return sent.message_id

    async def edit(
        self, place: Place, message_id: int, message: OutgoingMessage, priority: Priority, *, has_slot: bool = False
    ) -> bool:
        """Change a message; False when it does not exist any more or cannot be edited.

        A message whose entities Telegram refuses is shown without formatting.

        Raises:
            DeliveryError: the message was not changed, as far as is known.
        """
        try:
            await self._call(
                place, lambda chat: build_edit_message(chat, message_id, message), priority, has_slot=has_slot
            )
        except PermanentDeliveryError as error:
            reason = str(error)
            if any(description in reason for description in _NOT_EDITABLE):
                return False
            if "entit" in reason.casefold() and message.formatted.spans:
                log.warning("telegram.formatting_rejected", reason=error)
                unformatted = replace(message, formatted=FormattedText(message.formatted.text))
                return await self.edit(place, message_id, unformatted, priority)
            if _NOT_MODIFIED not in reason:
                raise
        return True

    async def send_document(self, place: Place, file: File) -> int:
        """Send a file and return the id of its message.

        Not repeated after a failure: unlike an answer, a file has no placeholder, so the file could appear twice.

        Raises:
            DeliveryError: it was not sent, as far as is known.
        """
        sent = await self._call(
            place, lambda chat: build_send_document(chat, place, file), Priority.FINAL, retry_failures=False
        )
        return sent.message_id

    async def delete(self, place: Place, message_id: int) -> None:
        """Delete a message; a failure is only logged."""
        try:
            await self._call(
                place,
                lambda chat: DeleteMessage(chat_id=chat, message_id=message_id),
                Priority.INTERACTIVE,
                counts_in_chat=False,
            )
        except DeliveryError as error:
            log.info("telegram.delete_failed", reason=error)

    async def show_draft(self, place: Place, formatted: FormattedText, *, has_slot: bool = False) -> None:
        """Show a draft with a Stop button in a private chat.

        Raises:
            DeliveryError: it is not shown.
        """
        await self._call(
            place,
            lambda chat: build_draft(chat, place, formatted),
            Priority.PROGRESS,
            has_slot=has_slot,
            counts_in_chat=False,
        )

    async def show_typing(self, place: Place) -> None:
        """Show for about five seconds that the bot is typing.

        Raises:
            DeliveryError: it is not shown.
        """
        await self._call(place, lambda chat: build_typing_action(chat, place), Priority.PROGRESS, counts_in_chat=False)

    async def call(self, method: TelegramMethod[T], priority: Priority = Priority.INTERACTIVE) -> T:
        """Make any other call.

        Raises:
            DeliveryError: the call failed.
            PlatformAccessDenied: Telegram does not accept the bot's token.
        """
        return await self._call(None, lambda _: method, priority, counts_in_chat=False)

    def _chat_id(self, place: Place | None) -> int | None:
        return None if place is None else self._migrated_chats.get(place.chat, place.chat)

    async def _call(
        self,
        place: Place | None,
        build_method: Callable[[int], TelegramMethod[T]],
        priority: Priority,
        *,
        has_slot: bool = False,
        counts_in_chat: bool = True,
        retry_failures: bool = True,
    ) -> T:
        """Make a call within the rate limits, and repeat it after failures that may pass.

        A call that shows progress is not repeated: the next one shows more.

        Args:
            build_method: makes the call for a chat's id; the id may change between attempts.
            has_slot: whether `acquire_slot` was called for it already.
            counts_in_chat: whether it counts against the limits of its chat.
            retry_failures: whether it is repeated after a failure that leaves open whether Telegram carried it out.

        Raises:
            DeliveryError: the call failed.
            PlatformAccessDenied: Telegram does not accept the bot's token.
        """
        is_progress = priority is Priority.PROGRESS
        retries_left = self._max_retries if retry_failures and not is_progress else 0
        backoff, rate_limit_wait = Backoff(self._backoff), 0.0
        while True:
            if not has_slot:
                await self._rate_limiter.acquire(self._chat_id(place), priority, counts_in_chat=counts_in_chat)
            has_slot = False
            try:
                with map_telegram_errors():
                    return await self.bot(
                        build_method(self._chat_id(place) or 0),
                        request_timeout=_PROGRESS_TIMEOUT if is_progress else None,
                    )
            except TelegramMigrateToChat as error:
                assert place is not None
                self.record_migration(place.chat, error.migrate_to_chat_id)
            except TemporaryDeliveryError as error:
                if error.retry_after:
                    # The rate limiter makes the next attempt wait.
                    self._rate_limiter.apply_retry_after(self._chat_id(place), error.retry_after)
                    rate_limit_wait += error.retry_after
                    log.warning("telegram.rate_limited", chat=self._chat_id(place), seconds=error.retry_after)
                    if is_progress or rate_limit_wait > MAX_RATE_LIMIT_WAIT:
                        raise
                    continue
                if retries_left == 0:
                    raise
                retries_left -= 1
                delay = backoff.next_delay()
                log.info("telegram.call_retried", reason=error, delay=delay)
                await asyncio.sleep(delay)
