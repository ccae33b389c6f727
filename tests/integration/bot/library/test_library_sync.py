"""Synchronising the library in the background while the embedding model is away."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.app.library_sync import background_library_sync
from bot.library.chunk_options import NamedTokenCounter
from bot.library.search import Library
from db.infra.database import Database
from inference.embedding import ServerEmbedder
from tests.fakes.embedding_server import EmbeddingServer
from tests.fixtures.library import WriteMind

CONFIG = "collections:\n  essays: {kind: article, path: essays/*, language: en}\n"


async def test_sync_retries_until_the_embedding_model_is_back(
    database: Database, dsn: str, counter: NamedTokenCounter, small_mind: WriteMind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference.embedding.server._RETRY_DELAYS", (0.0,))
    mind = small_mind({"essays/iron.md": "# Iron\n\nThe squat is done twice a week."}, CONFIG)
    words = Library(database, None, "small", counter.count)
    server = EmbeddingServer()
    async with server.serving() as url:
        embedder = ServerEmbedder(url, "letters")
        await embedder.start()
        server.fails = 2
        with capture_logs() as logs:
            async with background_library_sync(
                mind,
                dsn,
                database=database,
                embedder=embedder,
                counter=counter,
                progress=lambda _: None,
                include_voice=False,
                retry_delay=0.1,
            ):
                # A start waits for one try at a library that holds nothing, and for no more.
                assert "library.sync_failed" in events(logs)
                [found] = await words.search("squat")
                assert found.quote == "The squat is done twice a week."
                async with asyncio.timeout(30):
                    while "library.synced" not in events(logs):  # noqa: ASYNC110  # a log tells nobody
                        await asyncio.sleep(0.05)
        await embedder.close()
    assert events(logs).count("library.sync_failed") == 2
    assert [entry["embedded"] for entry in logs if entry["event"] == "library.synced"] == [1]


def events(logs: list[Any]) -> list[str]:
    return [entry["event"] for entry in logs]
