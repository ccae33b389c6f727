"""`auto`: which adapter a message is routed to."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from bot.answering.router import Router
from bot.minds import Mind
from inference.embedding import Purpose
from inference.training.dialogues import InvalidDialogues


class WordCounts:
    """An embedder whose vectors count words, and that records its calls."""

    name = "word-counts"
    dimensions = 512

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> npt.NDArray[np.float32]:
        self.calls.append(len(texts))
        await self.gate.wait()
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w{4,}", text.lower()):
                row[zlib.crc32(word.encode()) % self.dimensions] += 1
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return vectors


@pytest.mark.parametrize(
    ("message", "mode"),
    [
        ("How many squats and sets?", "core+sport"),
        ("Torque and friction of a lever?", "core+physics"),
        ("Must I keep my word to my father?", "core"),
        ("Elephants", "core"),
        ("", "core"),
        ("Define the nephron and the stroke volume", "core"),
        ("squats " * 5000, "core+sport"),
    ],
)
async def test_message_goes_to_the_most_similar_dialogues(mind: Mind, message: str, mode: str) -> None:
    routed = await Router(WordCounts(), mind).route(message)
    assert routed.mode.text == mode
    assert set(routed.scores) == {"core", "sport", "physics"}


async def test_an_adapter_out_of_service_gets_no_message(mind: Mind) -> None:
    routed = await Router(WordCounts(), mind, {"sport"}).route("How many squats and sets?")
    assert set(routed.scores) == {"core", "physics"}


async def test_isolated_adapters_need_the_policy(
    mind_with: Callable[[str, str], Mind],
) -> None:
    open_mind = mind_with("auto_threshold: 0.2", "auto_threshold: 0.2\n  auto_isolated: true")
    routed = await Router(WordCounts(), open_mind).route("Define the nephron and the stroke volume")
    assert routed.mode.text == "classical"
    assert routed.mode.isolated


async def test_concurrent_messages_embed_dialogues_once(mind: Mind) -> None:
    embedder = WordCounts()
    embedder.gate.clear()
    router = Router(embedder, mind)
    tasks = [asyncio.create_task(router.route("squats")) for _ in range(5)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    embedder.gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [task.result().mode.text for task in tasks[1:]] == ["core+sport"] * 4
    await router.route("torque")
    assert embedder.calls.count(1) >= 5
    assert sum(calls > 1 for calls in embedder.calls) == 1


async def test_mind_without_dialogues_uses_the_core(mind_with: Callable[[str, str], Mind]) -> None:
    silent = mind_with(", dialogues: dialogues/", ", description: ")
    embedder = WordCounts()
    routed = await Router(embedder, silent).route("squats")
    assert (routed.mode.text, dict(routed.scores), embedder.calls) == ("core", {}, [])


async def test_broken_dialogues_are_reported_and_read_again(mind_with: Callable[[str, str], Mind]) -> None:
    trial = mind_with("name: trial", "name: trial")
    path = trial.adapters["sport"].dialogues
    assert path is not None
    good = path.read_text(encoding="utf-8")
    path.write_text("{", encoding="utf-8")
    router = Router(WordCounts(), trial)
    with pytest.raises(InvalidDialogues):
        await router.route("squats")
    path.write_text(good, encoding="utf-8")
    assert (await router.route("squats")).mode.text == "core+sport"
