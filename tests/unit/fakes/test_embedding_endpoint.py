"""The tests' own embedding service: no request waits for another's whole document."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from inference.embedding import E5
from tests.fixtures.embedding import AT_ONCE, EmbeddingEndpoint

if TYPE_CHECKING:
    from aiohttp import web

    from inference.embedding import Embedder


class Asked:
    """A request's body."""

    def __init__(self, *texts: str) -> None:
        self._texts = list(texts)

    async def json(self) -> dict[str, Any]:
        return {"input": self._texts}


class Counting:
    """An embedder that remembers what it was asked for, each call in a turn of the event loop of its own."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.fails = 0

    async def embed(self, texts: Sequence[str], purpose: str = "passage") -> Any:
        if texts:
            self.asked.append(list(texts))
            await asyncio.sleep(0)
            if self.fails:
                self.fails -= 1
                raise RuntimeError("no vectors today")
        return np.array([[len(text), 1.0] for text in texts], np.float32).reshape(-1, 2)


async def ask(endpoint: EmbeddingEndpoint, *texts: str) -> list[float]:
    """The first number of each text's vector: its length."""
    answer = await endpoint.embed(cast("web.Request", Asked(*texts)))
    return [one["embedding"][0] for one in json.loads(cast("str", answer.text))["data"]]


async def test_a_question_does_not_wait_for_a_document() -> None:
    embedder = Counting()
    endpoint = EmbeddingEndpoint(cast("Embedder", embedder))
    document = asyncio.create_task(ask(endpoint, *(f"{E5.passage}{'x' * length}" for length in range(1, 60))))
    await asyncio.sleep(0)
    assert await ask(endpoint, f"{E5.query}why") == [3]
    assert not document.done()
    assert await document == list(range(1, 60))
    assert max(map(len, embedder.asked)) <= AT_ONCE


async def test_what_several_ask_for_at_once_is_embedded_once() -> None:
    embedder = Counting()
    endpoint = EmbeddingEndpoint(cast("Embedder", embedder))
    texts = [f"{E5.passage}{number:03}" for number in range(30)]
    answers = await asyncio.gather(*(ask(endpoint, *texts) for _ in range(3)), ask(endpoint, *reversed(texts)))
    assert answers == [[3] * 30] * 4
    asked = [text for some in embedder.asked for text in some]
    assert len(asked) == len(set(asked)) == 30


async def test_what_failed_for_one_is_asked_for_anew_by_the_other() -> None:
    embedder = Counting()
    endpoint = EmbeddingEndpoint(cast("Embedder", embedder))
    embedder.fails = 1
    first = asyncio.create_task(ask(endpoint, f"{E5.passage}one"))
    await asyncio.sleep(0)
    second = asyncio.create_task(ask(endpoint, f"{E5.passage}one"))
    with pytest.raises(RuntimeError):
        await first
    assert await second == [3]
