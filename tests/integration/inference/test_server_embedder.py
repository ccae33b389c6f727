import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from inference.embedding import EmbedderStopped, ServerEmbedder
from inference.embedding.server import EmbeddingServerRefused, EmbeddingServerUnavailable
from tests.fakes.embedding_server import EmbeddingServer, letters


@pytest.fixture
def server() -> EmbeddingServer:
    return EmbeddingServer()


@pytest_asyncio.fixture(loop_scope="session")
async def embedder(server: EmbeddingServer) -> AsyncIterator[ServerEmbedder]:
    async with server.serving() as url:
        embedder = ServerEmbedder(f"{url}/v1/", "letters", "key", timeout=2)
        yield embedder
        await embedder.close()


async def test_texts_become_unit_vectors_in_their_order(server: EmbeddingServer, embedder: ServerEmbedder) -> None:
    server.api_key, server.backwards = "key", True
    texts = [f"abc{'d' * number}" for number in range(150)]
    await embedder.start()
    vectors = await embedder.embed(texts)
    assert embedder.dimensions == 8
    assert vectors.dtype == np.float32
    expected = np.array([letters(text, 8) for text in texts])
    assert vectors == pytest.approx(expected / np.linalg.norm(expected, axis=1, keepdims=True), abs=1e-6)
    assert [len(request["input"]) for request in server.requests] == [1, 64, 64, 22]
    assert len(await embedder.embed([])) == 0


async def test_its_name_is_the_models(server: EmbeddingServer) -> None:
    one, other = ServerEmbedder("http://a", "letters"), ServerEmbedder("http://b/v1", "letters")
    assert one.name == other.name
    assert one.name.startswith("letters@")
    assert ServerEmbedder("http://a", "more-letters").name != one.name


async def test_an_e5_model_gets_its_prefixes_and_any_text_goes(server: EmbeddingServer) -> None:
    server.model = "intfloat/multilingual-e5-small"
    async with server.serving() as url:
        embedder = ServerEmbedder(url, server.model)
        await embedder.embed(["x", "", "\ud800", "long " * 10_000], "query")
        await embedder.close()
    texts = server.requests[0]["input"]
    assert texts[0] == "query: x"
    assert all(len(text) < 8100 for text in texts)


async def test_a_server_that_is_loading_is_asked_again(server: EmbeddingServer, embedder: ServerEmbedder) -> None:
    server.fails = 1
    assert len(await embedder.embed(["x"])) == 1
    assert len(server.requests) == 2


async def test_a_server_that_fails_on_is_away(server: EmbeddingServer, embedder: ServerEmbedder) -> None:
    server.fails = 99
    with pytest.raises(EmbeddingServerUnavailable, match=r"loading \(503\)"):
        await embedder.embed(["x"])
    assert len(server.requests) == 3


async def test_a_server_that_is_not_there_or_never_answers_is_away(server: EmbeddingServer) -> None:
    with pytest.raises(EmbeddingServerUnavailable):
        await ServerEmbedder("http://127.0.0.1:9", "letters").start()
    server.stuck = True
    async with server.serving() as url:
        embedder = ServerEmbedder(url, "letters", timeout=0.1)
        with pytest.raises(EmbeddingServerUnavailable):
            await embedder.start()
        await embedder.close()


async def test_a_wrong_key_or_model_is_refused_at_once(server: EmbeddingServer, embedder: ServerEmbedder) -> None:
    server.model = "other"
    with pytest.raises(EmbeddingServerRefused, match="no such model"):
        await embedder.start()
    server.api_key = "another"
    with pytest.raises(EmbeddingServerRefused, match="wrong key"):
        await embedder.start()
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"data": []}', b'{"data": [{"index": 0, "embedding": "x"}]}', b"[" * 100_000,
     b'{"data": [{"index": 0, "embedding": [1, NaN]}]}', b'{"data": [{"index": 1, "embedding": [1]}]}',
     b'{"data": [{"index": 0, "embedding": [[1]]}]}', b'{"data": {"index": 0}}', b"\xff\xfe"],
)  # fmt: skip
async def test_what_is_no_embedding_is_refused(server: EmbeddingServer, embedder: ServerEmbedder, body: bytes) -> None:
    server.body = body
    with pytest.raises(EmbeddingServerRefused):
        await embedder.start()


async def test_vectors_that_change_their_length_are_refused(server: EmbeddingServer, embedder: ServerEmbedder) -> None:
    await embedder.start()
    server.dimensions = 4
    with pytest.raises(EmbeddingServerRefused, match="4 dimensions after some of 8"):
        await embedder.embed(["x"])


async def test_a_reply_without_end_is_cut_off(server: EmbeddingServer, embedder: ServerEmbedder) -> None:
    server.body = b" " * (33 << 20)
    with pytest.raises(EmbeddingServerRefused, match="over 32 MB"):
        await embedder.start()


async def test_closed_it_gives_nothing_more(embedder: ServerEmbedder) -> None:
    await embedder.close()
    with pytest.raises(EmbedderStopped):
        await embedder.embed(["x"])
    await asyncio.gather(embedder.close(), embedder.close())
