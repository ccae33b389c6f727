"""Loading beside the first messages: once, for everybody who waits, tried again after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from bot.app.loading import Loading


@dataclass
class Models:
    """A context that counts how often it is opened and left."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    failures: list[Exception] = field(default_factory=list)
    """Raised one by one, by the first attempts."""
    opened: int = 0
    left: int = 0

    @property
    def context(self) -> Callable[[], AbstractAsyncContextManager[None]]:
        @asynccontextmanager
        async def loaded() -> AsyncIterator[None]:
            self.opened += 1
            await self.gate.wait()
            if self.failures:
                raise self.failures.pop(0)
            try:
                yield
            finally:
                self.left += 1

        return loaded


async def test_loads_once_for_all_who_wait() -> None:
    models = Models()
    async with Loading(models.context) as loading:
        waiting = [asyncio.create_task(loading.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not loading.is_complete
        models.gate.set()
        await asyncio.gather(*waiting)
        await loading.wait()
        assert loading.is_complete
        assert (models.opened, models.left) == (1, 0)
    assert (models.opened, models.left) == (1, 1)


async def test_nothing_is_loaded_unless_asked_for() -> None:
    models = Models()
    async with Loading(models.context):
        await asyncio.sleep(0)
    assert (models.opened, models.left) == (0, 0)


async def test_a_cancelled_waiter_does_not_stop_the_loading() -> None:
    models = Models()
    async with Loading(models.context) as loading:
        impatient = asyncio.create_task(loading.wait())
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
        models.gate.set()
        await loading.wait()
    assert models.opened == 1


async def test_a_failure_reaches_all_who_wait_and_the_next_tries_again() -> None:
    models = Models(failures=[ValueError("broken")])
    async with Loading(models.context) as loading:
        waiting = [asyncio.create_task(loading.wait()) for _ in range(2)]
        models.gate.set()
        assert [type(error) for error in await asyncio.gather(*waiting, return_exceptions=True)] == [ValueError] * 2
        assert not loading.is_complete
        await loading.wait()
        assert loading.is_complete
    assert (models.opened, models.left) == (2, 1)


async def test_closing_stops_the_loading() -> None:
    models = Models()
    async with Loading(models.context) as loading:
        loading.start()
        waiting = asyncio.create_task(loading.wait())
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (models.opened, models.left) == (1, 0)
