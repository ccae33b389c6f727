"""Commands that only look change nothing, the schema included: every command that is not known to change something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr
from typer.core import TyperCommand, TyperGroup

from bot.app.private_folders import DATABASE_FOLDER
from bot.app.settings import Settings
from bot.cli.app import COMMANDS
from db.errors import EmbeddedDatabaseMissing, SchemaMissing, SchemaTooOld
from db.infra.cluster import Cluster
from db.infra.embedded_server import EmbeddedServer
from db.infra.migrate import migrate
from tests.fixtures.postgres import fresh_database, run_sql, server_directory

CHANGING = {
    "demo", "chat", "serve", "mcp", "migrate", "init", "train", "turns retry", "library add",
    "library keep-vectors", "adapters import", "adapters compose", "adapters revoke", "keys create",
    # They measure in folders and databases of their own, for minutes.
    "eval memory", "eval library", "eval adapters", "eval router", "mind eval",
}  # fmt: skip
"""Not run here. A new command is run unless it is written here."""
ARGUMENTS = {"adapters inspect": ["core"], "adapters check": ["core"]}
"""What a command is given; one that is not written here gets a word for each argument that it asks for."""
LOOKING = {"doctor", "turns list", "turns show", "audit", "library search", "library status"}
"""Commands that say what is missing when the schema is old."""
OLD = "0013"
EVERYTHING = """
    SELECT 'relation', oid::regclass::text, relkind::text || relowner::regrole || coalesce(relacl::text, '')
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'column', attrelid::regclass || '.' || attname, atttypid::regtype || attnotnull::text
    FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'function', oid::regprocedure::text, md5(pg_get_functiondef(oid)) || proowner::regrole
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
    UNION ALL SELECT 'policy', tablename || '.' || policyname, roles::text || coalesce(qual, '') FROM pg_policies
    UNION ALL SELECT 'role', rolname, rolsuper::text || rolcanlogin FROM pg_roles
    UNION ALL SELECT 'member', roleid::regrole || '.' || member::regrole, inherit_option::text FROM pg_auth_members
    UNION ALL SELECT 'database', datname, datdba::regrole::text FROM pg_database WHERE datname = current_database()
    UNION ALL SELECT 'extension', extname, extversion FROM pg_extension
    ORDER BY 1, 2, 3
"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
DIGEST = "SELECT count(*), md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM {table} AS t"


@dataclass(frozen=True)
class Outcome:
    """What a command said, on either stream or by its error."""

    told: str
    error: BaseException | None


def leaves() -> Iterator[tuple[str, TyperCommand]]:
    """Every command that can be run, by its words."""
    for lazy in COMMANDS:
        command = lazy.load()
        if isinstance(command, TyperGroup):
            for name, part in command.commands.items():
                assert isinstance(part, TyperCommand)
                yield f"{lazy.name} {name}", part
        else:
            yield lazy.name, command


COMMANDS_BY_NAME = dict(leaves())
READING = [name for name in COMMANDS_BY_NAME if name not in CHANGING]


async def everything_in(dsn: str) -> list[tuple[Any, ...]]:
    """The schema, the roles, the owners, and a digest of each table's rows."""
    connection = await asyncpg.connect(dsn)
    try:
        schema = [tuple(row) for row in await connection.fetch(EVERYTHING)]
        tables = [row["tablename"] for row in await connection.fetch(TABLES)]
        return schema + [(table, *await connection.fetchrow(DIGEST.format(table=table))) for table in tables]
    finally:
        await connection.close()


async def run(name: str, settings: Settings, *arguments: str) -> Outcome:
    """Run a command as it is typed, in a thread that has no loop."""
    return await asyncio.to_thread(_run, name, settings, arguments)


def _run(name: str, settings: Settings, arguments: tuple[str, ...]) -> Outcome:
    command = COMMANDS_BY_NAME[name]
    wanted = [param for param in command.params if param.param_type_name == "argument" and param.required]
    given = [*ARGUMENTS.get(name, ["12ab"] * len(wanted)), *arguments]
    output, error = StringIO(), None
    with redirect_stdout(output), redirect_stderr(output):
        try:
            command.main(given, prog_name="consilium", standalone_mode=False, obj=settings)
        except Exception as raised:
            error = raised
    return Outcome(" ".join(f"{output.getvalue()} {error or ''}".split()), error)


