"""One text asked for by several is computed once; whoever leaves or fails takes nothing from the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from inference.embedding.cache import VectorCache


class Broken(Exception):
    """The model cannot."""


def vector_of(text: str) -> NDArray[np.float32]:
    return np.array([[len(text), ord(text[0])]], np.float32)


@dataclass
class Model:
    """Computes when it is told to, and counts how often it was asked and how many texts are in work."""

    asked: Counter[str] = field(default_factory=Counter)
    working: Counter[str] = field(default_factory=Counter)
    results: dict[str, asyncio.Future[None]] = field(default_factory=dict)

    async def compute(self, text: str) -> NDArray[np.float32]:
        self.asked[text] += 1
        self.working[text] += 1
        assert self.working[text] == 1
        result = self.results[text] = asyncio.get_running_loop().create_future()
        try:
            await result
        finally:
            self.working[text] -= 1
        return vector_of(text)

    def end(self, text: str, error: Exception | None = None) -> None:
        """What is in work on this text, if anything is, comes to its end."""
        result = self.results.get(text)
        if result is not None and not result.done():
            result.set_result(None) if error is None else result.set_exception(error)


async def settled() -> None:
    """Everything that can go on has."""
    for _ in range(8):
        await asyncio.sleep(0)


async def test_a_text_that_is_known_is_not_computed_again() -> None:
    model = Model()
    recent = VectorCache(model.compute)
    first = asyncio.create_task(recent.get("rest"))
    await settled()
    model.end("rest")
    (await first)[:] = 0  # the asker's own: what he does to it changes nothing for the next
    assert (await recent.get("rest") == vector_of("rest")).all()
    assert model.asked["rest"] == 1


async def test_an_error_is_everybodys_who_waits_and_nobodys_after_him() -> None:
    model = Model()
    recent = VectorCache(model.compute)
    both = [asyncio.create_task(recent.get("rest")) for _ in range(2)]
    await settled()
    model.end("rest", Broken())
    assert all(isinstance(found, Broken) for found in await asyncio.gather(*both, return_exceptions=True))
    again = asyncio.create_task(recent.get("rest"))
    await settled()
    model.end("rest")
    assert (await again == vector_of("rest")).all()


async def test_one_who_leaves_leaves_the_others_their_vector() -> None:
    model = Model()
    recent = VectorCache(model.compute)
    leaving, staying = (asyncio.create_task(recent.get("rest")) for _ in range(2))
    await settled()
    leaving.cancel()
    await settled()
    model.end("rest")
    assert (await staying == vector_of("rest")).all()
    assert leaving.cancelled()
    assert model.asked["rest"] == 1


async def test_what_nobody_waits_for_is_let_go() -> None:
    model = Model()
    recent = VectorCache(model.compute)
    only = asyncio.create_task(recent.get("rest"))
    await settled()
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    await settled()
    assert model.working["rest"] == 0


async def test_the_longest_unasked_is_forgotten() -> None:
    asked = Counter[str]()

    async def compute(text: str) -> NDArray[np.float32]:
        asked[text] += 1
        return vector_of(text)

    recent = VectorCache(compute, max_size=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        await recent.get(text)
    assert asked == {"a": 1, "b": 2, "c": 1}


TEXTS = st.sampled_from("abc")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), TEXTS),
        st.tuples(st.just("leave"), st.integers(0, 30)),
        st.tuples(st.just("end"), TEXTS),
        st.tuples(st.just("fail"), TEXTS),
        st.tuples(st.just("go on"), st.none()),
    ),
    max_size=40,
)


@given(STEPS)
def test_whatever_comes_in_whatever_order_everybody_gets_his_own(steps: list[tuple[str, object]]) -> None:
    async def run() -> None:
        model = Model()
        recent = VectorCache(model.compute, max_size=2)
        asking: list[tuple[str, asyncio.Task[NDArray[np.float32]]]] = []
        left = set[int]()
        for what, of in steps:
            match what:
                case "ask":
                    asking.append((str(of), asyncio.create_task(recent.get(str(of)))))
                case "leave" if asking:
                    assert isinstance(of, int)
                    number = of % len(asking)
                    if asking[number][1].cancel():
                        left.add(number)
                case "end":
                    model.end(str(of))
                case "fail":
                    model.end(str(of), Broken())
                case _:
                    await settled()
        while any(not task.done() for _, task in asking):
            await settled()
            for text in "abc":
                model.end(text)
        await settled()
        for number, (text, task) in enumerate(asking):
            if task.cancelled():
                assert number in left
            elif task.exception() is not None:
                assert isinstance(task.exception(), Broken)
            else:
                assert (task.result() == vector_of(text)).all()
        assert not +model.working

    asyncio.run(run())
