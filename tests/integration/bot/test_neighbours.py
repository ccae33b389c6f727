"""Processes of other versions beside this one: who migrates, and what the operator sees of an upgrade."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.app.bootstrap import open_services
from bot.app.settings import Settings
from bot.turns.heartbeat import Heartbeat
from consilium.errors import ConsiliumError
from db.errors import SchemaTooOld
from db.infra.database import Database
from db.infra.migrate import current_version, migrate
from db.infra.migrations.revisions import REVISIONS
from tests.fixtures.postgres import run_sql

OLD = "0013"
NEIGHBOUR = (
    "INSERT INTO processes (id, role, mind, host, pid, version, revision) "
    "VALUES (gen_random_uuid(), 'worker', 'agoge', 'far', 7, {version}, {revision})"
)


@pytest.mark.parametrize("role", ["gateway", "worker", "api"])
async def test_a_role_that_runs_apart_migrates_nothing(sglang_settings: Settings, empty_dsn: str, role: str) -> None:
    await migrate(empty_dsn, OLD)
    settings = sglang_settings.model_copy(update={"database_url": SecretStr(empty_dsn)})
    with pytest.raises(SchemaTooOld, match=f"revision {OLD}"):
        async with open_services(settings, role=role):  # type: ignore[arg-type]  # one of the roles
            pytest.fail("it runs on a schema that lacks what it needs")
    assert (await current_version(empty_dsn)).revision == OLD


async def test_a_service_of_one_process_migrates_at_its_start(sglang_settings: Settings, empty_dsn: str) -> None:
    await migrate(empty_dsn, OLD)
    # What comes after the database fails, so that nothing has to be loaded.
    settings = sglang_settings.model_copy(
        update={"database_url": SecretStr(empty_dsn), "embedding_url": "http://127.0.0.1:9"}
    )
    with pytest.raises(ConsiliumError):
        async with open_services(settings, role="all"):
            pytest.fail("it starts without its embedder")
    assert (await current_version(empty_dsn)).is_current


@pytest.mark.parametrize(("version", "revision"), [("NULL", "NULL"), ("'0.0.9'", "'0020'"), ("'9.0'", "'9999'")])
async def test_other_versions_are_counted_and_logged_when_they_come_and_go(
    database: Database, dsn: str, version: str, revision: str
) -> None:
    heartbeat = Heartbeat(database, "gateway", "agoge")

    async def events() -> list[str]:
        with capture_logs() as logs:
            await heartbeat.send()
        return [entry["event"] for entry in logs if entry["event"].startswith("neighbour.")]

    def counted() -> float | None:
        return REGISTRY.get_sample_value("consilium_neighbouring_processes")

    assert await events() == []
    assert counted() == 0
    await run_sql(dsn, *[NEIGHBOUR.format(version=version, revision=revision)] * 2)
    assert await events() == ["neighbour.appeared"]
    assert await events() == []
    assert counted() == 2
    await run_sql(dsn, "DELETE FROM processes WHERE host = 'far'")
    assert await events() == ["neighbour.left"]
    assert counted() == 0


async def test_processes_of_the_same_version_are_no_neighbours(database: Database, dsn: str) -> None:
    await run_sql(dsn, NEIGHBOUR.format(version="'0.1.0'", revision=f"'{REVISIONS[-1]}'"))
    await Heartbeat(database, "gateway", "agoge").send()
    assert REGISTRY.get_sample_value("consilium_neighbouring_processes") == 0
