"""What goes wrong between the service and Telegram, and what people see of it: their answers, each once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from db.infra.embedded_server import EmbeddedServer
from tests.fakes.telegram.scripting import Fault
from tests.fakes.telegram.server import FakeTelegram
from tests.fakes.telegram.updates import Pending
from tests.integration.bot.telegram.conftest import House, Process, labels, texts

ANSWER = "Rest and sleep."


async def until_states(process: Process, person: int, wanted: list[str]) -> None:
    """Return once a person's turns are in these states, oldest first."""
    async with asyncio.timeout(10):
        while await states(process, person) != wanted:  # noqa: ASYNC110  # rows tell nobody that they change
            await asyncio.sleep(0.05)


async def states(process: Process, person: int) -> list[str]:
    """The states of a person's turns, oldest first."""
    async with process.database.anonymous_transaction() as connection:
        user = await connection.fetchval("SELECT id FROM identify('telegram', $1, NULL)", str(person))
    async with process.database.person_transaction(user) as connection:
        return [row["state"] for row in await connection.fetch("SELECT state FROM turns ORDER BY seq")]


async def test_a_message_whose_sending_nobody_confirmed_doubles_no_answer(
    house: House, telegram: FakeTelegram, anna: int
) -> None:
    telegram.faults.pending += [Fault("sendMessage", "drop", after=True), Fault("editMessageText", "drop", after=True)]
    async with house.process() as process:
        telegram.users.say(anna, anna, "Сколько спать?")
        await telegram.wait_for(lambda: ANSWER in texts(telegram, anna))
        await telegram.wait_for(lambda: telegram.records.requests[-1].answered_at)
        await until_states(process, anna, ["delivered"])
    assert texts(telegram, anna) == ["…", ANSWER]
    assert house.engine.asked == ["Сколько спать?"]


