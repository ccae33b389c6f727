"""Whatever the database says while a message is taken in: it is answered in the end, or its sender hears the truth."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from structlog.testing import capture_logs

from bot.app.telegram import webhook_config
from bot.channels.telegram import dispatch
from bot.intake.redelivery import RedeliveryPolicy
from consilium.retry import BackoffConfig
from db.infra.database import Database
from db.turns import dead_letters
from tests.fakes.telegram.server import FakeTelegram
from tests.fixtures.postgres import run_sql
from tests.fixtures.servers import free_port
from tests.fixtures.statement_errors import fail_inserts
from tests.integration.bot.telegram.conftest import TelegramService, texts

ANSWER = "Rest and sleep."
PASSING = ("40P01", "40001", "25006", "55P03", "42703", "42P01", "53100", "57014", "57P03", "58000", "XX000", "ZZ123")
"""What may pass: conflicts, a read-only server, another version's schema, a full disk, a failing server, unknown."""
NOT_STORED = "не принято"


@pytest.fixture(autouse=True)
def quick_redelivery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_RETRY_BACKOFF", BackoffConfig(initial=0.02, maximum=0.1))


@pytest.mark.parametrize("sqlstate", [*PASSING, "23502", "22000", "42601"])
async def test_a_message_is_answered_once_the_database_takes_it(
    service: TelegramService, telegram: FakeTelegram, anna: int, dsn: str, sqlstate: str
) -> None:
    await fail_inserts(dsn, sqlstate, 7)
    async with service.process():
        with capture_logs() as logs:
            telegram.users.say(anna, anna, "Сколько спать?")
            await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER])
        await telegram.wait_for(lambda: not telegram.core.updates.pending)
        assert any(log["event"] == "telegram.update_deferred" for log in logs)
    assert texts(telegram, anna) == [ANSWER], "and nothing was said that was not true"


@pytest.mark.parametrize("sqlstate", ["40001", "23502", "XX000"])
async def test_a_message_that_cannot_be_stored_is_given_up_with_the_truth(
    service: TelegramService, telegram: FakeTelegram, anna: int, dsn: str, sqlstate: str
) -> None:
    service.redelivery = RedeliveryPolicy(attempts=3, seconds=0)
    bella = telegram.users.person("Bella", language="ru")
    await fail_inserts(dsn, sqlstate, 10**6, only_if="NEW.question LIKE '%poison%'")
    async with service.process() as process:
        poison = telegram.users.say(anna, anna, "poison")
        telegram.users.say(bella, bella, "Сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, bella) == [ANSWER])
        await telegram.wait_for(lambda: len(texts(telegram, anna)) == 1)
        [told] = telegram.users.answers(anna)
        assert told.reply_to == poison
        assert NOT_STORED in told.text
        telegram.users.say(anna, anna, "Сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, anna)[1:] == [ANSWER])
        async with process.database.anonymous_transaction() as connection:
            [letter] = await dead_letters.list_latest(connection, 5)
    assert (letter.kind, letter.source) == ("update", "telegram")
    assert "poison" not in letter.reason


async def test_nothing_is_given_up_while_the_whole_database_is_affected(
    service: TelegramService, telegram: FakeTelegram, anna: int, dsn: str
) -> None:
    """As when a newer version has renamed a column: the update waits at Telegram for a version that fits."""
    service.redelivery = RedeliveryPolicy(attempts=2, seconds=0)
    await run_sql(dsn, "ALTER TABLE turns RENAME COLUMN asked_mode TO wanted_mode")
    async with service.process():
        with capture_logs() as logs:
            telegram.users.say(anna, anna, "Сколько спать?")
            await telegram.wait_for(lambda: sum(log["event"] == "telegram.update_deferred" for log in logs) > 5)
        assert len(telegram.core.updates.pending) == 1
        assert texts(telegram, anna) == []
        await run_sql(dsn, "ALTER TABLE turns RENAME COLUMN wanted_mode TO asked_mode")
        await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER])


@pytest.mark.parametrize("sqlstate", ["40P01", "25006", "42703", "22000"])
async def test_a_posted_message_is_acknowledged_when_it_is_stored(
    service: TelegramService, telegram: FakeTelegram, anna: int, dsn: str, sqlstate: str
) -> None:
    port = free_port()
    changes = {"telegram_webhook_url": f"http://127.0.0.1:{port}/telegram/hook", "telegram_webhook_port": port}
    service.settings = service.settings.model_copy(update=changes)
    config = webhook_config(service.settings)
    assert config is not None
    telegram.core.updates.retry = 3600
    headers = {"X-Telegram-Bot-Api-Secret-Token": config.secret}
    async with service.process(), httpx.AsyncClient() as client:
        await telegram.wait_for(lambda: telegram.core.updates.webhook)
        await fail_inserts(dsn, sqlstate, 5)
        telegram.users.say(anna, anna, "Сколько спать?")
        body = telegram.core.updates.pending[0].body
        statuses = []
        async with asyncio.timeout(20):
            while not statuses or statuses[-1] != 200:
                statuses.append((await client.post(config.url, json=body, headers=headers)).status_code)
        assert set(statuses[:-1]) <= {503}
        await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER])


async def test_an_update_that_cannot_be_read_becomes_a_dead_letter_and_its_sender_is_told(
    service: TelegramService, telegram: FakeTelegram, anna: int, database: Database
) -> None:
    telegram.users.say(anna, anna, "words of Anna")
    update = telegram.core.updates.pending[0]
    update.body["message"]["entities"] = [{"type": "bold", "offset": "words of Anna", "length": 3}]
    async with service.process():
        with capture_logs() as logs:
            await telegram.wait_for(lambda: len(texts(telegram, anna)) == 1)
        await telegram.wait_for(lambda: not telegram.core.updates.pending)
    assert NOT_STORED in texts(telegram, anna)[0]
    assert "words" not in str(logs)
    async with database.anonymous_transaction() as connection:
        assert [letter.kind for letter in await dead_letters.list_latest(connection, 5)] == ["update"]
