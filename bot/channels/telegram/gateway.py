"""Receives from Telegram by long polling. An update is acknowledged by asking for those after it, so never before the
inbox has it.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog
from aiogram.methods import DeleteWebhook, GetMe, GetUpdates

from bot.channels.errors import DeliveryFailed
from bot.channels.telegram.client import PATIENCE, telegram_errors
from bot.channels.telegram.errands import Errands
from bot.channels.telegram.incoming import Me
from bot.channels.telegram.intake import Intake
from bot.channels.telegram.lanes import take_all
from bot.channels.telegram.outbox import Outbox
from bot.turns.commands import COMMANDS

POLL: Final = 25
"""Seconds that Telegram holds a request for updates when there are none."""
DEAF: Final = 90.0
"""Seconds without a word from Telegram after which the gateway is not ready."""
UPDATES: Final = ["message", "edited_message", "callback_query", "my_chat_member", "stopped_message_generation"]
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0

log = structlog.get_logger(__name__)


class TelegramGateway:
    """Asks for updates and hands them in (`bot.channels.port.Gateway`)."""

    def __init__(self, outbox: Outbox, intake: Intake, errands: Errands, at_once: int = 8) -> None:
        self._outbox = outbox
        self._intake = intake
        self._errands = errands
        self._at_once = at_once
        self.last_heard: float | None = None
        """When Telegram last answered, on the monotonic clock; None when it has not yet."""

    async def heard(self) -> str | None:
        """What keeps it from hearing; None when nothing does."""
        if self.last_heard is None:
            return "Telegram has not answered yet"
        silence = time.monotonic() - self.last_heard
        return f"Telegram has not answered for {silence:.0f} s" if silence > DEAF else None

    async def run(self) -> None:
        """Receive until cancelled.

        Raises:
            PlatformRefused: the bot's token is not accepted.
        """
        try:
            self._intake.introduce(await self._meet())
            await self._poll()
        finally:
            await self._errands.close()

    async def _meet(self) -> Me:
        pause = _FIRST_PAUSE
        while True:
            try:
                me = await self._outbox.call(GetMe())
                await self._outbox.call(DeleteWebhook(drop_pending_updates=False))
                break
            except DeliveryFailed as error:
                log.warning("telegram.not_reached", reason=str(error), pause=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        self.last_heard = time.monotonic()
        log.info("telegram.met", username=me.username)
        return Me(me.id, me.username or "", frozenset(command.name for command in COMMANDS))

    async def _poll(self) -> None:
        offset, pause = 0, _FIRST_PAUSE
        while True:
            asked = GetUpdates(offset=offset, timeout=POLL, allowed_updates=UPDATES)
            try:
                with telegram_errors():
                    updates = await self._outbox.bot(asked, request_timeout=POLL + int(PATIENCE))
            except DeliveryFailed as error:
                log.warning("telegram.no_updates", reason=str(error), pause=pause)
                await asyncio.sleep(max(pause, error.wait))
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            self.last_heard = time.monotonic()
            if updates:
                await take_all(updates, self._intake.take, self._at_once)
                offset = updates[-1].update_id + 1
