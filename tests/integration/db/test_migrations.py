import asyncio
import itertools
import sys

import asyncpg
import pytest

from db.errors import DatabaseRefused, DatabaseUnreachable, MigrationFailed
from db.infra.migrate import current_version, migrate
from db.infra.migrations.revisions import REVISIONS, Stage, migrations
from tests.fixtures.postgres import run_sql

SCHEMA = """
    SELECT 'column', table_name || '.' || column_name, data_type || is_nullable || coalesce(column_default, '')
    FROM information_schema.columns WHERE table_schema = 'public'
        AND table_name NOT IN ('alembic_version', 'schema_version')
    UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
        AND conrelid NOT IN (to_regclass('public.alembic_version'), coalesce(to_regclass('public.schema_version'), 0))
    UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    UNION ALL SELECT 'policy', tablename || '.' || policyname, cmd || roles::text || coalesce(qual, '') ||
        coalesce(with_check, '') FROM pg_policies
    UNION ALL SELECT 'grant', table_name || '.' || privilege_type, grantee
    FROM information_schema.role_table_grants WHERE grantee = 'consilium_app'
    UNION ALL SELECT 'function', oid::regprocedure::text,
        prosecdef || pg_get_function_result(oid) || coalesce(proacl::text, '') FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    ORDER BY 1, 2, 3
"""


EXPANDING = {migration.revision for migration in migrations() if migration.stage is Stage.BEFORE}


def assert_only_adds(before: list[tuple[str, str, str]], after: list[tuple[str, str, str]]) -> None:
    """Whatever a migration's SQL says: what there was is there, and nothing new is asked of who does not know it."""
    names, tables = {(kind, name) for kind, name, _ in after}, {name.split(".")[0] for kind, name, _ in before}
    assert {(kind, name) for kind, name, _ in before} <= names
    as_they_were = ("column", "policy", "grant", "function")
    assert {row for row in before if row[0] in as_they_were} <= set(after)
    for kind, name, definition in set(after) - set(before):
        if kind == "column" and name.split(".")[0] in tables:
            assert not definition.endswith("NO"), f"{name} must be written and has no default"


async def schema_of(dsn: str) -> list[tuple[str, str, str]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(SCHEMA)]
    finally:
        await connection.close()


async def test_stairway_every_revision_goes_up_down_and_up_again(empty_dsn: str) -> None:
    schemas = {"base": await schema_of(empty_dsn)}
    for below, revision in itertools.pairwise(REVISIONS):
        await migrate(empty_dsn, revision)
        schemas[revision] = await schema_of(empty_dsn)
        assert schemas[revision] != schemas[below]
        if revision in EXPANDING:
            assert_only_adds(schemas[below], schemas[revision])
        await migrate(empty_dsn, below)
        assert await schema_of(empty_dsn) == schemas[below]
        await migrate(empty_dsn, revision)
        assert await schema_of(empty_dsn) == schemas[revision]
    await migrate(empty_dsn, "base")
    assert (await current_version(empty_dsn)).revision == "base"
    assert await schema_of(empty_dsn) == schemas["base"]
    await migrate(empty_dsn)
    assert await schema_of(empty_dsn) == schemas[REVISIONS[-1]]


async def test_processes_that_start_at_once_migrate_once(empty_dsn: str) -> None:
    program = "import asyncio, sys; from db.infra.migrate import migrate; asyncio.run(migrate(sys.argv[1]))"
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, empty_dsn, stderr=asyncio.subprocess.PIPE)
        for _ in range(2)
    ]
    outcomes = await asyncio.gather(*(process.communicate() for process in processes))
    assert [process.returncode for process in processes] == [0, 0], outcomes
    assert (await current_version(empty_dsn)).revision == REVISIONS[-1]


async def test_calls_at_once_in_one_process_migrate_once(empty_dsn: str) -> None:
    await asyncio.gather(*(migrate(empty_dsn) for _ in range(4)))
    assert (await current_version(empty_dsn)).revision == REVISIONS[-1]


async def test_whoever_goes_further_is_not_taken_back(empty_dsn: str) -> None:
    holder = await asyncpg.connect(empty_dsn)
    try:
        # Both find an empty database, and run when the lock is free.
        await holder.execute("SELECT pg_advisory_lock(x'636F6E73696C6975'::bigint)")
        program = (
            "import asyncio, sys; from db.infra.migrate import migrate; asyncio.run(migrate(sys.argv[1], sys.argv[2]))"
        )
        processes = [
            await asyncio.create_subprocess_exec(sys.executable, "-c", program, empty_dsn, target)
            for target in ("0003", "0005")
        ]
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
        async with asyncio.timeout(60):
            while await holder.fetchval(  # noqa: ASYNC110  # the server tells nobody
                f"{waiting} (SELECT oid FROM pg_database WHERE datname = current_database())"
            ) < len(processes):
                await asyncio.sleep(0.05)
    finally:
        await holder.close()
    assert [await process.wait() for process in processes] == [0, 0]
    assert (await current_version(empty_dsn)).revision == "0005"


async def test_a_failed_migration_changes_nothing_and_is_gone_on_with(empty_dsn: str) -> None:
    await run_sql(empty_dsn, "CREATE TABLE memories (mine text)")
    await migrate(empty_dsn, "0002")
    before = await schema_of(empty_dsn)
    with pytest.raises(MigrationFailed, match='revision 0003: relation "memories" already exists'):
        await migrate(empty_dsn)
    assert await schema_of(empty_dsn) == before
    await run_sql(empty_dsn, "DROP TABLE memories")
    await migrate(empty_dsn)
    assert (await current_version(empty_dsn)).revision == REVISIONS[-1]


async def test_an_unknown_target_is_refused(empty_dsn: str) -> None:
    with pytest.raises(MigrationFailed, match="no revision 0042"):
        await migrate(empty_dsn, "0042")


async def test_a_server_that_is_not_there() -> None:
    with pytest.raises(DatabaseUnreachable):
        await migrate("postgresql://nobody@/nothing?host=/nonexistent")


@pytest.mark.parametrize("address", ["mysql://a:s3cret@host/b", "postgresql://a:s3cret@host:port/b"])
async def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(DatabaseRefused) as caught:
        await migrate(address)
    assert "s3cret" not in str(caught.value)


async def test_another_process_holding_the_lock_is_waited_for_no_longer_than_the_deadline(empty_dsn: str) -> None:
    holder = await asyncpg.connect(empty_dsn)
    try:
        await holder.execute("SELECT pg_advisory_lock(x'636F6E73696C6975'::bigint)")
        with pytest.raises(DatabaseUnreachable):
            await migrate(empty_dsn, deadline=1.0)
    finally:
        await holder.close()
    assert (await current_version(empty_dsn)).revision == "base"
