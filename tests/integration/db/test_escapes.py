"""What a statement on the service's own connection cannot do, whatever it begins with: forty attempts, and a row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from db.infra.database import Database
from db.infra.embedded_roles import OWNER_ROLE
from db.infra.embedded_server import EmbeddedServer
from db.infra.login_role import login_name
from db.infra.service_role import ESCAPES
from db.memory import memories
from db.people import users
from tests.fixtures.postgres import run_sql

TARGET = "/tmp/consilium-attempt"
LEAVES = [
    "SET ROLE postgres",
    f"SET ROLE {OWNER_ROLE}",
    "SET SESSION AUTHORIZATION postgres",
    f"SET SESSION AUTHORIZATION {OWNER_ROLE}",
    "SET ROLE NONE; SET SESSION AUTHORIZATION postgres",
    f"RESET SESSION AUTHORIZATION; SET ROLE {OWNER_ROLE}",
    f"RESET ROLE; SET ROLE {OWNER_ROLE}",
    "DISCARD ALL; SET ROLE postgres",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    f"GRANT {OWNER_ROLE} TO CURRENT_USER",
    "CREATE ROLE attempt SUPERUSER",
    f"ALTER ROLE {OWNER_ROLE} PASSWORD 'x'",
]
SWITCHES = [
    "ALTER TABLE turns DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE memories NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY own ON memories",
    "ALTER POLICY own ON memories USING (true)",
    "CREATE POLICY attempt ON memories USING (true)",
    "SET row_security = off; SELECT content FROM memories",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION current_person() RETURNS uuid LANGUAGE sql RETURN NULL::uuid",
    "DROP FUNCTION current_person() CASCADE",
    "ALTER FUNCTION current_person() SECURITY DEFINER",
    "CREATE FUNCTION public.attempt() RETURNS int LANGUAGE sql RETURN 1",
    "CREATE VIEW public.attempt AS SELECT * FROM memories",
    "CREATE TRIGGER attempt AFTER INSERT ON turns EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE attempt AS ON SELECT TO turns DO INSTEAD SELECT 1",
    "ALTER TABLE memories OWNER TO CURRENT_USER",
    "TRUNCATE memories CASCADE",
]
REACHES = [
    "COPY (SELECT 1) TO PROGRAM 'touch {target}'",
    "COPY memories TO '{target}'",
    "CREATE TEMP TABLE t (line text); COPY t FROM '/etc/passwd'",
    "CREATE TEMP TABLE t (line text); COPY t FROM PROGRAM 'id'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(lo_from_bytea(0, 'x'), '{target}')",
    "ALTER SYSTEM SET archive_command = 'touch {target}'",
    "SELECT pg_reload_conf()",
    "LOAD '/tmp/attempt.so'",
    "CREATE EXTENSION file_fdw",
    "CREATE LANGUAGE plpython3u",
    "SELECT pg_file_write('{target}', 'x', false)",
]
READS = [
    "SELECT content FROM memories",
    "SET ROLE NONE; SELECT content FROM memories",
    "SET app.overseeing = 'turns'; SELECT question FROM turns",
    "SET app.counting = 'embedders'; SELECT content FROM memories",
    "SET app.moving = 'chat'; SELECT content FROM memories",
    "SELECT set_config('app.joining', '{person}', false); SELECT content FROM memories",
    "CREATE TEMP VIEW attempt AS SELECT * FROM memories; SELECT content FROM attempt",
    "COPY memories TO STDOUT",
    "SELECT most_common_vals::text FROM pg_stats WHERE tablename = 'memories'",
    "EXPLAIN (ANALYZE) SELECT content FROM memories WHERE content LIKE 'secret%'",
]
"""Statements that may run, and in which no word of another person appears."""
SECRET = "secret-of-anna-8f3a"


@pytest_asyncio.fixture(loop_scope="session")
async def person(database: Database, dsn: str) -> AsyncIterator[UUID]:
    """A person with a memory."""
    async with database.anonymous_transaction() as connection:
        user = await users.identify(connection, platform="telegram", external_id="anna")
        await memories.remember(await connection.become_person(user.id), "fact", SECRET)
    await run_sql(dsn, "ANALYZE memories")
    yield user.id


def was_written() -> bool:
    """Whether an attempt has reached the machine."""
    return Path(TARGET).exists()


def test_the_attempts_are_many_and_those_at_start_are_among_their_kind() -> None:
    assert len({*LEAVES, *SWITCHES, *REACHES}) >= 40
    assert len(ESCAPES) >= 16


@pytest.mark.parametrize("before", ["", "SET ROLE NONE; "], ids=["as the role", "as the login"])
async def test_every_attempt_is_refused(database: Database, person: UUID, before: str) -> None:
    allowed = []
    for attempt in [*LEAVES, *SWITCHES, *REACHES]:
        try:
            async with database.person_transaction(person) as connection:
                await connection.raw.execute(before + attempt.format(target=TARGET))
        except (asyncpg.PostgresError, asyncpg.InterfaceError):
            continue
        allowed.append(attempt)
    assert allowed == []
    assert not was_written()


async def test_nobody_elses_words_are_read(database: Database, person: UUID) -> None:
    for attempt in READS:
        async with database.anonymous_transaction() as connection:
            *preparations, reading = attempt.format(person=person).split("; ")
            for statement in preparations:
                await connection.raw.execute(statement)
            if reading.startswith("COPY"):
                continue
            rows = await connection.raw.fetch(reading)
            assert SECRET not in str([tuple(row) for row in rows]), attempt


async def test_the_service_logs_in_with_a_role_of_its_own(postgres_server: EmbeddedServer, dsn: str) -> None:
    owner_dsn = dsn.replace("postgres@", f"{OWNER_ROLE}@", 1)
    await run_sql(dsn, f"ALTER DATABASE {dsn.partition('@/')[2].partition('?')[0]} OWNER TO {OWNER_ROLE}")
    async with await Database.open(owner_dsn) as database, database.anonymous_transaction() as connection:
        assert not database.logs_in_as_owner
        assert await connection.fetchval("SELECT session_user::text") == login_name(OWNER_ROLE)
        assert await connection.fetchval("SELECT current_user::text") == "consilium_app"
    owner = await asyncpg.connect(postgres_server.owner_dsn)
    try:
        assert not await owner.fetchval("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    finally:
        await owner.close()


async def test_what_an_earlier_release_made_as_the_superuser_becomes_the_owners(migrated_folder: Path) -> None:
    async with await EmbeddedServer.open(migrated_folder) as server:
        # As it was: everything belongs to the superuser, policies included.
        back = await _statements_back(server.dsn)
        await run_sql(server.dsn, "DROP DATABASE migrated")
        await run_sql(server.dsn, *back, "ALTER DATABASE postgres OWNER TO postgres", f"DROP OWNED BY {OWNER_ROLE}")
        await run_sql(server.dsn, f"DROP ROLE {OWNER_ROLE}", f"DROP ROLE {login_name(OWNER_ROLE)}")
    async with await EmbeddedServer.open(migrated_folder) as server:
        assert await _owned_by(server.dsn, "postgres") == 0
        async with await Database.open(server.owner_dsn) as database:
            async with database.anonymous_transaction() as connection:
                anna = await users.identify(connection, platform="telegram", external_id="anna")
                await memories.remember(await connection.become_person(anna.id), "fact", "runs")
            async with database.anonymous_transaction() as connection:
                assert len(await memories.list_unembedded(connection, "e@1", 9)) == 1


async def _owned_by(dsn: str, role: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(
            await connection.fetchval(
                """
                SELECT count(*) FROM pg_class
                WHERE relnamespace = 'public'::regnamespace AND relowner = $1::text::regrole AND relkind = 'r'
                """,
                role,
            )
        )
    finally:
        await connection.close()


async def _statements_back(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            """
            SELECT format('ALTER TABLE %s OWNER TO postgres', oid::regclass) AS statement FROM pg_class AS c
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            UNION ALL
            SELECT format('ALTER ROUTINE %s OWNER TO postgres', oid::regprocedure) FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND proowner = $1::text::regrole
            UNION ALL
            SELECT format('ALTER TYPE %s OWNER TO postgres', oid::regtype) FROM pg_type
            WHERE typnamespace = 'public'::regnamespace AND typowner = $1::text::regrole AND typtype = 'e'
            UNION ALL
            SELECT format('ALTER POLICY %I ON %s TO postgres', polname, polrelid::regclass) FROM pg_policy
            WHERE polroles = ARRAY[$1::text::regrole::oid]
            """,
            OWNER_ROLE,
        )
        return [row["statement"] for row in rows]
    finally:
        await connection.close()
