"""A chat that gets another id goes on as it was."""

from __future__ import annotations

import json

import asyncpg
import pytest

from db.infra.database import Database
from db.people import access_rules, chats, sessions, token_buckets
from db.people.access_rules import Rule
from db.people.sessions import Session
from db.people.token_buckets import TokenBucket
from db.people.users import User
from db.turns import turns
from db.turns.turns import NewTurn, Turn

OLD, NEW = "-4242", "-1001999"


async def ask(database: Database, user: User, place: str, chat: str | None, address: object) -> tuple[Session, Turn]:
    async with database.person_transaction(user.id) as connection:
        session = await sessions.get_or_create(connection, platform="telegram", place=place, mode="core", chat=chat)
        turn = await turns.accept(connection, session.id, NewTurn("?", "core", address=address))  # type: ignore[arg-type]
    return session, turn


async def seen(database: Database, user: User, session: Session, turn: Turn) -> tuple[str, str | None, object]:
    async with database.person_transaction(user.id) as connection:
        found = await sessions.get(connection, session.id)
        return found.place, found.chat, (await turns.get(connection, turn.id)).address


@pytest.mark.parametrize(
    ("place", "moved"),
    [
        (f"agoge/{OLD}", f"agoge/{NEW}"),
        (f"agoge/{OLD}/7", f"agoge/{NEW}/7"),
        (f"agoge/{OLD}:7", f"agoge/{NEW}:7"),
        (f"agoge/{OLD}7", f"agoge/{OLD}7"),
        ("agoge/elsewhere", "agoge/elsewhere"),
    ],
)
@pytest.mark.parametrize("as_number", [True, False])
async def test_places_and_addresses_follow(
    database: Database, anna: User, place: str, moved: str, as_number: bool
) -> None:
    address = {"chat": int(OLD) if as_number else OLD, "reply_to": 4242, "thread": None, "path": [OLD]}
    session, turn = await ask(database, anna, place, OLD, address)
    async with database.anonymous_transaction() as connection:
        assert await chats.move(connection, "telegram", OLD, NEW) == 1
        assert await chats.move(connection, "telegram", OLD, NEW) == 0
    expected = {**address, "chat": int(NEW) if as_number else NEW}
    assert await seen(database, anna, session, turn) == (moved, NEW, expected)


async def test_everybodys_sessions_move_and_no_other_chats(database: Database, anna: User, boris: User) -> None:
    hers = await ask(database, anna, f"agoge/{OLD}", OLD, {"chat": OLD})
    his = await ask(database, boris, f"agoge/{OLD}", OLD, {"chat": OLD})
    other = await ask(database, anna, "agoge/-1", "-1", {"chat": "-1"})
    alone = await ask(database, boris, f"agoge/{OLD}0", None, {"chat": OLD})
    async with database.anonymous_transaction() as connection:
        assert await chats.move(connection, "discord", OLD, NEW) == 0
        assert await chats.move(connection, "telegram", OLD, OLD) == 0
        assert await chats.move(connection, "telegram", OLD, NEW) == 2
    assert (await seen(database, anna, *hers))[1:] == (NEW, {"chat": NEW})
    assert (await seen(database, boris, *his))[1:] == (NEW, {"chat": NEW})
    assert await seen(database, anna, *other) == ("agoge/-1", "-1", {"chat": "-1"})
    assert await seen(database, boris, *alone) == (f"agoge/{OLD}0", None, {"chat": OLD})


async def test_who_has_written_there_already_has_one_session_afterwards(database: Database, anna: User) -> None:
    _, before = await ask(database, anna, f"agoge/{OLD}", OLD, {"chat": OLD})
    there, after = await ask(database, anna, f"agoge/{NEW}", NEW, {"chat": NEW})
    async with database.anonymous_transaction() as connection:
        assert await chats.move(connection, "telegram", OLD, NEW) == 1
    async with database.person_transaction(anna.id) as connection:
        session = await sessions.get_or_create(connection, platform="telegram", place=f"agoge/{NEW}")
        found = await turns.list_unfinished(connection)
        count = await connection.fetchval("SELECT count(*) FROM sessions")
    assert (session.id, count) == (there.id, 1)
    assert {turn.id: turn.seq for turn in found} == {after.id: 1, before.id: 2}
    assert all(turn.address == {"chat": NEW} for turn in found)


async def test_rules_and_what_is_counted_follow(database: Database, dsn: str) -> None:
    little = TokenBucket(burst=5, per_minute=0.001)
    async with database.anonymous_transaction() as connection:
        await access_rules.add(connection, "agoge", Rule("deny", "chat", "telegram", OLD))
        await access_rules.add(connection, "agoge", Rule("allow", "chat", "telegram", OLD))
        await access_rules.add(connection, "agoge", Rule("allow", "chat", "telegram", NEW))
        for key in (OLD, OLD, NEW):
            await token_buckets.consume(connection, chats.chat_key("telegram", key), little)
        await chats.move(connection, "telegram", OLD, NEW)
        rules = await access_rules.list_all(connection, "agoge", 10)
    assert rules == [Rule("allow", "chat", "telegram", NEW), Rule("deny", "chat", "telegram", NEW)]
    owner = await asyncpg.connect(dsn)
    counted = await owner.fetch("SELECT key, used FROM allowances")
    await owner.close()
    assert [(row["key"], row["used"]) for row in counted] == [(f"chat:telegram:{NEW}", 3)]


async def test_an_address_without_the_chat_stays_as_it_is(dsn: str) -> None:
    owner = await asyncpg.connect(dsn)
    for address in ({}, {"a": None}, {"a": {"chat": OLD}}, {"a": [1, "x"], "b": 4242, "c": "-42421"}):
        moved = await owner.fetchval("SELECT moved_address($1::jsonb, $2, $3)", json.dumps(address), OLD, NEW)
        assert json.loads(moved) == address
    await owner.close()
