"""Receives from Telegram by long polling. An update is acknowledged by asking for those after it, so never before the
inbox has it.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import structlog
from aiogram import Bot
from aiogram.methods import DeleteWebhook, GetMe, TelegramMethod
from aiogram.types import Update
from pydantic import ValidationError

from bot.channels.errors import DeliveryFailed
from bot.channels.telegram.client import PATIENCE, telegram_errors
from bot.channels.telegram.errands import Errands
from bot.channels.telegram.incoming import Me
from bot.channels.telegram.intake import Intake
from bot.channels.telegram.lanes import take_all
from bot.channels.telegram.menus import publish_menus
from bot.channels.telegram.outbox import Outbox
from bot.turns.commands import COMMANDS
from bot.turns.inbox import Inbox

POLL: Final = 25
"""Seconds that Telegram holds a request for updates when there are none."""
DEAF: Final = 90.0
"""Seconds without a word from Telegram after which the gateway is not ready."""
UPDATES: Final = ("message", "edited_message", "callback_query", "my_chat_member", "stopped_message_generation")
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0

log = structlog.get_logger(__name__)


class RawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates, with each update as it came: one that cannot be read must not hold up the others."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int
    timeout: int
    allowed_updates: list[str]


class Receiver:
    """What both ways of receiving have in common."""

    def __init__(self, outbox: Outbox, intake: Intake, inbox: Inbox, errands: Errands) -> None:
        self._outbox = outbox
        self._intake = intake
        self._inbox = inbox
        self._errands = errands
        self.last_heard: float | None = None
        """When Telegram was last heard of, on the monotonic clock; None when it has not been yet."""

    async def heard(self) -> str | None:
        """What keeps it from hearing; None when nothing does."""
        return "Telegram has not answered yet" if self.last_heard is None else None

    async def meet(self) -> None:
        """Learn who the bot is, and have its commands shown.

        Raises:
            PlatformRefused: the bot's token is not accepted.
        """
        me = await self.insist(GetMe())
        self.last_heard = time.monotonic()
        log.info("telegram.met", username=me.username)
        self._intake.introduce(Me(me.id, me.username or "", frozenset(command.name for command in COMMANDS)))
        self._errands.run(publish_menus(self._outbox, self._inbox.commands))

    async def insist(self, method: TelegramMethod[Any]) -> Any:
        """Make a call that nothing goes on without, until it is answered.

        Raises:
            PlatformRefused, Undeliverable: it never will be.
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._outbox.call(method)
            except DeliveryFailed as error:
                log.warning("telegram.not_reached", reason=str(error), pause=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


class TelegramGateway(Receiver):
    """Asks for updates and hands them in (`bot.channels.port.Gateway`)."""

    def __init__(self, outbox: Outbox, intake: Intake, inbox: Inbox, errands: Errands, at_once: int = 8) -> None:
        super().__init__(outbox, intake, inbox, errands)
        self._at_once = at_once

    async def heard(self) -> str | None:
        silence = time.monotonic() - (self.last_heard or time.monotonic())
        return await super().heard() or (f"Telegram is silent for {silence:.0f} s" if silence > DEAF else None)

    async def run(self) -> None:
        """Receive until cancelled.

        Raises:
            PlatformRefused: the bot's token is not accepted.
        """
        try:
            await self.meet()
            await self.insist(DeleteWebhook(drop_pending_updates=False))
            await self._poll()
        finally:
            await self._errands.close()

    async def _poll(self) -> None:
        offset, pause = 0, _FIRST_PAUSE
        while True:
            asked = RawUpdates(offset=offset, timeout=POLL, allowed_updates=list(UPDATES))
            try:
                with telegram_errors():
                    found = await self._outbox.bot(asked, request_timeout=POLL + int(PATIENCE))
            except DeliveryFailed as error:
                # Another process may poll too, as while one takes over from another: then both are told off in turn.
                log.warning("telegram.no_updates", reason=str(error), pause=pause)
                await asyncio.sleep(max(pause, error.wait))
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            self.last_heard = time.monotonic()
            updates = [update for raw in found if (update := read_update(raw, self._outbox.bot)) is not None]
            await take_all(updates, self._intake.take, self._at_once)
            offset = max((int(raw["update_id"]) + 1 for raw in found), default=offset)


def read_update(raw: Any, bot: Bot) -> Update | None:
    """An update; None when it is none that this version knows."""
    try:
        return Update.model_validate(raw, context={"bot": bot})
    except ValidationError as error:
        number = raw.get("update_id") if isinstance(raw, dict) else None
        log.error("telegram.update_unreadable", update=number, reason=str(error)[:500])
        return None
