"""Joining, moving and forgetting where the tables' owner is no superuser: row-level security binds him too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest_asyncio

from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.infra.embedded_server import EmbeddedServer
from db.memory import memories
from db.memory.memories import Origin
from db.people import access_rules, chats, linking, personal_data, sessions, users
from db.people.access_rules import Rule, Subject
from db.turns import deliveries, states, turns
from db.turns.turns import NewTurn, Turn
from tests.fixtures.postgres import dsn_of, run_sql

CODE = b"c" * 32


@pytest_asyncio.fixture(loop_scope="session")
async def plain(postgres_server: EmbeddedServer) -> AsyncIterator[Database]:
    """A database whose owner, who migrates it and logs in to it, is no superuser."""
    name = f"plain_{uuid4().hex[:12]}"
    admin = postgres_server.dsn
    await run_sql(
        admin,
        f"CREATE ROLE {name} LOGIN",
        f"GRANT consilium_app TO {name} WITH INHERIT FALSE, SET TRUE",
        f"CREATE DATABASE {name} OWNER {name}",
    )
    await run_sql(dsn_of(admin, name), "CREATE EXTENSION vector")
    try:
        async with await Database.open(dsn_of(admin, name).replace("postgres@", f"{name}@", 1)) as database:
            yield database
    finally:
        await run_sql(admin, f"DROP DATABASE {name} WITH (FORCE)", f"DROP ROLE {name}")


async def come(database: Database, name: str, place: str, chat: str | None) -> tuple[PersonConnection, Turn]:
    """A person with a row in every table."""
    async with database.anonymous_transaction() as connection:
        user = await users.identify(connection, platform="telegram", external_id=name)
        person = await connection.become_person(user.id)
        session = await sessions.get_or_create(person, platform="telegram", place=place, chat=chat)
        turn = await turns.accept(person, session.id, NewTurn(name, "core", address={"chat": chat}))
        await memories.remember(person, "fact", name, origin=Origin(session.id, turn.id))
        claimed = await states.claim(person, turn.id, uuid4())
        assert claimed is not None
        await deliveries.record_message(person, claimed, 0, f"message of {name}")
    return person, turn


async def test_two_are_joined(plain: Database) -> None:
    anna, _ = await come(plain, "anna", "agoge/-1", "-1")
    boris, _ = await come(plain, "boris", "agoge/-1", "-1")
    await come(plain, "boris", "agoge/2", None)
    stranger, _ = await come(plain, "stranger", "agoge/-1", "-1")
    async with plain.person_transaction(anna.user_id) as connection:
        await linking.create_code(connection, CODE, timedelta(minutes=1))
    async with plain.person_transaction(boris.user_id) as connection:
        assert await linking.request(connection, CODE, "boris") == anna.user_id
        assert await linking.agree(connection)
    async with plain.person_transaction(anna.user_id) as connection:
        assert await linking.complete(connection) == boris.user_id
    async with plain.person_transaction(anna.user_id) as connection:
        held = await personal_data.export(connection, [])
    counts = {table: len(held[table]) for table in ("identities", "sessions", "turns", "parts", "memories")}
    assert counts == {"identities": 2, "sessions": 2, "turns": 3, "parts": 3, "memories": 3}
    async with plain.person_transaction(stranger.user_id) as connection:
        held = await personal_data.export(connection, [])
    assert {len(held[table]) for table in counts} == {1}


async def test_a_chat_moves(plain: Database) -> None:
    anna, turn = await come(plain, "anna", "agoge/-1", "-1")
    await come(plain, "boris", "agoge/-1", "-1")
    await come(plain, "boris", "agoge/-2", "-2")
    async with plain.anonymous_transaction() as connection:
        assert await chats.move(connection, "telegram", "-1", "-2") == 2
    async with plain.person_transaction(anna.user_id) as connection:
        assert (await sessions.get(connection, turn.session_id)).place == "agoge/-2"


async def test_a_person_is_forgotten(plain: Database) -> None:
    anna, turn = await come(plain, "anna", "agoge/1", None)
    boris, _ = await come(plain, "boris", "agoge/2", None)
    async with plain.person_transaction(anna.user_id) as connection:
        assert await personal_data.erase(connection, turn.id, []) == []
    async with plain.person_transaction(anna.user_id) as connection:
        assert (await turns.get(connection, turn.id)).question == ""
        await personal_data.delete_person(connection)
        assert await users.get(connection) is None
    async with plain.person_transaction(boris.user_id) as connection:
        assert len((await personal_data.export(connection, []))["memories"]) == 1


async def test_rules_hold_under_all_names(plain: Database) -> None:
    await come(plain, "anna", "agoge/1", None)
    rule = Rule("deny", "chat", "telegram", "-5")
    async with plain.anonymous_transaction() as connection:
        assert await access_rules.add(connection, "agoge", rule)
        around = [Subject("chat", "telegram", "-5")]
        found = await access_rules.find_applicable(
            connection, "agoge", platform="telegram", external_id="anna", context=around
        )
    assert found.rules == (rule,)
    assert found.identities == {("telegram", "anna")}
