"""Getting updates: by long polling, and by a webhook that fails at first."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramConflictError
from aiogram.filters import Command
from aiogram.methods import SendMessage
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

from tests.fakes.telegram.server import TOKEN, FakeTelegram
from tests.integration.fakes.telegram.conftest import Refusal


def echo(*, by_answer: bool = False) -> Dispatcher:
    """Says again what it is told, by a call or by its answer to the webhook."""
    dispatcher = Dispatcher()

    @dispatcher.message(Command("start"))
    async def greet(message: Message) -> Any:
        return SendMessage(chat_id=message.chat.id, text="Hello") if by_answer else await message.answer("Hello")

    @dispatcher.message()
    async def again(message: Message) -> None:
        await message.reply(message.text or "")

    return dispatcher


class Site:
    """Where a webhook points to: answers with the statuses it is given, then 200."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.seen: list[tuple[int, int, str | None]] = []
        """Status, update id and secret of every post."""

    @contextlib.asynccontextmanager
    async def serving(self, dispatcher: Dispatcher | None = None, bot: Bot | None = None) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/hook", self._take)
        if dispatcher is not None and bot is not None:
            SimpleRequestHandler(dispatcher, bot, handle_in_background=False, secret_token="s3").register(app, "/bot")
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        status = self.statuses.pop(0) if self.statuses else 200
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token")
        self.seen.append((status, (await request.json())["update_id"], secret))
        return web.Response(status=status, headers={"Retry-After": "1"} if status == 429 else {})


@pytest_asyncio.fixture
async def polling(telegram: FakeTelegram, bot: Bot) -> AsyncIterator[Dispatcher]:
    dispatcher = echo()
    running = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False))
    await telegram.wait_for(lambda: any(r.method == "getupdates" for r in telegram.records.requests))
    yield dispatcher
    await dispatcher.stop_polling()
    await running


async def test_a_dispatcher_talks_with_people(telegram: FakeTelegram, polling: Dispatcher, anna: int) -> None:
    await telegram.wait_for(lambda: telegram.users.answers(anna))
    asked = telegram.users.say(anna, anna, "и?")
    answers = await telegram.wait_for(lambda: telegram.users.answers(anna)[1:])
    assert [(a.text, a.reply_to) for a in answers] == [("и?", asked)]
    assert [(r.method, r.status) for r in telegram.records.requests if r.method == "sendmessage"] == [
        ("sendmessage", 200), ("sendmessage", 200)
    ]  # fmt: skip


