"""A backup holds everything, as of one moment, and comes back whole or not at all."""

from __future__ import annotations

import asyncio
import random
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from db.backup.errors import (
    BackupDamaged,
    BackupDoesNotFit,
    BackupTooNew,
    DatabaseAhead,
    DatabaseNotEmpty,
    FileExists,
    FileNotWritten,
    NothingToBackUp,
    RowsHidden,
)
from db.backup.file_format import check_backup
from db.backup.restore import restore_backup
from db.backup.snapshot import make_backup
from db.backup.tables import list_tables, names_in_migrations
from db.infra.database import Database
from db.infra.embedded_roles import OWNER_ROLE
from db.infra.embedded_server import EmbeddedServer
from db.infra.migrate import current_version, migrate
from db.infra.migrations.revisions import REVISIONS
from db.memory import memories
from db.people import audit, users
from tests.fixtures.backups import owner_of
from tests.fixtures.full_database import connected, fill_database, rows_of
from tests.fixtures.postgres import TEMPLATE, fresh_database, run_sql


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def full_dsn(postgres_server: EmbeddedServer) -> AsyncIterator[str]:
    """A database with rows in every table; not to be changed."""
    async with fresh_database(postgres_server.dsn, TEMPLATE) as dsn:
        await fill_database(dsn)
        yield dsn


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def backup(full_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it."""
    path = tmp_path_factory.mktemp("backup") / "full.backup"
    await make_backup(full_dsn, path, program="1.2.3", mind="agoge", mind_digest="d")
    return path


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def flip_a_bit(source: Path, target: Path) -> None:
    data = bytearray(source.read_bytes())
    data[len(data) // 2] ^= 4
    target.write_bytes(data)


async def restore(dsn: str, path: Path, **more: object) -> object:
    return await restore_backup(owner_of(dsn), path, **more)  # type: ignore[arg-type]


async def test_the_tables_are_those_of_the_database(dsn: str) -> None:
    async with connected(dsn) as connection:
        there = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        )
        assert {row["relname"] for row in there} - {"alembic_version", "schema_version"} == set(names_in_migrations())
        assert [table.name for table in await list_tables(connection)][-1] != "users"


async def test_everything_comes_back_row_by_row_and_vector_by_vector(
    full_dsn: str, backup: Path, owned_dsn: str
) -> None:
    await restore(owned_dsn, backup)
    before, after = await rows_of(full_dsn), dict(await rows_of(owned_dsn))
    [entry] = set(after["audit_log"]) - set(before["audit_log"])
    assert "backup.restored" in entry
    after["audit_log"] = [row for row in after["audit_log"] if row != entry]
    assert before == after
    assert all(before.values())
    # What is not in rows: the next ids, row-level security, triggers.
    await run_sql(owned_dsn, "INSERT INTO collections (mind, name, kind, trust) VALUES ('x', 'x', 'x', 'x')")
    async with await Database.open(owner_of(owned_dsn)) as database:
        async with database.anonymous_transaction() as connection:
            assert await connection.fetch("SELECT FROM memories") == []
            person = await users.identify(connection, platform="telegram", external_id="1")
            latest = await audit.list_latest(connection, 1)
            assert (latest[0].actor, latest[0].action) == (audit.OPERATOR, "backup.restored")
        async with database.person_transaction(person.id) as connection:
            assert len(await memories.list_valid(connection)) == 38
    async with connected(owned_dsn) as connection:
        changed = await connection.fetchval("SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'")
        assert changed == 0


async def test_the_librarys_index_is_made_again(dsn: str, owned_dsn: str, tmp_path: Path) -> None:
    await fill_database(dsn)
    async with connected(dsn) as connection, connection.transaction():
        await connection.execute("SELECT settle_library(1::smallint, 10)")
        made = await connection.fetchval("SELECT pg_get_indexdef('vectors_of_1'::regclass)")
    await make_backup(dsn, tmp_path / "b", program="1")
    await restore(owned_dsn, tmp_path / "b")
    async with connected(owned_dsn) as connection:
        assert await connection.fetchval("SELECT pg_get_indexdef('vectors_of_1'::regclass)") == made


async def test_a_backup_is_of_one_moment_while_people_write(dsn: str, owned_dsn: str, tmp_path: Path) -> None:
    """Each transaction adds a fact for two people; a backup that mixes moments has one without the other."""
    async with await Database.open(dsn) as database:
        async with database.anonymous_transaction() as connection:
            people = [(await users.identify(connection, platform="t", external_id=str(n))).id for n in range(8)]
        writing = True
        written = 0

        async def write(one: UUID, other: UUID) -> None:
            nonlocal written
            while writing:
                written += 1
                text = f"Fact {written} of both. " * 20
                async with database.person_transaction(one) as connection:
                    await memories.remember(connection, "fact", text)
                    await memories.remember(await connection.become_person(other), "fact", text)

        writers = [asyncio.create_task(write(*people[n : n + 2])) for n in range(0, 8, 2)]
        contents = None
        for number in range(3):
            await asyncio.sleep(0.1)
            contents = await make_backup(dsn, tmp_path / str(number), program="1")
        writing = False
        await asyncio.gather(*writers)
    assert contents is not None
    assert written * 2 > contents.rows["memories"] > 0
    await restore(owned_dsn, tmp_path / "2")
    async with connected(owned_dsn) as connection:
        assert await connection.fetchval("SELECT count(*) FROM memories") == contents.rows["memories"]
        counts = await connection.fetch(
            "SELECT content, count(*) % 2 AS odd FROM memories GROUP BY content HAVING count(*) % 2 = 1"
        )
        assert counts == []


def test_only_its_owner_may_read_a_backup(backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_is_recognised(backup: Path, tmp_path: Path, seed: int) -> None:
    data = bytearray(backup.read_bytes())
    chance = random.Random(seed)
    if seed % 4 == 0:
        del data[chance.randrange(len(data)) :]
    elif seed % 4 == 1:
        data += chance.randbytes(chance.randint(1, 9))
    else:
        data[chance.randrange(min(len(data), 600 if seed % 4 == 2 else len(data)))] ^= 1 << chance.randrange(8)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(data)
    with pytest.raises((BackupDamaged, BackupTooNew)):
        check_backup(damaged)


async def test_of_a_damaged_file_nothing_is_restored(backup: Path, owned_dsn: str, tmp_path: Path) -> None:
    flip_a_bit(backup, tmp_path / "damaged")
    with pytest.raises(BackupDamaged):
        await restore(owned_dsn, tmp_path / "damaged")
    assert (await current_version(owned_dsn)).revision == "base"


RESTORING = """
import asyncio, sys
from pathlib import Path
from db.backup.restore import restore_backup

def show(table, rows):
    print(table, flush=True)

asyncio.run(restore_backup(sys.argv[1], Path(sys.argv[2]), on_table=show))
"""


@pytest.mark.parametrize("tables", [1, 9, 20])
async def test_a_killed_restore_leaves_nothing_and_can_be_repeated(
    full_dsn: str, backup: Path, owned_dsn: str, tables: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RESTORING, owner_of(owned_dsn), str(backup), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    for _ in range(tables):
        assert await process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    await process.wait()
    async with connected(owned_dsn) as connection:
        async with asyncio.timeout(20):
            while await connection.fetchval(  # noqa: ASYNC110  # the server notices by itself
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'consilium-backup'"
                " AND datname = current_database()"
            ):
                await asyncio.sleep(0.05)
        for table in await list_tables(connection):
            assert await connection.fetchval(f"SELECT count(*) FROM {table.name}") == 0
    await restore(owned_dsn, backup)
    assert (await rows_of(owned_dsn))["turns"] == (await rows_of(full_dsn))["turns"]


@pytest.mark.parametrize("table", ["users", "processes", "collections"])
async def test_a_database_that_is_not_empty_is_left_alone(dsn: str, backup: Path, table: str) -> None:
    await run_sql(
        dsn,
        {
            "users": "INSERT INTO users DEFAULT VALUES",
            "processes": "INSERT INTO processes VALUES (gen_random_uuid(), 'all', 'agoge', 'h', 1)",
            "collections": "INSERT INTO collections (mind, name, kind, trust) VALUES ('x', 'x', 'x', 'x')",
        }[table],
    )
    before = await rows_of(dsn)
    with pytest.raises(DatabaseNotEmpty, match=table):
        await restore(dsn, backup)
    assert await rows_of(dsn) == before
    async with await Database.open(owner_of(dsn)) as database:
        await database.ping()


async def test_a_database_with_the_schema_and_no_rows_is_empty(dsn: str, backup: Path, full_dsn: str) -> None:
    await restore(dsn, backup)
    assert (await rows_of(dsn))["memories"] == (await rows_of(full_dsn))["memories"]


@pytest.mark.parametrize("role", ["owner", "login", "granted", "blind"])
async def test_a_role_that_does_not_see_everything_makes_no_backup(full_dsn: str, tmp_path: Path, role: str) -> None:
    await run_sql(
        full_dsn,
        f"CREATE ROLE backup_{role} LOGIN {'BYPASSRLS' if role == 'blind' else ''}",
        "GRANT pg_read_all_data TO backup_granted" if role == "granted" else "SELECT 1",
        "GRANT SELECT ON users, turns TO backup_blind" if role == "blind" else "SELECT 1",
        "GRANT consilium_app TO backup_login" if role == "login" else "SELECT 1",
    )
    try:
        name = OWNER_ROLE if role == "owner" else f"backup_{role}"
        with pytest.raises(RowsHidden, match="may not read" if role == "blind" else "row-level security"):
            await make_backup(full_dsn.replace("postgres@", f"{name}@", 1), tmp_path / "b", program="1")
    finally:
        await run_sql(full_dsn, f"DROP OWNED BY backup_{role}", f"DROP ROLE backup_{role}")
    assert names_in(tmp_path) == []


async def test_the_documented_role_sees_everything(full_dsn: str, backup: Path, tmp_path: Path) -> None:
    await run_sql(full_dsn, "CREATE ROLE backup_good LOGIN BYPASSRLS", "GRANT pg_read_all_data TO backup_good")
    try:
        address = full_dsn.replace("postgres@", "backup_good@", 1)
        contents = await make_backup(address, tmp_path / "b", program="1")
        assert contents.rows == check_backup(backup).rows
        async with connected(address) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("DELETE FROM memories")
    finally:
        await run_sql(full_dsn, "DROP OWNED BY backup_good", "DROP ROLE backup_good")


async def test_a_file_is_never_overwritten_and_none_is_left_half_made(full_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(FileExists):
        await make_backup(full_dsn, tmp_path / "mine", program="1")
    assert (tmp_path / "mine").read_text() == "precious"
    with pytest.raises(FileNotWritten):
        await make_backup(full_dsn, tmp_path / "nowhere" / "b", program="1")
    making = asyncio.create_task(make_backup(full_dsn, tmp_path / "b", program="1"))
    await asyncio.sleep(0.05)
    making.cancel()
    await asyncio.gather(making, return_exceptions=True)
    assert names_in(tmp_path) == ["mine"]


async def test_a_database_without_our_tables_is_not_backed_up(owned_dsn: str, tmp_path: Path) -> None:
    with pytest.raises(NothingToBackUp):
        await make_backup(owned_dsn, tmp_path / "b", program="1")


@pytest.mark.parametrize("revision", REVISIONS[REVISIONS.index("0018") :])
async def test_a_backup_of_an_earlier_schema_is_restored_and_migrated(
    owned_dsn: str, dsn: str, tmp_path: Path, revision: str
) -> None:
    await migrate(owner_of(dsn), revision)
    await run_sql(dsn, "INSERT INTO users (locale) SELECT 'ru' FROM generate_series(1, 7)")
    contents = await make_backup(dsn, tmp_path / "b", program="0")
    assert contents.header.revision == revision
    await restore(owned_dsn, tmp_path / "b")
    assert (await current_version(owned_dsn)).revision == REVISIONS[-1]
    assert (await rows_of(owned_dsn))["users"] == (await rows_of(dsn))["users"]


async def test_an_empty_database_of_a_newer_schema_is_left_alone(owned_dsn: str, dsn: str, tmp_path: Path) -> None:
    await migrate(owner_of(dsn), "0018")
    await make_backup(dsn, tmp_path / "b", program="0")
    await migrate(owner_of(owned_dsn))
    with pytest.raises(DatabaseAhead, match="0018"):
        await restore(owned_dsn, tmp_path / "b")
    assert (await current_version(owned_dsn)).revision == REVISIONS[-1]


async def test_a_backup_of_a_newer_release_is_refused(dsn: str, owned_dsn: str, tmp_path: Path) -> None:
    await run_sql(dsn, "UPDATE schema_version SET revision = '9999'")
    await make_backup(dsn, tmp_path / "b", program="7.0")
    with pytest.raises(BackupTooNew, match=r"version 7\.0, whose schema 9999"):
        await restore(owned_dsn, tmp_path / "b")
    assert (await current_version(owned_dsn)).revision == "base"


async def test_a_backup_with_tables_that_are_not_of_its_schema_is_refused(
    dsn: str, owned_dsn: str, tmp_path: Path
) -> None:
    await run_sql(dsn, "DROP TABLE router_vectors", "ALTER TABLE received ADD COLUMN mine text")
    await make_backup(dsn, tmp_path / "b", program="1")
    with pytest.raises(BackupDoesNotFit, match="router_vectors"):
        await restore(owned_dsn, tmp_path / "b")
    async with connected(owned_dsn) as connection:
        assert await connection.fetchval("SELECT count(*) FROM embedders") == 0
    assert names_in(tmp_path) == ["b"]
