"""Failures between the service and Telegram: people still get each answer, and only once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from db.infra.embedded_server import EmbeddedServer
from db.people.token_buckets import TokenBucket
from tests.fakes.telegram.server import FakeTelegram, Fault
from tests.fakes.telegram.updates import Pending
from tests.fixtures.postgres import run_sql
from tests.integration.bot.telegram.conftest import Process, TelegramService, labels, texts

ANSWER = "Rest and sleep."


async def until_states(process: Process, person: int, wanted: list[str]) -> None:
    """Return when a person's turns are in these states, oldest first."""
    async with asyncio.timeout(10):
        while await states(process, person) != wanted:  # noqa: ASYNC110  # the table does not notify of changes
            await asyncio.sleep(0.05)


async def states(process: Process, person: int) -> list[str]:
    """The states of a person's turns, oldest first."""
    async with process.database.anonymous_transaction() as connection:
        user = await connection.fetchval("SELECT id FROM identify('telegram', $1, NULL)", str(person))
    async with process.database.person_transaction(user) as connection:
        return [row["state"] for row in await connection.fetch("SELECT state FROM turns ORDER BY seq")]


async def test_unconfirmed_sending_doubles_no_answer(
    service: TelegramService, telegram: FakeTelegram, anna: int
) -> None:
    telegram.faults += [Fault("sendMessage", "drop", after=True), Fault("editMessageText", "drop", after=True)]
    async with service.process() as process:
        telegram.users.say(anna, anna, "Сколько спать?")
        await telegram.wait_for(lambda: ANSWER in texts(telegram, anna))
        await telegram.wait_for(lambda: telegram.records.requests[-1].answered_at)
        await until_states(process, anna, ["delivered"])
    assert texts(telegram, anna) == ["…", ANSWER]
    assert service.engine.asked == ["Сколько спать?"]


