"""Telegram as a platform that answers are shown on, from any process that has the bot's token."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

from aiogram.methods import GetFile

from bot.channels.telegram.client import DISPLAY_NAME, PLATFORM, map_telegram_errors
from bot.channels.telegram.messages import Place
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.reply import RenderOptions, TelegramReply
from bot.core.errors import PermanentDeliveryError
from bot.core.i18n import Translator
from bot.core.messages import Address
from bot.core.ports import Parts

_CHUNK_SIZE: Final = 65536
"""Bytes of a file that are read at a time."""


class TelegramPlatform:
    """Shows answers in Telegram (`bot.core.ports.Platform`)."""

    def __init__(self, outbox: Outbox, options: RenderOptions) -> None:
        self._outbox = outbox
        self._options = options

    @property
    def name(self) -> str:
        return PLATFORM

    def reply(self, address: Address, parts: Parts, say: Translator) -> TelegramReply:
        return TelegramReply(self._outbox, Place.from_address(address), parts, say, self._options)

    async def fetch(self, handle: Address) -> AsyncGenerator[bytes, None]:
        """The content of a file, in chunks; bots can download files of up to 20 MB.

        Raises:
            DeliveryError: Telegram does not send this file, or not now.
        """
        bot = self._outbox.bot
        file = await self._outbox.call(GetFile(file_id=str(handle["file"])))
        if file.file_path is None:
            raise PermanentDeliveryError(DISPLAY_NAME, "the file is no longer available")
        url = bot.session.api.file_url(bot.token, file.file_path)
        with map_telegram_errors():
            async for chunk in bot.session.stream_content(url, chunk_size=_CHUNK_SIZE, raise_for_status=True):
                yield chunk
