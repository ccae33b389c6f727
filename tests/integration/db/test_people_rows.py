"""The database's own part in joining, forgetting and access: who may do it, and to whose rows."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest

from db.infra.database import Database
from db.people import linking, personal_data, sessions, users
from db.people.users import User
from db.turns import deliveries, turns
from db.turns.turns import NewTurn

CODE = b"c" * 32


async def ask(database: Database, user: User) -> turns.Turn:
    async with database.person_transaction(user.id) as connection:
        session = await sessions.get_or_create(connection, platform="console", place="agoge/home")
        return await turns.accept(connection, session.id, NewTurn("?", "core"))


async def test_files_belong_to_the_person_and_go_with_the_turn(database: Database, anna: User, boris: User) -> None:
    turn = await ask(database, anna)
    async with database.person_transaction(anna.id) as connection:
        await deliveries.save_files(connection, turn.id, [("a.json", b"{}"), ("b.bin", bytes(range(256)))])
        assert await deliveries.load_files(connection, turn.id) == [("a.json", b"{}"), ("b.bin", bytes(range(256)))]
    async with database.person_transaction(boris.id) as connection:
        assert await deliveries.load_files(connection, turn.id) == []
        await deliveries.delete_files(connection, turn.id)
        with pytest.raises((asyncpg.ForeignKeyViolationError, asyncpg.UniqueViolationError)):
            async with connection.savepoint():
                await deliveries.save_files(connection, turn.id, [("c", b"")])
    async with database.person_transaction(anna.id) as connection:
        assert len(await deliveries.load_files(connection, turn.id)) == 2
        await connection.execute("DELETE FROM sessions")
        assert await connection.fetchval("SELECT count(*) FROM said_files") == 0


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO said_files VALUES ($2, $1, 9, 'x', 'x')",
        "INSERT INTO link_codes SELECT $1::uuid, 'x', now() WHERE $2::uuid IS NOT NULL",
    ],
)
async def test_nobody_adds_a_row_in_anothers_name(database: Database, anna: User, boris: User, statement: str) -> None:
    turn = await ask(database, anna)
    for transaction in (database.person_transaction(boris.id), database.anonymous_transaction()):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with transaction as connection:
                await connection.execute(statement, anna.id, turn.id)


async def test_codes_are_seen_by_who_offers_them_alone(database: Database, anna: User, boris: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        await linking.create_code(connection, CODE, timedelta(minutes=1))
        assert await connection.fetchval("SELECT count(*) FROM link_codes") == 1
    for transaction in (database.person_transaction(boris.id), database.anonymous_transaction()):
        async with transaction as connection:
            assert await connection.fetchval("SELECT count(*) FROM link_codes") == 0


async def test_nobody_is_joined_without_a_person_or_a_code(database: Database, anna: User, boris: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        await linking.create_code(connection, CODE, timedelta(seconds=-1))
    async with database.person_transaction(boris.id) as connection:
        assert await linking.request(connection, CODE, "boris") is None
        assert not await linking.agree(connection)
    async with database.person_transaction(anna.id) as connection:
        await linking.create_code(connection, CODE, timedelta(minutes=1))
    async with database.anonymous_transaction() as connection:
        assert await connection.fetchval("SELECT request_link($1, '')", CODE) is None
        assert not await connection.fetchval("SELECT agree_link()")
        assert await connection.fetchval("SELECT complete_link()") is None
        # What opens the rows to the function opens them to nobody else.
        await connection.execute("SELECT set_config('app.joining', $1, true)", f"{anna.id} {boris.id}")
        await connection.execute("SELECT set_config('app.moving', 'chat', true)")
        assert await connection.fetchval("SELECT count(*) FROM users") == 0
        assert await connection.fetchval("SELECT count(*) FROM link_codes") == 0
    async with database.person_transaction(boris.id) as connection:
        # What an earlier release links with, without asking.
        assert await connection.fetchval("SELECT join_person($1)", CODE) is None
        assert await linking.request(connection, CODE, "boris") == anna.id
        assert await linking.complete(connection) is None


async def test_parts_of_the_work_are_not_for_the_service(database: Database, anna: User) -> None:
    turn = await ask(database, anna)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.person_transaction(anna.id) as connection:
            await connection.execute("SELECT merge_session($1, $1)", turn.session_id)


async def test_a_person_with_a_name_does_not_vanish(database: Database, anna: User, boris: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        await personal_data.delete_person(connection)
        assert await users.get(connection) == anna
        await connection.execute("DELETE FROM identities WHERE user_id = $1", boris.id)
        await connection.execute("DELETE FROM users WHERE id = $1", boris.id)
    async with database.person_transaction(boris.id) as connection:
        assert await users.get(connection) == boris
        assert len(await linking.list_identities(connection)) == 1


async def test_the_last_name_cannot_be_left(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        assert not await linking.unlink(connection, "console", "anna")
        assert not await linking.unlink(connection, "console", "boris")
        assert len(await linking.list_identities(connection)) == 1
