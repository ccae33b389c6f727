"""Updates that Telegram posts, and access errors at startup."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from bot.app.telegram import webhook_config
from bot.core.errors import PlatformAccessDenied
from tests.fakes.telegram.server import FakeTelegram
from tests.fixtures.servers import free_port
from tests.integration.bot.telegram.conftest import TelegramService, texts

ANSWER = "Rest and sleep."


@pytest.fixture
def webhook_service(service: TelegramService) -> TelegramService:
    port = free_port()
    changes = {"telegram_webhook_url": f"http://127.0.0.1:{port}/telegram/hook", "telegram_webhook_port": port}
    service.settings = service.settings.model_copy(update=changes)
    return service


async def test_posted_message_is_answered(webhook_service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    telegram.core.updates.retry = 0.05
    telegram.users.say(anna, anna, "Сколько спать?")
    async with webhook_service.process() as process:
        await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER])
        await telegram.wait_for(lambda: not telegram.core.updates.pending)
        assert await process.gateway.health_problem() is None
    assert telegram.core.updates.webhook is not None, "it stays set, so that later updates wait"
    telegram.users.say(anna, anna, "Ещё?")
    async with webhook_service.process():
        await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER, ANSWER])


async def test_repeated_post_is_handled_once(
    webhook_service: TelegramService, telegram: FakeTelegram, anna: int
) -> None:
    config = webhook_config(webhook_service.settings)
    assert config is not None
    telegram.users.say(anna, anna, "/remember I like figs")
    body = telegram.core.updates.pending[0].body
    async with webhook_service.process(), httpx.AsyncClient() as client:
        await telegram.wait_for(lambda: len(texts(telegram, anna)) == 1)
        headers = {"X-Telegram-Bot-Api-Secret-Token": config.secret}
        for _ in range(3):
            assert (await client.post(config.url, json=body, headers=headers)).status_code == 200
        telegram.users.say(anna, anna, "/memory")
        await telegram.wait_for(lambda: len(texts(telegram, anna)) == 2 and "figs" in texts(telegram, anna)[1])
    assert texts(telegram, anna)[1].count("figs") == 1


async def test_bad_posts_are_refused(webhook_service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    config = webhook_config(webhook_service.settings)
    assert config is not None
    body = {"update_id": 7, "message": {}}
    async with webhook_service.process(), httpx.AsyncClient() as client:
        await telegram.wait_for(lambda: telegram.core.updates.webhook)
        for secret in (b"", b"guess", b"\xff\xfe", "ключ".encode()):
            headers = {b"X-Telegram-Bot-Api-Secret-Token": secret}
            assert (await client.post(config.url, json=body, headers=headers)).status_code == 403
        assert (await client.post(config.url, json=body)).status_code == 403
        authorized = {"X-Telegram-Bot-Api-Secret-Token": config.secret}
        assert (await client.post(config.url, content=b"{", headers=authorized)).status_code == 400
        assert (await client.post(config.url, json=body, headers=authorized)).status_code == 200
        assert (await client.get(config.url)).status_code == 405


def test_secret_is_derived_from_the_token_unless_it_is_set(webhook_service: TelegramService) -> None:
    derived = webhook_config(webhook_service.settings)
    assert derived is not None
    assert derived.secret == getattr(webhook_config(webhook_service.settings), "secret", None)
    chosen = webhook_config(
        webhook_service.settings.model_copy(update={"telegram_webhook_secret": SecretStr("s3cret")})
    )
    assert chosen is not None
    assert chosen.secret == "s3cret"
    assert webhook_config(webhook_service.settings.model_copy(update={"telegram_webhook_url": None})) is None


async def test_polling_takes_over_from_a_webhook(
    webhook_service: TelegramService, telegram: FakeTelegram, anna: int
) -> None:
    async with webhook_service.process():
        await telegram.wait_for(lambda: telegram.core.updates.webhook)
    webhook_service.settings = webhook_service.settings.model_copy(update={"telegram_webhook_url": None})
    telegram.users.say(anna, anna, "Сколько спать?")
    async with webhook_service.process():
        await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER])
    assert telegram.core.updates.webhook is None


async def test_refused_webhook_address_is_an_access_error(
    webhook_service: TelegramService, telegram: FakeTelegram
) -> None:
    webhook_service.settings = webhook_service.settings.model_copy(
        update={"telegram_webhook_url": "http://example.org/hook"}
    )
    async with webhook_service.process(receives=False) as process:
        with pytest.raises(PlatformAccessDenied, match="CONSILIUM_TELEGRAM_WEBHOOK_URL"):
            await process.gateway.run()


async def test_unknown_token_is_an_access_error(service: TelegramService, telegram: FakeTelegram) -> None:
    service.settings = service.settings.model_copy(update={"telegram_token": SecretStr("77:wrong")})
    async with service.process(receives=False) as process:
        with pytest.raises(PlatformAccessDenied, match="CONSILIUM_TELEGRAM_TOKEN"):
            await process.gateway.run()
