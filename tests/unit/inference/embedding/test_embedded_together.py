"""Texts that come while a model is busy are given to it together, and each asker gets his own vector."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from inference.embedding.batching import MAX_BATCH_SIZE, MAX_PADDED_CHARACTERS, MAX_PASSED_OVER, EmbeddingBatcher


class Busy:
    """A model that encodes when it is let."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.begun = threading.Event()
        self.batches: list[list[str]] = []

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        self.batches.append(texts)
        self.begun.set()
        assert self.free.wait(30)
        if "bad" in texts:
            raise ValueError("bad")
        return np.array([[float(text)] for text in texts], np.float32)


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=40),
    st.sets(st.integers(0, 39)),
    st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_each_gets_his_own_whoever_leaves(numbers: list[int], leaving: set[int], urgent: list[bool]) -> None:
    async def run() -> None:
        model = Busy()
        with ThreadPoolExecutor(1) as thread:
            together = EmbeddingBatcher(thread, model.encode)
            asking = [
                asyncio.create_task(together.embed(str(number), urgent=urgent[place]))
                for place, number in enumerate(numbers)
            ]
            await asyncio.to_thread(model.begun.wait, 30)
            await asyncio.sleep(0)
            for place in leaving & set(range(len(asking))):
                asking[place].cancel()
            await asyncio.sleep(0)
            model.free.set()
            found = await asyncio.gather(*asking, return_exceptions=True)
        for place, (number, vector) in enumerate(zip(numbers, found, strict=True)):
            if isinstance(vector, BaseException):
                assert isinstance(vector, asyncio.CancelledError)
                assert place in leaving
            else:
                assert vector.tolist() == [[float(number)]]
        assert all(0 < len(batch) <= MAX_BATCH_SIZE for batch in model.batches)
        assert sum(map(len, model.batches)) <= len(numbers)

    asyncio.run(run())


async def test_what_comes_meanwhile_goes_together(thread: ThreadPoolExecutor) -> None:
    model = Busy()
    together = EmbeddingBatcher(thread, model.encode)
    first = asyncio.create_task(together.embed("1"))
    await asyncio.to_thread(model.begun.wait, 30)
    others = [asyncio.create_task(together.embed(str(number))) for number in range(2, 5)]
    await asyncio.sleep(0)
    model.free.set()
    await asyncio.gather(first, *others)
    assert model.batches == [["1"], ["2", "3", "4"]]


async def batches_of(thread: ThreadPoolExecutor, texts: list[tuple[str, bool]]) -> list[list[str]]:
    """The batches of texts, each urgent or not, that come while the model is busy with another one."""
    model = Busy()
    together = EmbeddingBatcher(thread, model.encode)
    first = asyncio.create_task(together.embed("0"))
    await asyncio.to_thread(model.begun.wait, 30)
    others = [asyncio.create_task(together.embed(text, urgent=urgent)) for text, urgent in texts]
    await asyncio.sleep(0)
    model.free.set()
    await asyncio.gather(first, *others)
    return model.batches[1:]


async def test_what_somebody_waits_for_goes_first_and_the_rest_fills_up(thread: ThreadPoolExecutor) -> None:
    assert await batches_of(thread, [("1", False), ("2", True), ("3", False), ("4", True)]) == [["2", "4", "1", "3"]]


async def test_a_long_text_is_not_made_to_wait_for_by_short_ones(thread: ThreadPoolExecutor) -> None:
    long = "9".rjust(MAX_PADDED_CHARACTERS // 2, "0")
    assert await batches_of(thread, [("1", False), ("2", False), (long, False), ("3", False)]) == [
        ["1", "2"],
        [long, "3"],
    ]


async def test_urgent_texts_do_not_hold_up_the_others_for_ever(thread: ThreadPoolExecutor) -> None:
    urgent = [("7".rjust(MAX_PADDED_CHARACTERS, "0"), True)] * (2 * MAX_PASSED_OVER)
    batches = await batches_of(thread, [("1", False), *urgent])
    assert batches.index(["1"]) == MAX_PASSED_OVER
    assert len(batches) == len(urgent) + 1


async def test_an_error_is_theirs_who_asked_together(thread: ThreadPoolExecutor) -> None:
    model = Busy()
    model.free.set()
    together = EmbeddingBatcher(thread, model.encode)
    with pytest.raises(ValueError, match="bad"):
        await together.embed("bad")
    assert (await together.embed("7")).tolist() == [[7.0]]
