"""Another embedding model, and a reranker, as an operator switches them on: by settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.app.bootstrap import open_services
from bot.app.components import open_retrieval_models
from bot.app.settings import Settings
from db.turns.turns import Turn
from inference.embedding import E5_MODEL
from inference.model_files import ModelMissing
from tests.fakes.embedding_server import EmbeddingServer
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.minds import copy_bilingual_mind
from tests.fixtures.models import small_reranker
from tests.fixtures.service import Service

Opens = Callable[..., Any]

CONFIG = (
    "collections:\n  articles: {kind: article, path: 'library/*.md', language: en, chunking: {size: 32, overlap: 0}}\n"
)
REST = """\
# On Rest

## Sleep

Sleep is the wage of a recruit, and nobody is paid in advance for the quiet week.

## The road

The long road lasts sixty minutes, and nobody hurries on the long road in spring.
"""
JOINT = "Does an aching joint need a week of sleep?"


@pytest.fixture
def opens(tmp_path: Path, sglang_settings: Settings, dsn: str) -> Opens:
    """Opens a service whose mind has a library of two chapters, with settings of a test's own."""
    folder = tmp_path / "agoge"
    copy_bilingual_mind(folder, without=("library",))
    (folder / "rag_config.yaml").write_text(CONFIG, "utf-8")
    (folder / "library").mkdir()
    (folder / "library" / "rest.md").write_text(REST, "utf-8")
    spec = folder / "mind.yaml"
    spec.write_text(
        spec.read_text("utf-8").replace(
            "    collections: [tables, textbook, everyday_physiology, everyday_physiology_ru]\n", ""
        ),
        "utf-8",
    )
    own = {"mind": folder, "database_url": SecretStr(dsn), "prewarm_modes": 0, "draw_facts": False}
    own["embedding_url"] = None  # the model in this process, unless a test names a server

    @asynccontextmanager
    async def opened(**values: object) -> AsyncIterator[Service]:
        settings = sglang_settings.model_copy(update={**own, "library_at_start": True, **values})
        async with open_services(settings, role="worker") as services:
            await services.loading.wait()
            yield Service(services)

    return opened


async def said(service: Service, text: str) -> Turn:
    return await service.ended(await service.say(text))


async def told(logs: list[Any], event: str) -> None:
    async with asyncio.timeout(60):
        while not any(entry["event"] == event for entry in logs):  # noqa: ASYNC110  # a log tells nobody
            await asyncio.sleep(0.05)


async def models(dsn: str, table: str, column: str) -> set[str]:
    connection = await asyncpg.connect(dsn)
    try:
        joined = "JOIN embedders AS e ON e.id = embedder" if table == "vectors" else ""
        rows = await connection.fetch(f"SELECT DISTINCT {column} AS model FROM {table} {joined}")
    finally:
        await connection.close()
    return {str(row["model"]).partition("@")[0] for row in rows}


async def test_a_change_of_model_embeds_anew_beside_the_answers_and_nothing_is_forgotten(
    opens: Opens, server: SGLangServer, dsn: str
) -> None:
    async with opens() as service, service.working():
        await said(service, "/remember My knee hurts since Tuesday.")
    new = EmbeddingServer(gate=asyncio.Event(), passing=frozenset({"?", JOINT}))
    async with new.serving() as url:
        changed = {"embedding_url": url, "embedding_model": "letters", "embedding_former": (E5_MODEL,)}
        # Nothing of the old has a new vector yet, and the new model is busy with that: both are read all the same.
        with capture_logs() as logs:
            async with opens(**changed) as service, service.working():
                service.updates = 100
                await said(service, "/mode base")
                turn = await said(service, JOINT)
                [recalled] = turn.recalled
                assert recalled.endswith(": My knee hurts since Tuesday.")
                assert "Sleep is the wage" in server.requests[-1]["messages"][0]["content"]
                assert await models(dsn, "vectors", "name") == {E5_MODEL}
                assert new.gate is not None
                new.gate.set()
                await told(logs, "library.synced")
                await told(logs, "memory.reembedded")
        assert await models(dsn, "vectors", "name") == {"letters"}
        assert await models(dsn, "memories", "embedder") == {"letters"}
        # By now the former model has nothing to be compared with, and is not even loaded.
        with capture_logs() as logs:
            async with opens(**changed) as service, service.working():
                service.updates = 200
                turn = await said(service, "What of my knee?")
                assert any(each.endswith(": My knee hurts since Tuesday.") for each in turn.recalled)
    assert "embedder.load_started" not in {entry["event"] for entry in logs}


async def test_a_former_model_of_a_server_may_be_away(opens: Opens, server: SGLangServer, dsn: str) -> None:
    old = EmbeddingServer(api_key="old-key")
    async with old.serving() as url:
        key = SecretStr("old-key")
        present = {"embedding_url": url, "embedding_model": "letters", "embedding_api_key": key}
        async with opens(**present) as service, service.working():
            await said(service, "/remember My knee hurts since Tuesday.")
        former = {"embedding_former": (f"letters@{url}",), "embedding_former_api_key": key}
        asked = len(old.requests)
        async with opens(**former, library_at_start=False) as service, service.working():
            service.updates = 100
            await said(service, "/mode base")
            await said(service, JOINT)
        assert {request["model"] for request in old.requests[asked:]} == {"letters"}
    async with opens(**former, library_at_start=False) as service, service.working():
        service.updates = 200
        turn = await said(service, "How long does the long road last?")
    assert turn.state == "delivered"
    assert "The long road lasts" in server.requests[-1]["messages"][0]["content"]


async def test_a_reranker_has_the_last_word(opens: Opens, server: SGLangServer, tmp_path: Path) -> None:
    folder = small_reranker(tmp_path, ["sleep", "wage", "road", "minutes", "spring", "week", "long"])
    question = "Sleep and the long road?"
    orders = []
    for reranker in (None, str(folder)):
        async with opens(reranker=reranker, passages=1) as service, service.working():
            service.updates = 100 * len(orders)
            await said(service, "/mode base")
            await said(service, question)
        prompt = server.requests[-1]["messages"][0]["content"]
        orders.append("Sleep is the wage" in prompt)
    assert orders[0] != orders[1]


async def test_a_reranker_that_is_not_there_is_told_of_at_start(sglang_settings: Settings) -> None:
    settings = sglang_settings.model_copy(update={"reranker": "example/reranker"})
    with pytest.raises(ModelMissing):
        async with open_retrieval_models(settings):
            pass
