"""Prewarming at start: the core, the default mode, and the modes that people have used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from bot.answering.composer import Composer
from bot.answering.prewarm import PrewarmPolicy, prewarm
from bot.app.components import make_engine, open_composer
from bot.app.settings import Settings
from bot.minds import Mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from db.infra.database import Database
from db.people import sessions, users
from inference.adapters.resident_list import ResidentEntry, read_resident_list
from inference.engines.local import LocalEngine
from inference.engines.port import Engine
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.turns import answer, ask

HEAT = PrewarmPolicy(mode_count=2, window_days=14)


@pytest_asyncio.fixture(loop_scope="session")
async def engine(sglang_settings: Settings, agoge: Mind, base_model_dir: Path) -> AsyncIterator[Engine]:
    engine = make_engine(sglang_settings, agoge, base_model_dir)
    await engine.start()
    yield engine
    await engine.close()


@pytest.fixture
def composer(sglang_settings: Settings, agoge: Mind, base_model_dir: Path) -> Composer:
    return open_composer(sglang_settings, agoge, base_model_dir)


async def record_use(database: Database, **modes: int) -> None:
    async with database.anonymous_transaction() as connection:
        anna = await users.identify(connection, platform="console", external_id="anna")
    async with database.person_transaction(anna.id) as connection:
        session = await sessions.get_or_create(connection, platform="console", place="agoge/home")
        for mode, times in modes.items():
            for _ in range(times):
                await answer(connection, await ask(connection, session.id, "How?"), mode=mode)


def name(composer: Composer, mode: str) -> str:
    parts = composer.parts(resolve_mode(parse_expression(mode), composer.mind))
    return composer.store.composition_name(parts, composer.base, composer.max_rank)


def listed(composer: Composer) -> list[ResidentEntry]:
    return list(read_resident_list(composer.store.root).resident)


def residents(composer: Composer, core: str, *others: str) -> list[ResidentEntry]:
    """The core pinned, then the others in this order."""
    return [ResidentEntry(name=name(composer, mode), pinned=mode == core, mind="agoge") for mode in (core, *others)]


async def test_core_is_pinned_and_hot_modes_follow(
    agoge: Mind, composer: Composer, engine: Engine, database: Database, server: SGLangServer
) -> None:
    used = {"base": 9, "core": 8, "core+stoics": 7, "not+a@mode*": 6, "core@90-99": 5}
    await record_use(database, **used, **{"core+sport": 4, "core+physics*0.5": 3, "classical": 2})
    with capture_logs() as logs:
        await prewarm(agoge, composer, engine, database, HEAT)
    wanted = residents(composer, "core", "core+sport", "core+physics*0.5")
    assert server.loads == [resident.name for resident in wanted]
    assert server.pinned == {name(composer, "core")}
    assert listed(composer) == wanted
    assert [
        entry["event"]
        for entry in logs
        if entry["event"].startswith("prewarm.") and entry["log_level"] in ("warning", "error")
    ] == []
    skipped = {entry["mode"] for entry in logs if entry["event"] == "prewarm.mode_rejected"}
    assert skipped == {"core+stoics", "not+a@mode*", "core@90-99"}


async def test_default_mode_is_prewarmed_without_use(
    agoge: Mind, composer: Composer, engine: Engine, database: Database
) -> None:
    await prewarm(replace(agoge, default_mode="physics"), composer, engine, database, HEAT)
    assert listed(composer) == residents(composer, "core", "core+physics")


async def test_prewarming_can_be_turned_off(
    agoge: Mind, composer: Composer, engine: Engine, database: Database, server: SGLangServer
) -> None:
    await record_use(database, core=3)
    await prewarm(agoge, composer, engine, database, replace(HEAT, mode_count=0))
    assert server.loads == []
    assert composer.store.list() == []


async def test_refused_adapter_is_left_out(
    agoge: Mind, composer: Composer, engine: Engine, database: Database, server: SGLangServer
) -> None:
    await record_use(database, **{"core+sport": 2})
    server.refuses_adapters = "it does not like it"
    with capture_logs() as logs:
        await prewarm(agoge, composer, engine, database, HEAT)
    assert [entry["mode"] for entry in logs if entry["event"] == "prewarm.load_failed"] == ["core", "core+sport"]
    assert listed(composer) == []


async def test_revoked_adapter_is_left_out(agoge: Mind, composer: Composer, engine: Engine, database: Database) -> None:
    await record_use(database, **{"core+sport": 2, "core+physics": 1})
    composer.store.revoke(composer.packages["sport"].digest, "sport")
    with capture_logs() as logs:
        await prewarm(agoge, composer, engine, database, HEAT)
    assert [entry["mode"] for entry in logs if entry["event"] == "prewarm.compose_failed"] == ["core+sport"]
    assert listed(composer) == residents(composer, "core", "core+physics")


async def test_unreachable_engine_keeps_the_list(
    agoge: Mind, composer: Composer, sglang_settings: Settings, base_model_dir: Path, database: Database
) -> None:
    engine = make_engine(sglang_settings.model_copy(update={"sglang_url": "http://127.0.0.1:9"}), agoge, base_model_dir)
    composer.store.root.mkdir(parents=True)
    (composer.store.root / "resident.json").write_text('{"format": 1, "resident": []}')
    with capture_logs() as logs:
        await prewarm(agoge, composer, engine, database, HEAT)
    await engine.close()
    assert "prewarm.aborted" in [entry["event"] for entry in logs]
    assert (composer.store.root / "resident.json").read_text() == '{"format": 1, "resident": []}'


async def test_unreachable_database_raises_nothing(agoge: Mind, composer: Composer, engine: Engine, dsn: str) -> None:
    database = await Database.open(dsn)
    await database.close()
    with capture_logs() as logs:
        await prewarm(agoge, composer, engine, database, HEAT)
    assert [entry["event"] for entry in logs if entry["event"].startswith("prewarm.")] == ["prewarm.aborted"]


async def test_local_engine_loads_hot_modes(
    agoge: Mind, composer: Composer, local_engine: LocalEngine, database: Database
) -> None:
    await record_use(database, **{"core+sport": 2})
    await prewarm(agoge, composer, local_engine, database, HEAT)
    assert {name(composer, "core"), name(composer, "core+sport")} <= set(await local_engine.loaded_adapters())
