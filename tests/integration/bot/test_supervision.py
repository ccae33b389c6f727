"""What is restarted when it dies, and what readiness says meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # has no types
import pytest_asyncio
from pydantic import SecretStr

from bot.app.bootstrap import Services, open_services
from bot.app.channels import Channels
from bot.app.components import database_dsn
from bot.app.server import readiness_checks
from bot.app.settings import Settings
from db.errors import DatabaseError
from db.infra.database import Database
from db.infra.embedded_server import EmbeddedServer
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.postgres import run_sql


def postmaster(folder: Path) -> int:
    """The id of the server's main process."""
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def kill_postmaster(folder: Path) -> None:
    """As the system does when memory is short: the main process alone, at once."""
    psutil.Process(postmaster(folder)).kill()


async def test_a_killed_embedded_server_is_started_again(
    migrated_folder: Path, settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "postgres").symlink_to(migrated_folder)
    settings = settings_for(data_dir=data)
    async with database_dsn(settings) as dsn, await Database.open(dsn) as database:
        for _ in range(2):
            killed = postmaster(migrated_folder)
            kill_postmaster(migrated_folder)
            async with asyncio.timeout(60):
                while not await is_started_again(migrated_folder, killed, database):  # noqa: ASYNC110  # nothing tells of it
                    await asyncio.sleep(0.1)


async def is_started_again(folder: Path, killed: int, database: Database) -> bool:
    """Whether another process serves the database than the one that was killed."""
    try:
        if postmaster(folder) == killed:
            return False
        await database.ping()
    except (FileNotFoundError, IndexError, ValueError, DatabaseError):
        return False
    return True


async def test_of_several_processes_one_starts_it(migrated_folder: Path) -> None:
    async with await EmbeddedServer.open(migrated_folder) as one, await EmbeddedServer.open(migrated_folder) as other:
        assert not await one.ensure_running()
        kill_postmaster(migrated_folder)
        restarted = await asyncio.gather(one.ensure_running(), other.ensure_running())
        assert sorted(restarted) == [False, True]
        assert await asyncio.to_thread(one.cluster.start, 10) == one.dsn


async def test_looking_at_it_writes_nothing_into_its_log(migrated_folder: Path) -> None:
    async with await EmbeddedServer.open(migrated_folder) as server:
        written = server.cluster.log.stat().st_size
        for _ in range(5):
            assert not await server.ensure_running()
        await asyncio.sleep(0.2)
        assert server.cluster.log.stat().st_size == written


@pytest_asyncio.fixture(loop_scope="session")
async def worker(sglang_settings: Settings, server: SGLangServer, dsn: str) -> AsyncIterator[Services]:
    settings = sglang_settings.model_copy(update={"database_url": SecretStr(dsn), "prewarm_modes": 0})
    async with open_services(settings, role="worker") as services:
        yield services


async def problems(services: Services) -> dict[str, str]:
    checks = readiness_checks(services, Channels(), "worker", asyncio.Event())
    return {name: problem for name, check in checks.items() if (problem := await check()) is not None}


async def test_a_worker_whose_engine_is_gone_is_not_ready(worker: Services) -> None:
    assert await problems(worker) == {}
    assert worker.engine is not None
    await worker.engine.close()
    assert list(await problems(worker)) == ["engine"]


async def test_a_worker_whose_database_takes_no_changes_is_not_ready(worker: Services, dsn: str) -> None:
    name = dsn.rpartition("/test_")[2].partition("?")[0]
    other = dsn.replace(f"/test_{name}?", "/postgres?")
    end_connections = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'test_{name}'"
    await run_sql(other, f"ALTER DATABASE test_{name} SET default_transaction_read_only = on", end_connections)
    found = await problems(worker)
    assert list(found) == ["database"]
    assert "takes no changes" in found["database"]
    await run_sql(other, f"ALTER DATABASE test_{name} RESET default_transaction_read_only", end_connections)
    assert await problems(worker) == {}
