from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from db.errors import RecordNotFound, TurnLeaseLost, UnsafeRole
from db.infra.connection import Connection
from db.infra.database import Database
from db.infra.login_role import login_name
from db.memory import forgetting, memories, recall, record_lists, session_summary
from db.memory.memories import Origin
from db.people import audit, linking, sessions, users
from db.people.sessions import Session
from db.people.users import User
from db.turns import deliveries, states, turns
from db.turns.states import GeneratedAnswer
from tests.fixtures.postgres import run_sql
from tests.fixtures.turns import ask

# A row of each table that names $1 as its owner. `$2` is a session of the owner's.
INSERTS = {
    "users": "INSERT INTO users (id) SELECT $1::uuid WHERE $2::uuid IS NOT NULL",
    "identities": "INSERT INTO identities SELECT 'discord', '5', $1::uuid WHERE $2::uuid IS NOT NULL",
    "sessions": "INSERT INTO sessions (user_id, platform, place) SELECT $1, 'x', 'x' WHERE $2::uuid IS NOT NULL",
    "turns": "INSERT INTO turns (user_id, session_id, seq, question) VALUES ($1, $2, 99, 'x')",
    "memories": """
        INSERT INTO memories (user_id, session_id, kind, content, language) VALUES ($1, $2, 'fact', 'x', 'simple')
    """,
    "said_files": """
        INSERT INTO said_files (user_id, turn_id, n, name, content)
        SELECT $1, gen_random_uuid(), 9, 'x', '' WHERE $2::uuid IS NOT NULL
    """,
    "link_codes": """
        INSERT INTO link_codes (user_id, digest, expires_at) SELECT $1, 'x', now() WHERE $2::uuid IS NOT NULL
    """,
    "audit_log": "INSERT INTO audit_log (actor, action) SELECT $1::uuid, 'x' WHERE $2::uuid IS NOT NULL",
    "record_lists": "INSERT INTO record_lists (user_id, session_id, records) VALUES ($1, $2, '{}')",
    "parts": """
        INSERT INTO parts (user_id, turn_id, n, message_id)
        SELECT $1, gen_random_uuid(), 9, 'x' WHERE $2::uuid IS NOT NULL
    """,
}
NOBODYS = {
    "access_rules", "alembic_version", "allowances", "api_keys", "consilium_pgqueuer", "consilium_pgqueuer_log",
    "consilium_pgqueuer_schedules", "consilium_pgqueuer_statistics", "dead_letters", "erasures", "intake_marks",
    "processes", "schema_version",
}  # fmt: skip
"""Tables that hold nothing of what anybody has said."""
LIBRARY = {"collections", "documents", "chunks", "embedders", "vectors", "received", "router_vectors"}
"""Tables of minds, in which no row is a person's."""
OWNER = {"users": "id", "audit_log": "actor"}
"""The column that names the owner, where it is not `user_id`."""


@pytest_asyncio.fixture(loop_scope="session")
async def session(database: Database, anna: User) -> AsyncIterator[Session]:
    """A session of Anna's; with it she owns a row in every table."""
    async with database.person_transaction(anna.id) as connection:
        session = await sessions.get_or_create(connection, platform="console", place="home")
        turn = await ask(connection, session.id, "How far today?")
        await deliveries.record_message(connection, turn, 0, "m1")
        await linking.create_code(connection, b"x" * 32, timedelta(minutes=1))
        await audit.record(connection, "data.exported")
        await connection.execute(
            "INSERT INTO said_files (turn_id, user_id, n, name, content) VALUES ($1, $2, 0, 'f', '')", turn.id, anna.id
        )
        await memories.remember(connection, "fact", "runs", origin=Origin(session.id, turn.id))
        await record_lists.save(connection, session.id, record_lists.RecordList(["m:x"]))
    yield session


async def count(connection: Connection, table: str) -> int:
    return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


