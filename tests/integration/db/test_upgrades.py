"""Upgrades: which program runs on which schema, what runs beside older programs, and locks that others hold."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from db.errors import MigrationBlocked, OlderProgramRunning, SchemaMissing, SchemaTooNew, SchemaTooOld
from db.infra.database import Access, Database
from db.infra.migrate import check_schema, current_version, migrate, migrate_for_start, plan_upgrade
from db.infra.migrations.revisions import REVISIONS, Stage, migrations, newest_contraction, preceding, required_revision
from tests.fixtures.old_version import COMMITS, OldVersion
from tests.fixtures.postgres import run_sql

HEAD = REVISIONS[-1]
REQUIRED = required_revision()
CONTRACTED = newest_contraction(HEAD)
"""The compatibility number of this release."""
OLDER_PROGRAM = (
    "INSERT INTO processes (id, role, mind, host, pid) VALUES (gen_random_uuid(), 'worker', 'agoge', 'old-host', 7)"
)
EVERY_ACCESS = pytest.mark.parametrize("access", list(Access))


async def record(dsn: str, revision: str, compatibility: str) -> None:
    """What a newer release leaves in the database."""
    await run_sql(dsn, f"UPDATE schema_version SET revision = '{revision}', compatibility = '{compatibility}'")


async def mark_of(dsn: str) -> str | None:
    """What programs from before the compatibility number find."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval("SELECT version_num FROM alembic_version")
    finally:
        await connection.close()


@EVERY_ACCESS
async def test_a_newer_schema_that_has_only_been_expanded_is_worked_with(dsn: str, access: Access) -> None:
    await record(dsn, "9999", CONTRACTED)
    async with await Database.open(dsn, access=access) as database:
        await database.ping()
        assert not database.schema.is_current
    assert (await current_version(dsn)).revision == "9999"


@EVERY_ACCESS
async def test_a_schema_that_has_been_contracted_by_a_newer_release_is_refused(dsn: str, access: Access) -> None:
    await record(dsn, "9999", "9998")
    with pytest.raises(SchemaTooNew, match="revision 9999, and only programs that know revision 9998"):
        await Database.open(dsn, access=access)


async def test_who_may_not_migrate_says_that_there_is_no_schema(empty_dsn: str) -> None:
    for access in (Access.CHECK, Access.READ):
        with pytest.raises(SchemaMissing, match="consilium migrate"):
            await Database.open(empty_dsn, access=access)
    assert (await current_version(empty_dsn)).revision == "base"


@pytest.mark.parametrize("revision", ["0001", preceding(REQUIRED)])
async def test_who_may_not_migrate_refuses_a_schema_that_lacks_what_it_needs(empty_dsn: str, revision: str) -> None:
    await migrate(empty_dsn, revision)
    for access in (Access.CHECK, Access.READ):
        with pytest.raises(SchemaTooOld, match=f"at revision {revision}, .* needs {REQUIRED}"):
            await Database.open(empty_dsn, access=access)
    assert (await current_version(empty_dsn)).revision == revision
    async with await Database.open(empty_dsn) as database:
        assert database.schema.is_current


async def test_a_schema_without_the_contracting_migrations_of_this_release_is_worked_with(empty_dsn: str) -> None:
    await migrate(empty_dsn, REQUIRED)
    assert (await check_schema(empty_dsn)).revision == REQUIRED


async def test_reading_changes_nothing_at_all(dsn: str) -> None:
    async with await Database.open(dsn):
        pass
    async with await Database.open(dsn, access=Access.READ) as database, database.anonymous_transaction() as connection:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.raw.execute("DELETE FROM processes")


async def test_a_contracting_migration_waits_for_older_programs(empty_dsn: str) -> None:
    first = next(m.revision for m in migrations() if m.stage is Stage.AFTER and m.revision > "0006")
    before = preceding(first)
    await migrate(empty_dsn, before)
    await run_sql(empty_dsn, OLDER_PROGRAM)
    plan = await plan_upgrade(empty_dsn)
    assert plan.rest[0].revision == first
    assert [str(program) for program in plan.older] == ["worker 7@old-host"]
    for attempt in (migrate, migrate_for_start):
        with pytest.raises(OlderProgramRunning, match=f"revision {first} takes away .*worker 7@old-host"):
            await attempt(empty_dsn)
    assert (await current_version(empty_dsn)).revision == before
    # Who has not been heard of for half a minute is gone.
    await run_sql(empty_dsn, "UPDATE processes SET seen_at = now() - interval '31 s'")
    assert (await migrate_for_start(empty_dsn)).is_current


