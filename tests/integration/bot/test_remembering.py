"""Turns whose process went between the answer and remembering it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg

from bot.turns.memory_writer import MemoryWriter
from bot.turns.recovery import recover_unremembered
from tests.fakes.sglang_server import SGLangServer
from tests.fakes.talk import Talk

NOW = timedelta(0)


async def episodes(dsn: str) -> list[str]:
    owner = await asyncpg.connect(dsn)
    try:
        rows = await owner.fetch("SELECT content FROM memories WHERE kind = 'episode' ORDER BY created_at, content")
    finally:
        await owner.close()
    return [row["content"] for row in rows]


async def kept(dsn: str, number: int) -> list[str]:
    """The episodes, once there are so many."""
    async with asyncio.timeout(30):
        while len(found := await episodes(dsn)) < number:  # noqa: ASYNC110  # a row tells nobody
            await asyncio.sleep(0.05)
    return found


async def test_what_a_killed_process_did_not_remember_another_does_once(
    talk: Talk, server: SGLangServer, dsn: str
) -> None:
    services = talk.services
    own = services.turn_runner.memory_writer
    assert own is not None
    await talk.say("7", "/mode base")
    await talk.say("7", "I keep bees.")
    assert len(await kept(dsn, 2)) == 2
    # The process dies with the next turn in line: nothing in it remembers any more.
    services.turn_runner.memory_writer = MemoryWriter(own._recorder, extract_facts=False)
    await talk.say("7", "How far today?")
    await talk.settled(remembered=False)
    assert "How far today?" not in await episodes(dsn)
    # As long as its process may still come to it, it is left alone.
    mind, database = services.mind.name, services.database
    assert await recover_unremembered(database, mind, own) == 0
    assert await recover_unremembered(database, "another mind", own, NOW) == 0
    assert await recover_unremembered(database, mind, own, NOW) == 1
    assert (await kept(dsn, 4))[2:] == ["How far today?", "Rest and sleep."]
    async with asyncio.timeout(30):
        while await recover_unremembered(database, mind, own, NOW):  # noqa: ASYNC110  # a row tells nobody
            await asyncio.sleep(0.05)
    assert len(await episodes(dsn)) == 4


async def test_what_was_forgotten_is_not_caught_up_with(talk: Talk, server: SGLangServer, dsn: str) -> None:
    services = talk.services
    own = services.turn_runner.memory_writer
    assert own is not None
    services.turn_runner.memory_writer = MemoryWriter(own._recorder, extract_facts=False)
    await talk.say("7", "/mode base")
    await talk.say("7", "I keep bees.")
    await talk.settled(remembered=False)
    await talk.say("7", "/forget all")
    assert await recover_unremembered(services.database, services.mind.name, own, NOW) == 0
    assert await episodes(dsn) == []


async def test_the_next_question_knows_what_is_not_remembered_yet(talk: Talk, server: SGLangServer) -> None:
    services = talk.services
    own = services.turn_runner.memory_writer
    assert own is not None
    services.turn_runner.memory_writer = MemoryWriter(own._recorder, extract_facts=False)
    await talk.say("7", "/mode base")
    await talk.say("7", "My locker is zebra-4711.")
    await talk.say("7", "/new")
    await talk.say("7", "Which locker is mine?")
    assert "zebra-4711" in str(server.requests[-1]["messages"])
    await talk.say("7", "/new")
    await talk.say("7", "Which locker is mine?", chat="-5")
    assert "zebra-4711" not in str(server.requests[-1]["messages"])
    await talk.say("7", "/forget all")
    await talk.say("7", "Which locker is mine?")
    assert "zebra-4711" not in str(server.requests[-1]["messages"])
