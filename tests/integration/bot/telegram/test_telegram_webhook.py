"""Updates that Telegram posts."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from bot.app.telegram import webhook_config
from bot.core.errors import PlatformAccessDenied
from tests.fakes.telegram.server import FakeTelegram
from tests.fixtures.sglang import free_port
from tests.integration.bot.telegram.conftest import House, texts

ANSWER = "Rest and sleep."


@pytest.fixture
def hooked(house: House) -> House:
    port = free_port()
    changed = {"telegram_webhook_url": f"http://127.0.0.1:{port}/telegram/hook", "telegram_webhook_port": port}
    house.settings = house.settings.model_copy(update=changed)
    return house


async def test_what_is_posted_is_answered(hooked: House, telegram: FakeTelegram, anna: int) -> None:
    telegram.core.updates.retry = 0.05
    telegram.users.say(anna, anna, "Сколько спать?")
    async with hooked.process() as process:
        await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER])
        await telegram.wait_for(lambda: not telegram.core.updates.pending)
        assert await process.gateway.health_problem() is None
    assert telegram.core.updates.webhook is not None, "it stays set: what comes meanwhile waits"
    telegram.users.say(anna, anna, "Ещё?")
    async with hooked.process():
        await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER, ANSWER])


async def test_an_update_that_is_posted_again_is_taken_in_once(
    hooked: House, telegram: FakeTelegram, anna: int
) -> None:
    hook = webhook_config(hooked.settings)
    assert hook is not None
    telegram.users.say(anna, anna, "/remember I like figs")
    body = telegram.core.updates.pending[0].body
    async with hooked.process(), httpx.AsyncClient() as client:
        await telegram.wait_for(lambda: len(texts(telegram, anna)) == 1)
        headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret}
        for _ in range(3):
            assert (await client.post(hook.url, json=body, headers=headers)).status_code == 200
        telegram.users.say(anna, anna, "/memory")
        await telegram.wait_for(lambda: len(texts(telegram, anna)) == 2 and "figs" in texts(telegram, anna)[1])
    assert texts(telegram, anna)[1].count("figs") == 1


async def test_who_does_not_know_the_secret_is_not_heard(hooked: House, telegram: FakeTelegram, anna: int) -> None:
    hook = webhook_config(hooked.settings)
    assert hook is not None
    body = {"update_id": 7, "message": {}}
    async with hooked.process(), httpx.AsyncClient() as client:
        await telegram.wait_for(lambda: telegram.core.updates.webhook)
        for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "guess"}):
            assert (await client.post(hook.url, json=body, headers=headers)).status_code == 403
        known = {"X-Telegram-Bot-Api-Secret-Token": hook.secret}
        assert (await client.post(hook.url, content=b"{", headers=known)).status_code == 400
        assert (await client.post(hook.url, json=body, headers=known)).status_code == 200
        assert (await client.get(hook.url)).status_code == 405


def test_the_secret_is_made_of_the_token_unless_it_is_set(hooked: House) -> None:
    made = webhook_config(hooked.settings)
    assert made is not None
    assert made.secret == getattr(webhook_config(hooked.settings), "secret", None)
    chosen = webhook_config(hooked.settings.model_copy(update={"telegram_webhook_secret": SecretStr("s3cret")}))
    assert chosen is not None
    assert chosen.secret == "s3cret"
    assert webhook_config(hooked.settings.model_copy(update={"telegram_webhook_url": None})) is None


async def test_polling_takes_over_from_a_webhook(hooked: House, telegram: FakeTelegram, anna: int) -> None:
    async with hooked.process():
        await telegram.wait_for(lambda: telegram.core.updates.webhook)
    hooked.settings = hooked.settings.model_copy(update={"telegram_webhook_url": None})
    telegram.users.say(anna, anna, "Сколько спать?")
    async with hooked.process():
        await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER])
    assert telegram.core.updates.webhook is None


async def test_an_address_that_telegram_refuses_is_said_so(hooked: House, telegram: FakeTelegram) -> None:
    hooked.settings = hooked.settings.model_copy(update={"telegram_webhook_url": "http://example.org/hook"})
    async with hooked.process(receives=False) as process:
        with pytest.raises(PlatformAccessDenied, match="CONSILIUM_TELEGRAM_WEBHOOK_URL"):
            await process.gateway.run()


async def test_a_wrong_token_is_said_so(house: House, telegram: FakeTelegram) -> None:
    house.settings = house.settings.model_copy(update={"telegram_token": SecretStr("77:wrong")})
    async with house.process(receives=False) as process:
        with pytest.raises(PlatformAccessDenied, match="CONSILIUM_TELEGRAM_TOKEN"):
            await process.gateway.run()