async def test_programs_that_know_a_contracting_migration_are_not_in_its_way(empty_dsn: str) -> None:
    await migrate(empty_dsn)
    await run_sql(empty_dsn, OLDER_PROGRAM, f"UPDATE processes SET version = '9', revision = '{CONTRACTED}'")
    # As if the last steps had not been run yet.
    await run_sql(empty_dsn, f"UPDATE schema_version SET revision = '{preceding(CONTRACTED)}'")
    assert (await plan_upgrade(empty_dsn)).older == []
    await run_sql(empty_dsn, f"UPDATE processes SET revision = '{preceding(CONTRACTED)}'")
    assert [program.version for program in (await plan_upgrade(empty_dsn)).older] == ["9"]


async def test_expanding_migrations_run_beside_older_programs(empty_dsn: str) -> None:
    await migrate(empty_dsn, CONTRACTED)
    await run_sql(empty_dsn, OLDER_PROGRAM)
    assert (await migrate_for_start(empty_dsn)).revision == HEAD


@pytest.mark.parametrize("revision", [CONTRACTED, "0013", "0019"])
async def test_programs_from_before_the_number_find_their_own_revision_while_they_may_run(
    empty_dsn: str, revision: str
) -> None:
    await migrate(empty_dsn, revision)
    await run_sql(empty_dsn, "DROP TABLE schema_version")  # they know nothing of it
    assert (await current_version(empty_dsn)).revision == revision
    await migrate(empty_dsn)
    assert await mark_of(empty_dsn) == revision
    assert (await current_version(empty_dsn)).is_current
    await migrate(empty_dsn, preceding(CONTRACTED))
    await migrate(empty_dsn)
    assert await mark_of(empty_dsn) == HEAD, "a contracting migration ends what older programs may"


async def test_a_database_that_this_release_has_made_has_no_older_programs(dsn: str) -> None:
    assert await mark_of(dsn) == HEAD


@pytest.mark.parametrize("revision", list(COMMITS))
async def test_the_code_of_a_version_before_starts_where_it_may_and_changes_nothing(
    dsn: str, tmp_path: Path, revision: str
) -> None:
    old_version = OldVersion.unpack(tmp_path / "old", revision)
    assert not await old_version.migrate(dsn), "no older program has ever run on this database"
    await old_version.allow(dsn)
    assert await old_version.migrate(dsn)
    assert (await current_version(dsn)).is_current


async def test_a_lock_that_somebody_holds_is_waited_for_again_and_again_and_blocks_nobody(empty_dsn: str) -> None:
    await migrate(empty_dsn, "0013")
    holder, other = await asyncpg.connect(empty_dsn), await asyncpg.connect(empty_dsn)
    try:
        held = holder.transaction()
        await held.start()
        await holder.execute("LOCK TABLE turns IN ACCESS SHARE MODE")
        migrating = asyncio.create_task(migrate(empty_dsn, lock_timeout=0.2, deadline=60))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE "
        async with asyncio.timeout(20):
            while not await other.fetchval(f"{waiting} datname = current_database())"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            # Behind a waiting migration everybody queues up, until it lets go.
            await other.fetchval("SELECT count(*) FROM turns")
            await other.fetchval("SELECT count(*) FROM turns")
        assert not migrating.done()
        await held.rollback()
        await migrating
    finally:
        await holder.close()
        await other.close()
    assert (await current_version(empty_dsn)).is_current


async def test_a_lock_that_is_never_free_ends_the_migration_with_a_true_sentence(empty_dsn: str) -> None:
    await migrate(empty_dsn, "0013")
    holder = await asyncpg.connect(empty_dsn)
    try:
        async with holder.transaction():
            await holder.execute("LOCK TABLE turns IN ACCESS SHARE MODE")
            with pytest.raises(MigrationBlocked, match=r"revision 0014: another transaction .*pg_stat_activity"):
                await migrate(empty_dsn, lock_timeout=0.1, deadline=1.5)
    finally:
        await holder.close()
    assert (await current_version(empty_dsn)).revision == "0013"
