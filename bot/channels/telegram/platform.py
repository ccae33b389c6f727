"""Telegram as answers see it: from any process that has the bot's token."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from aiogram.methods import GetFile

from bot.channels.errors import Undeliverable
from bot.channels.port import Address, Parts
from bot.channels.telegram.client import NAME, PLATFORM, telegram_errors
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.place import Place
from bot.channels.telegram.reply import Looks, TelegramReply
from bot.locales import Translator

_PIECE = 65536


class TelegramPlatform:
    """Shows answers in Telegram (`bot.channels.port.Platform`)."""

    def __init__(self, outbox: Outbox, looks: Looks) -> None:
        self._outbox = outbox
        self._looks = looks

    @property
    def name(self) -> str:
        return PLATFORM

    def reply(self, address: Address, parts: Parts, say: Translator) -> TelegramReply:
        return TelegramReply(self._outbox, Place.of(address), parts, say, self._looks)

    async def fetch(self, handle: Address) -> AsyncGenerator[bytes, None]:
        """The content of a file, in pieces; Telegram gives bots up to 20 MB.

        Raises:
            DeliveryError: it does not give this one, or not now.
        """
        bot = self._outbox.bot
        file = await self._outbox.call(GetFile(file_id=str(handle["file"])))
        if file.file_path is None:
            raise Undeliverable(NAME, "the file is not there any more")
        url = bot.session.api.file_url(bot.token, file.file_path)
        with telegram_errors():
            async for piece in bot.session.stream_content(url, chunk_size=_PIECE, raise_for_status=True):
                yield piece