async def test_every_table_is_covered_here(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        personal = await connection.fetch(
            """
            SELECT attrelid::regclass::text AS tablename FROM pg_attribute
            WHERE attrelid = ANY ($1::regclass[]) AND attname = 'user_id' AND NOT attisdropped
            UNION SELECT conrelid::regclass::text FROM pg_constraint
            WHERE conrelid = ANY ($1::regclass[]) AND contype = 'f' AND NOT confrelid = ANY ($1::regclass[])
            """,
            sorted(LIBRARY),
        )
    finally:
        await connection.close()
    assert {row["tablename"] for row in tables} - NOBODYS == set(INSERTS) | LIBRARY
    assert personal == []


@pytest.mark.parametrize("table", INSERTS)
async def test_only_the_owner_sees_a_row(
    database: Database, anna: User, boris: User, session: Session, table: str
) -> None:
    async with database.person_transaction(anna.id) as connection:
        assert await count(connection, table) == 1
    async with database.person_transaction(boris.id) as connection:
        seen = await connection.fetch(f"SELECT {OWNER.get(table, 'user_id')} AS owner FROM {table}")
        assert all(row["owner"] == boris.id for row in seen)
    async with database.anonymous_transaction() as connection:
        assert await count(connection, table) == 0


@pytest.mark.parametrize("table", INSERTS)
@pytest.mark.parametrize("statement", ["UPDATE {table} SET {owner} = {owner}", "DELETE FROM {table}"])
async def test_only_the_owner_changes_a_row(
    database: Database, anna: User, boris: User, session: Session, table: str, statement: str
) -> None:
    owner = OWNER.get(table, "user_id")
    statement = statement.format(table=table, owner=owner) + f" WHERE {owner} = $1"
    for transaction in (database.person_transaction(boris.id), database.anonymous_transaction()):
        # Where the service never changes or deletes such rows it is not even granted to.
        with suppress(asyncpg.InsufficientPrivilegeError):
            async with transaction as connection:
                assert await connection.execute(statement, anna.id) == 0
    async with database.person_transaction(anna.id) as connection:
        assert await count(connection, table) == 1


@pytest.mark.parametrize("table", INSERTS)
async def test_nobody_adds_a_row_in_anothers_name(
    database: Database, anna: User, boris: User, session: Session, table: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.person_transaction(boris.id) as connection:
            await connection.execute(INSERTS[table], anna.id, session.id)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.anonymous_transaction() as connection:
            await connection.execute(INSERTS[table], anna.id, session.id)


@pytest.mark.parametrize("table", ["sessions", "turns", "memories"])
async def test_a_row_cannot_be_given_away(
    database: Database, anna: User, boris: User, session: Session, table: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with database.person_transaction(anna.id) as connection:
            await connection.execute(f"UPDATE {table} SET user_id = $1", boris.id)


@pytest.mark.parametrize("table", ["turns", "memories"])
async def test_a_row_cannot_hang_on_anothers_session(
    database: Database, boris: User, session: Session, table: str
) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with database.person_transaction(boris.id) as connection:
            await connection.execute(INSERTS[table], boris.id, session.id)


async def test_the_repositories_find_nothing_of_anothers(
    database: Database, anna: User, boris: User, session: Session
) -> None:
    async with database.person_transaction(anna.id) as connection:
        (turn,) = await turns.list_unfinished(connection)
        (kept,) = await memories.list_valid(connection)
    async with database.person_transaction(boris.id) as connection:
        for attempt in (
            sessions.set_mode(connection, session.id, "base"),
            sessions.start_window(connection, session.id),
            ask(connection, session.id, "Mine?"),
            turns.get(connection, turn.id),
        ):
            with pytest.raises(RecordNotFound):
                await attempt
        assert await states.claim(connection, turn.id, turn.id) is None
        assert await states.request_stop(connection, session.id) is None
        assert not await states.reopen_failed(connection, turn.id)
        for write in (
            states.start_answering(connection, turn, mode="base", adapter=None),
            states.save_answer(connection, turn, GeneratedAnswer("his", "stop")),
            states.save_command_result(connection, turn, "his", None, None, "base"),
            states.reschedule(connection, turn, count_as_failure=False),
            states.finish(connection, turn, "failed"),
            deliveries.record_message(connection, turn, 0, "1"),
        ):
            with pytest.raises(TurnLeaseLost):
                await write
        assert await turns.load_window(connection, session.id, 10) == []
        assert await turns.list_unfinished(connection) == []
        assert len(await recall.compute_features(connection, recall.RecallQuery("runs"))) == 0
        assert await recall.load_by_ids(connection, [kept.id]) == []
        assert await memories.correct(connection, kept.id, "his") is None
        assert not await memories.expire(connection, kept.id, kept.created_at)
        assert await session_summary.current_summary(connection, session.id) is None
        assert (
            await session_summary.list_turns_out_of_window(connection, session.id, window_size=0, after=None, limit=9)
            == []
        )
        assert await forgetting.delete_memories(connection, [kept.id]) == 0
        assert await memories.forget_all(connection) == 0
    async with database.person_transaction(anna.id) as connection:
        assert await memories.list_valid(connection) == [kept]
        assert await turns.list_unfinished(connection) == [turn]


async def test_the_person_ends_with_the_transaction(dsn: str) -> None:
    async with await Database.open(dsn, pool_size=1) as database:
        async with database.anonymous_transaction() as connection:
            anna = await users.identify(connection, platform="console", external_id="anna")
        async with database.person_transaction(anna.id) as connection:
            assert await count(connection, "users") == 1
        async with database.anonymous_transaction() as connection:
            assert await count(connection, "users") == 0
        async with database.person_transaction(uuid4()) as connection:
            assert await count(connection, "users") == 0
            assert await users.get(connection) is None
            with pytest.raises(RecordNotFound):
                await users.set_locale(connection, "ru")


async def test_who_a_connection_was_made_for_good_is_gone_with_the_transaction(dsn: str) -> None:
    async with await Database.open(dsn, pool_size=1) as database:
        async with database.anonymous_transaction() as connection:
            anna = await users.identify(connection, platform="console", external_id="anna")
            await connection.execute("SELECT set_config('app.user', $1, false)", str(anna.id))
        for _ in range(2):
            with suppress(ZeroDivisionError):
                async with database.anonymous_transaction() as connection:
                    assert await count(connection, "users") == 0
                    raise ZeroDivisionError
        async with database.anonymous_transaction() as connection:
            assert await count(connection, "users") == 0
            person = await connection.become_person(anna.id)
            assert await count(person, "users") == 1


async def test_a_changed_role_does_not_outlive_its_transaction(dsn: str) -> None:
    async with await Database.open(dsn, pool_size=1) as database:
        async with database.anonymous_transaction() as connection:
            await connection.execute("SET ROLE NONE")
            assert await connection.fetchval("SELECT current_user") == login_name("postgres")
        async with database.anonymous_transaction() as connection:
            assert await connection.fetchval("SELECT current_user") == "consilium_app"


@pytest.mark.parametrize(
    ("spoil", "mend", "said"),
    [
        ("ALTER ROLE consilium_app BYPASSRLS", "ALTER ROLE consilium_app NOBYPASSRLS", "BYPASSRLS"),
        ("ALTER ROLE consilium_app SUPERUSER", "ALTER ROLE consilium_app NOSUPERUSER", "superuser"),
        ("GRANT postgres TO consilium_app", "REVOKE postgres FROM consilium_app", "can become"),
        ("CREATE TABLE its AS SELECT 1", "DROP TABLE its", "owner of its"),
        ("CREATE SCHEMA its AUTHORIZATION consilium_app", "DROP SCHEMA its", "owns objects"),
        (
            "GRANT CREATE ON SCHEMA public TO consilium_app",
            "REVOKE CREATE ON SCHEMA public FROM consilium_app",
            "may run",
        ),
        (
            "GRANT pg_execute_server_program TO consilium_app",
            "REVOKE pg_execute_server_program FROM consilium_app",
            "true",
        ),
        ("ALTER TABLE turns NO FORCE ROW LEVEL SECURITY", "ALTER TABLE turns FORCE ROW LEVEL SECURITY", "off on turns"),
        ("ALTER TABLE users DISABLE ROW LEVEL SECURITY", "ALTER TABLE users ENABLE ROW LEVEL SECURITY", "off on users"),
    ],
)
async def test_a_role_that_sees_more_is_not_worked_with(dsn: str, spoil: str, mend: str, said: str) -> None:
    await run_sql(dsn, spoil)
    if "TABLE its" in spoil:
        await run_sql(dsn, "ALTER TABLE its OWNER TO consilium_app")
    try:
        with pytest.raises(UnsafeRole, match=said):
            await Database.open(dsn)
    finally:
        await run_sql(dsn, mend)
    async with await Database.open(dsn) as database:
        await database.ping()


async def test_in_a_chat_nothing_private_exists(database: Database, anna: User, session: Session) -> None:
    async with database.person_transaction(anna.id) as connection:
        for content, scope, chat in (
            ("said here", "chat", "telegram:1"),
            ("said there", "chat", "telegram:2"),
            ("for all", "shared", None),
        ):
            await memories.remember(connection, "fact", content, origin=Origin(scope=scope, chat=chat))
        everything = await memories.list_valid(connection)
    assert [kept.content for kept in everything] == ["runs", "said here", "said there", "for all"]
    async with database.person_transaction(anna.id) as connection:
        await memories.restrict_to_chat(connection, "telegram:1")
        assert [kept.content for kept in await memories.list_valid(connection)] == ["said here", "for all"]
        assert len(await recall.compute_features(connection, recall.RecallQuery("runs"))) == 2
        assert len(await recall.load_by_ids(connection, [kept.id for kept in everything])) == 2
        assert await count(connection, "memories") == 2
        assert await memories.correct(connection, everything[0].id, "known here") is None
        assert await forgetting.delete_memories(connection, [everything[0].id]) == 0
    async with database.person_transaction(anna.id) as connection:
        assert await memories.list_valid(connection) == everything


async def test_in_a_chat_no_private_turn_exists(database: Database, anna: User, session: Session) -> None:
    async with database.person_transaction(anna.id) as connection:
        for chat in ("-1", "-2"):
            there = await sessions.get_or_create(connection, platform="telegram", place=f"agoge/{chat}", chat=chat)
            turn = await ask(connection, there.id, f"In {chat}?")
            await deliveries.record_message(connection, turn, 0, "m")
    everything = dict.fromkeys(("sessions", "turns", "parts"), 3) | {"said_files": 1}
    for chat, seen in (("telegram:-1", 1), ("discord:-1", 0), ("telegram:-3", 0)):
        async with database.person_transaction(anna.id) as connection:
            await connection.enter_chat(chat)
            for table in everything:
                assert await count(connection, table) == (0 if table == "said_files" else seen), (chat, table)
            questions = [row["question"] for row in await connection.fetch("SELECT question FROM turns")]
            assert questions == ["In -1?"] * seen
            assert await connection.execute("UPDATE turns SET answer = 'x' WHERE question LIKE 'How%'") == 0
            assert await connection.execute("DELETE FROM sessions WHERE chat IS NULL") == 0
    async with database.person_transaction(anna.id) as connection:
        for table, number in everything.items():
            assert await count(connection, table) == number


async def test_of_anybodys_memories_only_that_they_lack_a_vector_comes_out(
    database: Database, dsn: str, boris: User, session: Session
) -> None:
    async with database.anonymous_transaction() as connection:
        (lacking,) = await memories.list_unembedded(connection, "e@1", 9)
        assert set(lacking.__slots__) == {"id", "user_id"}
        assert await count(connection, "memories") == 0
    async with database.person_transaction(boris.id) as connection:
        assert await memories.load_texts(connection, [lacking.id], "e@1") == []
    owner = await asyncpg.connect(dsn)
    try:
        await owner.execute("SET ROLE consilium_app")
        await owner.execute("SET app.counting = 'embedders'")
        assert await owner.fetchval("SELECT count(*) FROM memories") == 0
    finally:
        await owner.close()
