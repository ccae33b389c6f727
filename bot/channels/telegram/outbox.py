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

from bot.channels.errors import DeliveryError, DeliveryFailed, Undeliverable
from bot.channels.port import File
from bot.channels.telegram.client import telegram_errors
from bot.channels.telegram.formatted import Formatted
from bot.channels.telegram.methods import Page, acting, drafting, editing, handing, sending
from bot.channels.telegram.pacing import Pacer, Urgency
from bot.channels.telegram.place import Place

T = TypeVar("T")

PAUSES: Final = (0.5, 1.0, 2.0, 4.0)
"""Seconds before a call that failed on its way is made again."""
LONGEST_WAIT: Final = 90.0
"""Seconds that Telegram may ask to wait until the answer is put back instead."""
_BRIEF: Final = 5
"""Seconds for a call that the next one makes good."""
_UNCHANGED: Final = "message is not modified"
_GONE: Final = ("message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID")

log = structlog.get_logger(__name__)


class Outbox:
    """Shows messages of the bot."""

    def __init__(self, bot: Bot, pacer: Pacer, pauses: Sequence[float] = PAUSES) -> None:
        self.bot = bot
        self._pacer = pacer
        self._pauses = pauses
        self._moved: dict[int, int] = {}
        """Groups that have become supergroups."""

    def moved(self, chat: int, to: int) -> None:
        """A group has become a supergroup, with another id."""
        self._moved[chat] = to

    async def turn(self, place: Place, urgency: Urgency, *, message: bool = True) -> None:
        """Wait for a turn in a chat; the next call is told that it has been `granted`."""
        await self._pacer.turn(self._chat(place), urgency, message=message)

    async def send(self, place: Place, page: Page, urgency: Urgency, *, granted: bool = False) -> int:
        """Send a message; its id.

        Raises:
            DeliveryFailed: it may have been sent nevertheless.
            Undeliverable: it has not been and will not be.
        """
        sent = await self._call(place, lambda chat: sending(chat, place, page), urgency, granted=granted)
        return sent.message_id

    async def edit(self, place: Place, message_id: int, page: Page, urgency: Urgency, *, granted: bool = False) -> bool:
        """Make a message show something else; False when it is not there any more.

        Raises:
            DeliveryError: it does not show it.
        """
        try:
            await self._call(place, lambda chat: editing(chat, message_id, page), urgency, granted=granted)
        except Undeliverable as error:
            said = str(error)
            if any(words in said for words in _GONE):
                return False
            if "entit" in said.casefold() and page.content.spans:
                log.warning("telegram.looks_refused", reason=said)
                bare = replace(page, content=Formatted(page.content.text))
                return await self.edit(place, message_id, bare, urgency)
            if _UNCHANGED not in said:
                raise
        return True

    async def document(self, place: Place, file: File) -> int:
        """Send a file; its message's id. A file has no empty message to go before it: sent again, it is there twice.

        Raises:
            DeliveryError: it has not been sent, as far as is known.
        """
        sent = await self._call(place, lambda chat: handing(chat, place, file), Urgency.FINAL, again=False)
        return sent.message_id

    async def delete(self, place: Place, message_id: int) -> None:
        """Take a message away, if it can be."""
        try:
            await self._call(
                place,
                lambda chat: DeleteMessage(chat_id=chat, message_id=message_id),
                Urgency.SOON,
                message=False,
            )
        except DeliveryError as error:
            log.info("telegram.not_deleted", reason=str(error))

    async def draft(self, place: Place, content: Formatted, *, granted: bool = False) -> None:
        """Show in a private chat what is being written, with a button to stop it.

        Raises:
            DeliveryError: it is not shown.
        """
        await self._call(
            place, lambda chat: drafting(chat, place, content), Urgency.LATER, granted=granted, message=False
        )

    async def typing(self, place: Place) -> None:
        """Say that something is being written.

        Raises:
            DeliveryError: nobody is told.
        """
        await self._call(place, lambda chat: acting(chat, place), Urgency.LATER, message=False)

    async def call(self, method: TelegramMethod[T], urgency: Urgency = Urgency.SOON) -> T:
        """Make any other call, in its turn.

        Raises:
            DeliveryError: it could not be made.
        """
        return await self._call(None, lambda _: method, urgency, message=False)

    def _chat(self, place: Place | None) -> int | None:
        return None if place is None else self._moved.get(place.chat, place.chat)

    async def _call(
        self,
        place: Place | None,
        method: Callable[[int], TelegramMethod[T]],
        urgency: Urgency,
        *,
        granted: bool = False,
        message: bool = True,
        again: bool = True,
    ) -> T:
        """Make a call in its turn, and again where it failed on its way; what may come later is made once.

        Raises:
            DeliveryError: it could not be made.
        """
        timeout = _BRIEF if urgency is Urgency.LATER else None
        left = iter(self._pauses if again and urgency is not Urgency.LATER else ())
        waited = 0.0
        while True:
            if not granted:
                await self._pacer.turn(self._chat(place), urgency, message=message)
            granted = False
            try:
                with telegram_errors():
                    return await self.bot(method(self._chat(place) or 0), request_timeout=timeout)
            except TelegramMigrateToChat as error:
                assert place is not None
                self.moved(place.chat, error.migrate_to_chat_id)
            except DeliveryFailed as error:
                if error.wait:
                    self._pacer.refused(self._chat(place), error.wait)
                    waited += error.wait
                    log.warning("telegram.told_to_wait", chat=self._chat(place), seconds=error.wait)
                    if urgency is Urgency.LATER or waited > LONGEST_WAIT:
                        raise
                    continue
                pause = next(left, None)
                if pause is None:
                    raise
                log.info("telegram.call_again", reason=str(error), pause=pause)
                await asyncio.sleep(pause)
