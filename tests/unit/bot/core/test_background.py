from __future__ import annotations

import asyncio

import pytest

from bot.core.background import finish_despite_cancellation


async def test_cancelled_caller_stays_until_the_work_has_ended() -> None:
    begun, gate, done = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        begun.set()
        await gate.wait()
        done.append("all of it")

    task = asyncio.create_task(finish_despite_cancellation(work()))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["all of it"]


async def test_result_and_error_are_passed_on() -> None:
    async def succeed() -> int:
        return 5

    async def raises() -> None:
        raise KeyError("x")

    assert await finish_despite_cancellation(succeed()) == 5
    with pytest.raises(KeyError):
        await finish_despite_cancellation(raises())