async def test_updates_stay_until_confirmed(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    for text in "abc":
        telegram.users.say(anna, anna, text)
    first = await bot.get_updates(limit=2)
    assert [u.update_id for u in await bot.get_updates(limit=2)] == [u.update_id for u in first]
    later = await bot.get_updates(offset=first[-1].update_id + 1)
    assert [u.message and u.message.text for u in later] == ["b", "c"]
    assert len(telegram.core.updates.pending) == 2
    assert [u.message and u.message.text for u in await bot.get_updates(offset=-1)] == ["c"]
    assert len(telegram.core.updates.pending) == 1


async def test_a_poll_waits_for_news(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    await bot.get_updates(offset=telegram.core.updates.last + 1)
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await telegram.wait_for(lambda: telegram.core.updates.polled)
    telegram.users.say(anna, anna, "news")
    assert [u.message and u.message.text for u in await poll] == ["news"]
    await bot.get_updates(offset=telegram.core.updates.last + 1)
    assert await bot.get_updates(timeout=1) == []


async def test_a_bot_that_died_in_its_poll_loses_nothing(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    await bot.get_updates(offset=telegram.core.updates.last + 1)
    _, writer = await asyncio.open_connection("127.0.0.1", int(telegram.url.rpartition(":")[2]))
    writer.write(f"GET /bot{TOKEN}/getUpdates?timeout=50 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await telegram.wait_for(lambda: telegram.core.updates.polled)
    writer.transport.abort()
    telegram.users.say(anna, anna, "still there?")
    assert [u.message and u.message.text for u in await bot.get_updates(timeout=20)] == ["still there?"]


async def test_kinds_that_are_not_wanted_do_not_come(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    await bot.get_updates(allowed_updates=["edited_message"])
    hers = telegram.users.say(anna, anna, "one")
    telegram.users.edit(anna, hers, "two")
    assert [u.event_type for u in await bot.get_updates()] == ["message", "edited_message"]
    assert [u.event.text for u in await bot.get_updates()] == ["/start", "two"]


async def test_a_second_poll_ends_the_first(telegram: FakeTelegram, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await telegram.wait_for(lambda: telegram.core.updates.polled)
    second = asyncio.create_task(bot.get_updates(timeout=20))
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request"):
        await first
    async with Site().serving() as url:
        await bot.set_webhook(f"{url}/hook")
        with pytest.raises(TelegramConflictError, match="terminated by setWebhook request"):
            await second
        with pytest.raises(TelegramConflictError, match="can't use getUpdates method while webhook is active"):
            await bot.get_updates()
        await bot.delete_webhook()
    assert await bot.get_updates() == []


async def test_a_webhook_that_fails_gets_all_in_order(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    telegram.core.updates.retry = 0.01
    site = Site(500, 503, 302)
    async with site.serving() as url:
        await bot.set_webhook(f"{url}/hook", secret_token="s3cret-_", max_connections=3, allowed_updates=["message"])
        for text in "ab":
            telegram.users.say(anna, anna, text)
        await telegram.wait_for(lambda: not telegram.core.updates.pending)
        info = await bot.get_webhook_info()
    first = site.seen[0][1]
    assert site.seen == [
        (status, update, "s3cret-_")
        for status, update in [
            (500, first),
            (503, first),
            (302, first),
            (200, first),
            (200, first + 1),
            (200, first + 2),
        ]
    ]
    assert (info.last_error_message, info.pending_update_count, info.max_connections, info.allowed_updates) == (
        "Wrong response from the webhook: 302 Found", 0, 3, ["message"]
    )  # fmt: skip


async def test_a_webhook_survives_an_outage(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    telegram.core.updates.retry = 0.01
    async with Site().serving() as url:
        pass
    await bot.set_webhook(f"{url}/hook")
    await telegram.wait_for(lambda: len(telegram.core.updates.posts) > 1)
    assert (await bot.get_webhook_info()).pending_update_count == 1
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == []


async def test_a_webhook_waits_as_long_as_it_is_asked_to(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    telegram.core.updates.retry = 1000
    site = Site(500, 429)
    async with site.serving() as url:
        await bot.set_webhook(f"{url}/hook")
        await telegram.wait_for(lambda: not telegram.core.updates.pending)
        await bot.delete_webhook()
    assert [status for status, _, _ in site.seen] == [500, 429, 200]


async def test_an_answer_to_a_webhook_can_be_a_call(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    async with Site().serving(echo(by_answer=True), bot) as url:
        await bot.set_webhook(f"{url}/bot", secret_token="s3")
        answers = await telegram.wait_for(lambda: telegram.users.answers(anna))
        assert [answer.text for answer in answers] == ["Hello"]
        await bot.delete_webhook()


@pytest.mark.parametrize(
    ("url", "secret", "why"),
    [
        ("nonsense", "", "invalid webhook URL specified"),
        ("http://example.org/", "", "bad webhook: An HTTPS URL must be provided for webhook"),
        ("https://example.org/", "", "bad webhook: Failed to resolve host"),
        ("http://127.0.0.1:1/", "a" * 257, "secret token is too long"),
        ("http://127.0.0.1:1/", "секрет", "secret token contains unallowed characters"),
    ],
)
async def test_a_webhook_telegram_refuses(bot: Bot, refusal: Refusal, url: str, secret: str, why: str) -> None:
    assert why in await refusal(bot.set_webhook(url, secret_token=secret or None))
