"""What was written while no gateway was connected, or was lost with one, is taken in by the next, once and in order."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from structlog.testing import capture_logs

from db.turns import intake_marks
from tests.fixtures.discord_service import DiscordService
from tests.fixtures.postgres import run_sql


async def questions(service: DiscordService) -> list[str]:
    connection = await asyncpg.connect(service.dsn)
    try:
        return [
            row["question"] for row in await connection.fetch("SELECT question FROM turns ORDER BY created_at, seq")
        ]
    finally:
        await connection.close()


async def wait_mark(service: DiscordService, message: str) -> None:
    """Wait until everything up to a message is noted as taken in."""
    async with asyncio.timeout(20):
        while True:
            async with service.services.database.anonymous_transaction() as connection:
                if (await intake_marks.read(connection, "discord", "0/1") or 0) >= int(message):
                    return
            await asyncio.sleep(0.05)


async def test_messages_written_between_two_gateways_are_taken_in_once(service: DiscordService) -> None:
    people, ann, channel = service.people, service.ann, service.channel
    dm, thread = people.dm(ann), people.start_thread(channel, "aside")
    async with service.receiving():
        people.send(dm, ann, "before, directly")
        before = people.send(channel, ann, "before, in a channel", mentions=[people.bot])
        await service.wait_turn("question = 'before, in a channel'")
        await service.wait_turn("question = 'before, directly'")
        await wait_mark(service, before)
    people.send(dm, ann, "missed 1")
    people.send(channel, ann, "missed 2", mentions=[people.bot])
    people.send(channel, ann, "not for the bot")
    people.send(thread, ann, "missed 3", mentions=[people.bot])
    people.send(dm, ann, "missed 4")
    with capture_logs() as logs:
        async with service.receiving():
            later = people.send(dm, ann, "after")
            await service.wait_turn("question = 'after'")
            for n in (1, 2, 3, 4):
                await service.wait_turn(f"question = 'missed {n}'")
            await wait_mark(service, later)
    asked = await questions(service)
    assert sorted(asked) == sorted(set(asked)), "each once"
    direct = [text for text in asked if text in ("before, directly", "missed 1", "missed 4", "after")]
    assert direct == ["before, directly", "missed 1", "missed 4", "after"]
    assert [entry["messages"] for entry in logs if entry["event"] == "discord.messages_caught_up"]


@pytest.mark.parametrize("has_role", [True, False])
async def test_a_missed_message_has_its_authors_roles(service: DiscordService, has_role: bool) -> None:
    people, ann, channel = service.people, service.ann, service.channel
    role = people.give_role(service.guild, ann, "reader") if has_role else None
    async with service.receiving():
        await wait_mark(service, people.send(channel, ann, "first", mentions=[people.bot]))
    people.send(channel, ann, "missed", mentions=[people.bot])
    async with service.receiving():
        await service.wait_turn("question = 'missed'")
    connection = await asyncpg.connect(service.dsn)
    try:
        roles = await connection.fetchval("SELECT roles FROM turns WHERE question = 'missed'")
    finally:
        await connection.close()
    assert list(roles or ()) == ([role] if role else [])


async def test_a_message_that_is_not_stored_holds_the_mark_back(service: DiscordService) -> None:
    people, ann = service.people, service.ann
    dm = people.dm(ann)
    async with service.receiving():
        await wait_mark(service, people.send(dm, ann, "stored"))
        await run_sql(service.dsn, "ALTER TABLE turns RENAME TO turns_away")
        people.send(dm, ann, "not stored")
        await asyncio.sleep(0.5)
        # Killed, it would end with all that it holds in memory.
        for task in service.gateway._event_tasks:
            task.cancel()
    await run_sql(service.dsn, "ALTER TABLE turns_away RENAME TO turns")
    async with service.receiving():
        await service.wait_turn("question = 'not stored'")
    assert await questions(service) == ["stored", "not stored"]
