"""A fake Telegram, a bot in it, and a person who has started the bot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
import pytest_asyncio
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramAPIError
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.server import TOKEN, FakeTelegram, close_client


def make_bot(telegram: FakeTelegram, token: str = TOKEN) -> Bot:
    return Bot(token, AiohttpSession(api=TelegramAPIServer.from_base(telegram.url)))


@pytest_asyncio.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    telegram = FakeTelegram(limits=Limits.off())
    async with telegram.serving():
        yield telegram


@pytest_asyncio.fixture
async def bot(telegram: FakeTelegram) -> AsyncIterator[Bot]:
    bot = make_bot(telegram)
    yield bot
    await close_client(bot)


@pytest.fixture
def anna(telegram: FakeTelegram) -> int:
    """A person who has started the bot; that message has the id 1."""
    anna = telegram.users.person("Anna", "anna", "ru")
    telegram.users.start(anna)
    return anna


def keyboard(*rows: list[str], data: str = "data") -> InlineKeyboardMarkup:
    buttons = [[InlineKeyboardButton(text=text, callback_data=data) for text in row] for row in rows]
    return InlineKeyboardMarkup(inline_keyboard=buttons)


async def refusal(call: Awaitable[object]) -> str:
    """Telegram's description of why it refuses a call."""
    with pytest.raises(TelegramAPIError) as caught:
        await call
    return caught.value.message


async def new_updates(bot: Bot) -> list[tuple[str, Any]]:
    """Kind and content of every new update; they are confirmed."""
    updates = await bot.get_updates()
    if updates:
        await bot.get_updates(offset=updates[-1].update_id + 1)
    return [(update.event_type, update.event) for update in updates]