@pytest.fixture(autouse=True)
def wide_terminal_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands that make a folder make it where no checkout is."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest_asyncio.fixture(loop_scope="session")
async def old_dsn(postgres_server: EmbeddedServer) -> AsyncIterator[str]:
    """A database as an earlier release left it, somebody's session in it."""
    async with fresh_database(postgres_server.dsn) as dsn:
        await migrate(dsn, OLD)
        await run_sql(dsn, "DROP TABLE schema_version", "INSERT INTO users DEFAULT VALUES")
        yield dsn


@pytest.fixture
def earlier_data_folder() -> Iterator[Path]:
    """A data folder whose server has the roles that initdb makes, and no others."""
    with server_directory() as data:
        # The run's template has been opened by this release, and has its roles already.
        (data / DATABASE_FOLDER).mkdir()
        cluster = Cluster(data / DATABASE_FOLDER / "data")
        cluster.start(60)
        cluster.stop(30)
        yield data


def test_every_command_is_known() -> None:
    assert set(COMMANDS_BY_NAME) >= CHANGING | LOOKING
    assert len(READING) > 8


@pytest.mark.parametrize("name", READING)
async def test_on_an_old_schema_it_changes_nothing_and_says_what_is_missing(
    name: str, sglang_settings: Settings, old_dsn: str
) -> None:
    settings = sglang_settings.model_copy(update={"database_url": SecretStr(old_dsn), "language": "en"})
    before = await everything_in(old_dsn)
    result = await run(name, settings)
    assert await everything_in(old_dsn) == before
    if name in LOOKING:
        assert f"is at revision {OLD}" in result.told
        assert "consilium migrate" in result.told
    assert not isinstance(result.error, (asyncpg.PostgresError, AttributeError, TypeError))


async def test_the_plan_changes_nothing_and_lists_what_is_left(sglang_settings: Settings, old_dsn: str) -> None:
    settings = sglang_settings.model_copy(update={"database_url": SecretStr(old_dsn), "language": "en"})
    before = await everything_in(old_dsn)
    result = await run("migrate", settings, "--plan")
    assert result.error is None
    assert await everything_in(old_dsn) == before
    assert "0014 before the restart" in result.told
    assert "0013" not in result.told.replace("is at revision 0013", "")


async def test_on_the_embedded_database_of_an_earlier_release_nothing_changes(
    sglang_settings: Settings, earlier_data_folder: Path
) -> None:
    """Not even who owns it: there, the superuser."""
    data = earlier_data_folder
    async with await EmbeddedServer.open(data / DATABASE_FOLDER, as_it_is=True) as server:
        await migrate(server.dsn, OLD)
        await run_sql(server.dsn, "DROP TABLE schema_version")
        before = await everything_in(server.dsn)
    settings = sglang_settings.model_copy(update={"data_dir": data, "language": "en"})
    for name in LOOKING:
        assert f"is at revision {OLD}" in (await run(name, settings)).told, name
    assert (await run("migrate", settings, "--plan")).error is None
    async with await EmbeddedServer.open(data / DATABASE_FOLDER, as_it_is=True) as server:
        assert await everything_in(server.dsn) == before


async def test_where_there_is_no_database_none_is_made(sglang_settings: Settings, tmp_path: Path) -> None:
    settings = sglang_settings.model_copy(update={"data_dir": tmp_path / "data", "language": "en"})
    for name in LOOKING - {"doctor"}:
        result = await run(name, settings)
        assert isinstance(result.error, EmbeddedDatabaseMissing), name
    doctor = await run("doctor", settings)
    assert "runs on this machine" in doctor.told
    assert "it would be made" in (await run("migrate", settings, "--plan")).told
    assert not (tmp_path / "data" / DATABASE_FOLDER / "data").exists()


async def test_on_an_empty_database_they_say_that_it_is_not_set_up(sglang_settings: Settings, empty_dsn: str) -> None:
    settings = sglang_settings.model_copy(update={"database_url": SecretStr(empty_dsn), "language": "en"})
    before = await everything_in(empty_dsn)
    for name in LOOKING - {"doctor"}:
        assert isinstance((await run(name, settings)).error, SchemaMissing), name
    assert await everything_in(empty_dsn) == before


async def test_after_migrating_they_work(sglang_settings: Settings, old_dsn: str) -> None:
    settings = sglang_settings.model_copy(update={"database_url": SecretStr(old_dsn), "language": "en"})
    migrated = await run("migrate", settings)
    assert migrated.error is None
    assert "there is nothing to run" in (await run("migrate", settings)).told
    assert "there is nothing to run" in (await run("migrate", settings, "--after")).told
    before = await everything_in(old_dsn)
    for name in READING:
        assert not isinstance((await run(name, settings)).error, (SchemaTooOld, asyncpg.PostgresError)), name
    assert await everything_in(old_dsn) == before
