"""A Telegram of the test's own, a bot in it, and a person who has started it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramAPIError

from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.server import TOKEN, FakeTelegram

Refusal = Callable[[Awaitable[object]], Awaitable[str]]


@pytest_asyncio.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    telegram = FakeTelegram(limits=Limits.off())
    async with telegram.serving():
        yield telegram


@pytest_asyncio.fixture
async def bot(telegram: FakeTelegram) -> AsyncIterator[Bot]:
    bot = Bot(TOKEN, AiohttpSession(api=TelegramAPIServer.from_base(telegram.url)))
    yield bot
    await bot.session.close()


@pytest.fixture
def anna(telegram: FakeTelegram) -> int:
    anna = telegram.users.person("Anna", "anna", "ru")
    telegram.users.start(anna)
    return anna


@pytest.fixture
def refusal() -> Refusal:
    """Why a call was refused, in Telegram's words."""

    async def why(call: Awaitable[object]) -> str:
        with pytest.raises(TelegramAPIError) as caught:
            await call
        return caught.value.message

    return why