async def test_another_process_continues_in_the_same_message(
    service: TelegramService, telegram: FakeTelegram, anna: int
) -> None:
    group = telegram.users.group("Reading", [anna], kind="group")
    service.engine.held_after = 2
    async with service.process():
        telegram.users.mention(group, anna, "сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, group) == ["Rest and"])
    (partial,) = telegram.users.answers(group)
    service.engine.pieces = ["Another", " answer."]
    service.engine.held_after = None
    async with service.process():
        await telegram.wait_for(lambda: texts(telegram, group) == ["Another answer."])
    assert [answer.id for answer in telegram.users.answers(group)] == [partial.id]


async def test_shorter_second_attempt_deletes_superfluous_messages(
    service: TelegramService, telegram: FakeTelegram, anna: int
) -> None:
    group = telegram.users.group("Reading", [anna])
    service.engine.pieces = ["word " * 1500, "more", "never"]
    service.engine.held_after = 2
    async with service.process():
        telegram.users.mention(group, anna, "сколько?")
        await telegram.wait_for(lambda: len(texts(telegram, group)) == 2 and texts(telegram, group)[1].endswith("more"))
    service.engine.pieces, service.engine.held_after = ["Short."], None
    async with service.process():
        await telegram.wait_for(lambda: texts(telegram, group) == ["Short."])


async def test_flood_wait_delays_the_answer(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    group = telegram.users.group("Reading", [anna])
    telegram.limits.in_flight = 0
    telegram.faults.append(Fault("editMessageText", "flood", seconds=2))
    async with service.process():
        telegram.users.mention(group, anna, "сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, group) == [ANSWER])
    refused = [request for request in telegram.records.requests if request.status == 429]
    assert len(refused) == 1


@pytest.mark.parametrize("kind", ["error", "html", "drop"])
async def test_temporary_failures_lose_nothing(
    service: TelegramService, telegram: FakeTelegram, anna: int, kind: str
) -> None:
    telegram.faults += [
        Fault(method, kind, times=2)
        for method in ("getMe", "getUpdates", "sendMessage", "sendMessageDraft", "editMessageText")
    ]
    async with service.process():
        telegram.users.say(anna, anna, "Сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER], within=20)


async def test_blocked_bot_holds_up_no_other_chat(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    boris = telegram.users.person("Boris")
    service.engine.held_after = 2
    async with service.process() as process:
        telegram.users.say(anna, anna, "Сколько спать?")
        await telegram.wait_for(lambda: (d := telegram.users.draft(anna)) and d.text)
        telegram.users.block(anna)
        service.engine.go.set()
        telegram.users.say(boris, boris, "And me?")
        await telegram.wait_for(lambda: texts(telegram, boris) == [ANSWER])
        await until_states(process, anna, ["failed"])
        telegram.users.block(anna, blocked=False)
        telegram.users.say(anna, anna, "Ещё раз?")
        await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER])


async def test_turn_fails_where_the_bot_may_not_write(
    service: TelegramService, telegram: FakeTelegram, anna: int
) -> None:
    group = telegram.users.group("Reading", [anna])
    telegram.users.bot_status(group, "restricted", anna)
    async with service.process() as process:
        telegram.users.mention(group, anna, "сколько спать?")
        await until_states(process, anna, ["failed"])
    assert texts(telegram, group) == []


async def test_deleted_answer_is_sent_again(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    group = telegram.users.group("Reading", [anna])
    service.engine.held_after = 2
    async with service.process():
        telegram.users.mention(group, anna, "сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, group) == ["Rest and"])
        telegram.users.delete(group, telegram.users.answers(group)[0].id)
        service.engine.go.set()
        await telegram.wait_for(lambda: texts(telegram, group) == [ANSWER])


async def test_answer_to_a_deleted_topic_goes_to_the_chat(
    service: TelegramService, telegram: FakeTelegram, anna: int
) -> None:
    forum = telegram.users.group("Forum", [anna], forum=True)
    topic = telegram.users.topic(forum, anna, "One")
    async with service.process(answers=False):
        telegram.users.say(forum, anna, "@consilium_bot сколько спать?", thread=topic)
        await telegram.wait_for(lambda: not telegram.core.updates.pending)
    telegram.users.drop_topic(forum, topic)
    async with service.process():
        await telegram.wait_for(lambda: texts(telegram, forum) == [ANSWER])


async def test_group_becomes_a_supergroup_during_an_answer(
    service: TelegramService, telegram: FakeTelegram, anna: int
) -> None:
    group = telegram.users.group("Reading", [anna], kind="group")
    service.engine.held_after = 2
    async with service.process():
        telegram.users.say(group, anna, "/mode core")
        await telegram.wait_for(lambda: texts(telegram, group) and "core" in texts(telegram, group)[0])
        telegram.users.say(group, anna, "/mode base")
        await telegram.wait_for(lambda: len(texts(telegram, group)) == 2 and "base" in texts(telegram, group)[1])
        telegram.users.mention(group, anna, "сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, group)[2:] == ["Rest and"])
        supergroup = telegram.users.migrate(group)
        service.engine.go.set()
        await telegram.wait_for(lambda: texts(telegram, supergroup) == [ANSWER])
        telegram.users.say(supergroup, anna, "/retry")
        await telegram.wait_for(lambda: texts(telegram, supergroup) == [ANSWER, ANSWER])


async def test_unparsable_update_is_skipped(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    broken: dict[str, Any] = {"update_id": telegram.core.updates.last + 1, "message": {"message_id": "?", "chat": 7}}
    telegram.core.updates.last += 1
    telegram.core.updates.pending.append(Pending(broken, ("message", 7)))
    telegram.users.say(anna, anna, "Сколько спать?")
    async with service.process():
        await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER])
        await telegram.wait_for(lambda: not telegram.core.updates.pending)


async def test_update_stays_pending_while_the_database_is_away(
    service: TelegramService, telegram: FakeTelegram, anna: int, server_folder: Path
) -> None:
    async with await EmbeddedServer.open(server_folder) as server:
        service.dsn = server.dsn
        async with service.process():
            await telegram.wait_for(lambda: telegram.core.updates.polled)
            await asyncio.to_thread(server.cluster.stop, 30)
            with capture_logs() as logs:
                telegram.users.say(anna, anna, "Сколько спать?")
                await telegram.wait_for(lambda: any(log["event"] == "telegram.update_deferred" for log in logs))
            assert len(telegram.core.updates.pending) == 1
            await asyncio.to_thread(server.cluster.start, 60)
            await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER], within=60)
            await telegram.wait_for(lambda: not telegram.core.updates.pending)


async def test_rate_limited_person_gets_a_refusal(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    service.person_limits = TokenBucket(1, 1, 100)
    async with service.process():
        asked = [telegram.users.say(anna, anna, text) for text in ("раз?", "два?")]
        await telegram.wait_for(lambda: len(texts(telegram, anna)) == 2 and "…" not in texts(telegram, anna))
    replies = {answer.reply_to: answer.text for answer in telegram.users.answers(anna)}
    assert replies[asked[0]] == ANSWER
    assert replies[asked[1]].startswith("⚠️ ")


async def test_engine_failure_keeps_the_partial_answer_and_offers_a_retry(
    service: TelegramService, telegram: FakeTelegram, anna: int
) -> None:
    service.engine.fails_after = 2
    async with service.process():
        telegram.users.say(anna, anna, "Сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, anna) and "⚠️" in texts(telegram, anna)[0])
        assert texts(telegram, anna)[0].startswith("Rest and\n\n⚠️ ")
        assert labels(telegram, anna) == ["🔁 Спросить ещё раз"]


async def test_a_worker_that_stood_still_overwrites_nobodys_answer(
    service: TelegramService, telegram: FakeTelegram, anna: int, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker has claimed the turn and shown its answer, before this one goes on as if nothing had been."""
    monkeypatch.setattr("bot.turns.lease.HELD_FOR", 0.0)
    group = telegram.users.group("Reading", [anna])
    service.engine.held_after = 2
    async with service.process():
        telegram.users.mention(group, anna, "сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, group) == ["Rest and"])
        await run_sql(
            dsn,
            "UPDATE turns SET attempts = attempts + 1, state = 'delivered', answer = 'theirs', finish_reason = 'stop'",
            "DELETE FROM consilium_pgqueuer",
        )
        edits = len(telegram.records.states)
        with capture_logs() as logs:
            service.engine.go.set()
            await telegram.wait_for(lambda: any(log["event"] == "turn.lease_lost" for log in logs))
        assert len(telegram.records.states) == edits
        assert texts(telegram, group) == ["Rest and"]
