"""A whole service as the settings ask for it, in front of a server that only looks like SGLang."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.app.bootstrap import open_services
from bot.app.components import open_composer
from bot.app.settings import Settings
from bot.minds import Mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from inference.adapters.resident_list import read_resident_list
from inference.adapters.usage import last_used
from tests.fakes.embedding_server import EmbeddingServer
from tests.fakes.sglang_server import SGLangServer
from tests.fakes.talk import talking
from tests.fixtures.servers import free_port


async def prewarmed(settings: Settings) -> list[str]:
    """The names a restarted server would load, once they are known."""
    async with asyncio.timeout(60):
        while not (found := read_resident_list(settings.compositions_dir).resident):  # noqa: ASYNC110  # a file tells nobody
            await asyncio.sleep(0.05)
    return [one.name for one in found]


async def test_the_servers_rank_is_kept_the_core_pinned_and_the_metrics_served(
    sglang_settings: Settings, server: SGLangServer, dsn: str
) -> None:
    server.max_rank = 8
    port = free_port()
    settings = sglang_settings.model_copy(update={"metrics_port": port, "database_url": SecretStr(dsn)})
    async with httpx.AsyncClient() as client:
        async with open_services(settings) as services:
            assert services.composer.max_rank == 8
            (core,) = await prewarmed(settings)
            assert server.pinned == {core}
            with capture_logs() as logs:
                composition = services.composer.compose(resolve_mode(parse_expression("sport"), services.mind))
            assert composition is not None
            assert (composition.report.rank_before, composition.report.rank) == (16, 8)
            assert [entry["event"] for entry in logs] == ["composition.created", "composition.truncated"]
            metrics = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
            assert "consilium_composition_truncation_bucket" in metrics
            assert 'consilium_compositions_total{result="made"}' in metrics
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/metrics")


async def test_leaving_ends_what_is_still_being_prewarmed(
    sglang_settings: Settings, server: SGLangServer, dsn: str
) -> None:
    server.gate = asyncio.Event()  # the server takes for ever to load
    settings = sglang_settings.model_copy(update={"database_url": SecretStr(dsn)})
    async with asyncio.timeout(120):
        async with open_services(settings):
            await server.until(loads=1)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "prewarm"]
    assert not (settings.compositions_dir / "resident.json").exists()
    server.gate.set()


@pytest.mark.parametrize(
    ("asked", "engine", "used"), [(None, None, None), (16, None, 16), (None, 32, 32), (16, 32, 16), (64, 32, 32)]
)
def test_the_smaller_limit_of_the_rank_counts(
    settings_for: Callable[..., Settings],
    agoge: Mind,
    base_model_dir: Path,
    asked: int | None,
    engine: int | None,
    used: int | None,
) -> None:
    assert open_composer(settings_for(max_rank=asked), agoge, base_model_dir, engine).max_rank == used


async def test_only_what_answers_counts_as_used(
    settings_for: Callable[..., Settings], agoge: Mind, base_model_dir: Path
) -> None:
    composer = open_composer(settings_for(), agoge, base_model_dir)
    core, base = resolve_mode(parse_expression("core"), agoge), resolve_mode(parse_expression("base"), agoge)
    composition = composer.compose(core)
    assert composition is not None
    assert last_used(composition.path) == 0
    assert await composer.prepare(core) == composition.ref
    assert last_used(composition.path) > 0
    assert await composer.prepare(base) is composer.compose(base) is None


async def test_a_question_is_embedded_once_in_a_turn(sglang_settings: Settings, dsn: str) -> None:
    embeddings = EmbeddingServer()
    question = "How should I rest after a hard week?"
    async with embeddings.serving() as url:
        settings = sglang_settings.model_copy(
            update={"embedding_url": url, "embedding_model": "letters", "database_url": SecretStr(dsn)}
        )
        async with open_services(settings, role="all") as services, talking(services, "telegram") as talk:
            outcome = await talk.say("1", question)
            await talk.settled()
    assert outcome.answer
    # The router and recall have asked for it, and so has what was kept of the turn on leaving.
    asked = [text for request in embeddings.requests for text in request["input"]]
    assert asked.count(question) == 1
    assert asked.count(outcome.answer) == 1
