"""Single flight for coroutines and for threads."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from consilium.single_flight import SingleFlight, ThreadSingleFlight


class Work:
    """Runs until it is released; counts its runs and cancellations."""

    def __init__(self) -> None:
        self.runs = 0
        self.cancelled = 0
        self.release = asyncio.Event()
        self.started = asyncio.Event()

    async def __call__(self) -> int:
        self.runs += 1
        self.started.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.runs


async def test_callers_of_one_key_share_one_run() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    work = Work()
    callers = [asyncio.create_task(flights.run("a", work)) for _ in range(5)]
    await work.started.wait()
    work.release.set()
    assert await asyncio.gather(*callers) == [1] * 5
    assert await flights.run("a", work) == 2


async def test_different_keys_run_separately() -> None:
    flights: SingleFlight[int, int] = SingleFlight()

    async def double(number: int) -> int:
        return 2 * number

    results = await asyncio.gather(*(flights.run(n, lambda n=n: double(n)) for n in range(4)))
    assert results == [0, 2, 4, 6]


async def test_cancelled_caller_leaves_the_work_to_the_others() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    work = Work()
    first, second = (asyncio.create_task(flights.run("a", work)) for _ in range(2))
    await work.started.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    work.release.set()
    assert await second == 1
    assert work.cancelled == 0


async def test_work_is_cancelled_with_its_last_caller() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    work = Work()
    caller = asyncio.create_task(flights.run("a", work))
    await work.started.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    work.release.set()
    assert await flights.run("a", work) == 2
    assert work.cancelled == 1


async def test_error_reaches_every_caller() -> None:
    flights: SingleFlight[str, int] = SingleFlight()

    async def fail() -> int:
        raise ValueError("broken")

    results = await asyncio.gather(*(flights.run("a", fail) for _ in range(3)), return_exceptions=True)
    assert [str(result) for result in results] == ["broken"] * 3


def test_threads_share_one_call() -> None:
    flights: ThreadSingleFlight[str, int] = ThreadSingleFlight()
    release = threading.Event()
    runs: list[int] = []

    def work() -> int:
        runs.append(1)
        release.wait(10)
        return len(runs)

    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(flights.run, "a", work) for _ in range(4)]
        while not runs:
            pass
        release.set()
        results = {call.result() for call in calls}
    # A thread that comes after the first call has ended starts its own.
    assert results <= {1, 2, 3, 4}
    assert flights.run("a", lambda: 7) == 7


def test_threads_get_the_error_and_the_next_call_works() -> None:
    flights: ThreadSingleFlight[str, int] = ThreadSingleFlight()

    def fail() -> int:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        flights.run("a", fail)
    assert flights.run("a", lambda: 3) == 3
