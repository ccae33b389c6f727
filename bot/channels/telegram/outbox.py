"""Calls of the Bot API that show something: each in its turn, tried again where that is harmless."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
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

T = TypeVar("T")

RETRY_DELAYS: Final = (0.5, 1.0, 2.0, 4.0)
"""Seconds before a call that failed on its way is made again."""
MAX_RATE_LIMIT_WAIT: Final = 90.0
"""Seconds that Telegram may ask to wait until the answer is put back instead."""
_PROGRESS_TIMEOUT: Final = 5
"""Seconds for a call that the next one makes good."""
_NOT_MODIFIED: Final = "message is not modified"
_NOT_EDITABLE: Final = ("message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID")

log = structlog.get_logger(__name__)


class Outbox:
    """Shows messages of the bot."""

    def __init__(self, bot: Bot, rate_limiter: RateLimiter, retry_delays: Sequence[float] = RETRY_DELAYS) -> None:
        self.bot = bot
        self._rate_limiter = rate_limiter
        self._retry_delays = retry_delays
        self._migrated_chats: dict[int, int] = {}
        """Groups that have become supergroups."""

    def record_migration(self, old_id: int, new_id: int) -> None:
        """A group has become a supergroup, with another id."""
        self._migrated_chats[old_id] = new_id

    async def acquire_slot(self, place: Place, priority: Priority, *, counts_in_chat: bool = True) -> None:
        """Wait for a turn in a chat; the next call is told that it has been `granted`."""
        await self._rate_limiter.acquire(self._chat_id(place), priority, counts_in_chat=counts_in_chat)

    async def send(self, place: Place, message: OutgoingMessage, priority: Priority, *, has_slot: bool = False) -> int:
        """Send a message; its id.

        Raises:
            TemporaryDeliveryError: it may have been sent nevertheless.
            PermanentDeliveryError: it has not been and will not be.
        """
        sent = await self._call(
            place, lambda chat: build_send_message(chat, place, message), priority, has_slot=has_slot
        )
        return sent.message_id

    async def edit(
        self, place: Place, message_id: int, message: OutgoingMessage, priority: Priority, *, has_slot: bool = False
    ) -> bool:
        """Make a message show something else; False when it is not there any more.

        Raises:
            DeliveryError: it does not show it.
        """
        try:
            await self._call(
                place, lambda chat: build_edit_message(chat, message_id, message), priority, has_slot=has_slot
            )
        except PermanentDeliveryError as error:
            said = str(error)
            if any(words in said for words in _NOT_EDITABLE):
                return False
            if "entit" in said.casefold() and message.formatted.spans:
                log.warning("telegram.formatting_rejected", reason=said)
                bare = replace(message, formatted=FormattedText(message.formatted.text))
                return await self.edit(place, message_id, bare, priority)
            if _NOT_MODIFIED not in said:
                raise
        return True

    async def send_document(self, place: Place, file: File) -> int:
        """Send a file; its message's id. A file has no empty message to go before it: sent again, it is there twice.

        Raises:
            DeliveryError: it has not been sent, as far as is known.
        """
        sent = await self._call(place, lambda chat: build_send_document(chat, place, file), Priority.FINAL, retry=False)
        return sent.message_id

    async def delete(self, place: Place, message_id: int) -> None:
        """Take a message away, if it can be."""
        try:
            await self._call(
                place,
                lambda chat: DeleteMessage(chat_id=chat, message_id=message_id),
                Priority.INTERACTIVE,
                counts_in_chat=False,
            )
        except DeliveryError as error:
            log.info("telegram.delete_failed", reason=str(error))

    async def show_draft(self, place: Place, formatted: FormattedText, *, has_slot: bool = False) -> None:
        """Show in a private chat what is being written, with a button to stop it.

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
        """Say that something is being written.

        Raises:
            DeliveryError: nobody is told.
        """
        await self._call(place, lambda chat: build_typing_action(chat, place), Priority.PROGRESS, counts_in_chat=False)

    async def call(self, method: TelegramMethod[T], priority: Priority = Priority.INTERACTIVE) -> T:
        """Make any other call, in its turn.

        Raises:
            DeliveryError: it could not be made.
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
        retry: bool = True,
    ) -> T:
        """Make a call in its turn, and again where it failed on its way; what may come later is made once.

        Raises:
            DeliveryError: it could not be made.
        """
        timeout = _PROGRESS_TIMEOUT if priority is Priority.PROGRESS else None
        left = iter(self._retry_delays if retry and priority is not Priority.PROGRESS else ())
        waited = 0.0
        while True:
            if not has_slot:
                await self._rate_limiter.acquire(self._chat_id(place), priority, counts_in_chat=counts_in_chat)
            has_slot = False
            try:
                with map_telegram_errors():
                    return await self.bot(build_method(self._chat_id(place) or 0), request_timeout=timeout)
            except TelegramMigrateToChat as error:
                assert place is not None
                self.record_migration(place.chat, error.migrate_to_chat_id)
            except TemporaryDeliveryError as error:
                if error.retry_after:
                    self._rate_limiter.apply_retry_after(self._chat_id(place), error.retry_after)
                    waited += error.retry_after
                    log.warning("telegram.rate_limited", chat=self._chat_id(place), seconds=error.retry_after)
                    if priority is Priority.PROGRESS or waited > MAX_RATE_LIMIT_WAIT:
                        raise
                    continue
                pause = next(left, None)
                if pause is None:
                    raise
                log.info("telegram.call_retried", reason=str(error), pause=pause)
                await asyncio.sleep(pause)