async def test_another_process_goes_on_in_the_same_message(house: House, telegram: FakeTelegram, anna: int) -> None:
    group = telegram.users.group("Reading", [anna], kind="group")
    house.engine.held_after = 2
    async with house.process():
        telegram.users.mention(group, anna, "сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, group) == ["Rest and"])
    (begun,) = telegram.users.answers(group)
    house.engine.pieces = ["Another", " answer."]
    house.engine.held_after = None
    async with house.process():
        await telegram.wait_for(lambda: texts(telegram, group) == ["Another answer."])
    assert [answer.id for answer in telegram.users.answers(group)] == [begun.id]


async def test_a_shorter_second_attempt_takes_away_what_is_left_over(
    house: House, telegram: FakeTelegram, anna: int
) -> None:
    group = telegram.users.group("Reading", [anna])
    house.engine.pieces = ["word " * 1500, "more", "never"]
    house.engine.held_after = 2
    async with house.process():
        telegram.users.mention(group, anna, "сколько?")
        await telegram.wait_for(lambda: len(texts(telegram, group)) == 2 and texts(telegram, group)[1].endswith("more"))
    house.engine.pieces, house.engine.held_after = ["Short."], None
    async with house.process():
        await telegram.wait_for(lambda: texts(telegram, group) == ["Short."])


async def test_a_chat_that_is_closed_for_a_while_gets_the_whole_answer(
    house: House, telegram: FakeTelegram, anna: int
) -> None:
    group = telegram.users.group("Reading", [anna])
    telegram.limits.in_flight = 0
    telegram.faults.pending.append(Fault("editMessageText", "flood", seconds=2))
    async with house.process():
        telegram.users.mention(group, anna, "сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, group) == [ANSWER])
    refused = [request for request in telegram.records.requests if request.status == 429]
    assert len(refused) == 1


@pytest.mark.parametrize("kind", ["error", "html", "drop"])
async def test_a_telegram_that_fails_for_a_while_loses_nothing(
    house: House, telegram: FakeTelegram, anna: int, kind: str
) -> None:
    telegram.faults.pending += [
        Fault(method, kind, times=2) for method in ("getUpdates", "sendMessage", "sendMessageDraft", "editMessageText")
    ]
    async with house.process():
        telegram.users.say(anna, anna, "Сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER], within=20)


async def test_who_has_blocked_the_bot_holds_nobody_up(house: House, telegram: FakeTelegram, anna: int) -> None:
    boris = telegram.users.person("Boris")
    house.engine.held_after = 2
    async with house.process() as process:
        telegram.users.say(anna, anna, "Сколько спать?")
        await telegram.wait_for(lambda: (d := telegram.users.draft(anna)) and d.text)
        telegram.users.block(anna)
        house.engine.go.set()
        telegram.users.say(boris, boris, "And me?")
        await telegram.wait_for(lambda: texts(telegram, boris) == [ANSWER])
        await until_states(process, anna, ["failed"])
        telegram.users.block(anna, False)
        telegram.users.say(anna, anna, "Ещё раз?")
        await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER])


async def test_where_it_may_not_write_it_gives_up(house: House, telegram: FakeTelegram, anna: int) -> None:
    group = telegram.users.group("Reading", [anna])
    telegram.users.bot_status(group, "restricted", anna)
    async with house.process() as process:
        telegram.users.mention(group, anna, "сколько спать?")
        await until_states(process, anna, ["failed"])
    assert texts(telegram, group) == []


async def test_an_answer_whose_message_was_deleted_comes_in_a_new_one(
    house: House, telegram: FakeTelegram, anna: int
) -> None:
    group = telegram.users.group("Reading", [anna])
    house.engine.held_after = 2
    async with house.process():
        telegram.users.mention(group, anna, "сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, group) == ["Rest and"])
        telegram.users.delete(group, telegram.users.answers(group)[0].id)
        house.engine.go.set()
        await telegram.wait_for(lambda: texts(telegram, group) == [ANSWER])


async def test_an_answer_to_a_deleted_topic_comes_to_the_chat(house: House, telegram: FakeTelegram, anna: int) -> None:
    forum = telegram.users.group("Forum", [anna], forum=True)
    topic = telegram.users.topic(forum, anna, "One")
    async with house.process(answers=False):
        telegram.users.say(forum, anna, "@consilium_bot сколько спать?", thread=topic)
        await telegram.wait_for(lambda: not telegram.core.updates.pending)
    telegram.users.drop_topic(forum, topic)
    async with house.process():
        await telegram.wait_for(lambda: texts(telegram, forum) == [ANSWER])


async def test_a_group_that_becomes_a_supergroup_goes_on(house: House, telegram: FakeTelegram, anna: int) -> None:
    group = telegram.users.group("Reading", [anna], kind="group")
    house.engine.held_after = 2
    async with house.process():
        telegram.users.say(group, anna, "/mode core")
        await telegram.wait_for(lambda: texts(telegram, group) and "core" in texts(telegram, group)[0])
        telegram.users.say(group, anna, "/mode base")
        await telegram.wait_for(lambda: len(texts(telegram, group)) == 2 and "base" in texts(telegram, group)[1])
        telegram.users.mention(group, anna, "сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, group)[2:] == ["Rest and"])
        grown = telegram.users.migrate(group)
        house.engine.go.set()
        await telegram.wait_for(lambda: texts(telegram, grown) == [ANSWER])
        telegram.users.say(grown, anna, "/retry")
        await telegram.wait_for(lambda: texts(telegram, grown) == [ANSWER, ANSWER])


async def test_an_update_nobody_can_read_holds_up_no_other(house: House, telegram: FakeTelegram, anna: int) -> None:
    broken: dict[str, Any] = {"update_id": telegram.core.updates.last + 1, "message": {"message_id": "?", "chat": 7}}
    telegram.core.updates.last += 1
    telegram.core.updates.pending.append(Pending(broken, ("message", 7)))
    telegram.users.say(anna, anna, "Сколько спать?")
    async with house.process():
        await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER])
        await telegram.wait_for(lambda: not telegram.core.updates.pending)


async def test_a_message_is_not_acknowledged_before_it_is_kept(
    house: House, telegram: FakeTelegram, anna: int, migrated_folder: Path
) -> None:
    async with await EmbeddedServer.open(migrated_folder) as server:
        house.dsn = server.dsn
        async with house.process():
            await telegram.wait_for(lambda: telegram.core.updates.polled)
            await asyncio.to_thread(server.cluster.stop, 30)
            telegram.users.say(anna, anna, "Сколько спать?")
            await asyncio.sleep(1)
            assert len(telegram.core.updates.pending) == 1
            await asyncio.to_thread(server.cluster.start, 60)
            await telegram.wait_for(lambda: texts(telegram, anna) == [ANSWER], within=60)
            await telegram.wait_for(lambda: not telegram.core.updates.pending)


async def test_who_writes_too_fast_is_told_so(house: House, telegram: FakeTelegram, anna: int) -> None:
    house.person = type(house.person)(1, 1, 100)
    async with house.process():
        asked = [telegram.users.say(anna, anna, text) for text in ("раз?", "два?")]
        await telegram.wait_for(lambda: len(texts(telegram, anna)) == 2 and "…" not in texts(telegram, anna))
    told = {answer.reply_to: answer.text for answer in telegram.users.answers(anna)}
    assert told[asked[0]] == ANSWER
    assert told[asked[1]].startswith("⚠️ ")


async def test_an_engine_that_fails_leaves_what_came_and_a_way_to_ask_again(
    house: House, telegram: FakeTelegram, anna: int
) -> None:
    house.engine.fails_after = 2
    async with house.process():
        telegram.users.say(anna, anna, "Сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, anna) and "⚠️" in texts(telegram, anna)[0])
        assert texts(telegram, anna)[0].startswith("Rest and\n\n⚠️ ")
        assert labels(telegram, anna) == ["🔁 Спросить ещё раз"]
