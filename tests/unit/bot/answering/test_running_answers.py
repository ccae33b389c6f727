import asyncio
from uuid import uuid4

import pytest

from bot.answering.cancellation import RunningAnswers


async def test_an_answer_that_ends_by_itself_was_not_stopped() -> None:
    running = RunningAnswers()
    said: list[str] = []

    async def answer() -> None:
        said.append("all")

    session = uuid4()
    assert await running.run(session, answer)
    assert said == ["all"]
    assert not running.stop(session)


async def test_stopping_ends_this_sessions_answer_only() -> None:
    running = RunningAnswers()
    one, other = uuid4(), uuid4()
    go_on = asyncio.Event()

    async def answer() -> None:
        await go_on.wait()

    first = asyncio.create_task(running.run(one, answer))
    second = asyncio.create_task(running.run(other, answer))
    await asyncio.sleep(0)
    assert running.stop(one)
    assert await first is False
    go_on.set()
    assert await second is True


async def test_what_an_answer_raises_comes_out() -> None:
    async def answer() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await RunningAnswers().run(uuid4(), answer)


async def test_cancelling_the_caller_cancels_the_answer_and_waits_for_it() -> None:
    ended: list[str] = []

    async def answer() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("yes")

    caller = asyncio.create_task(RunningAnswers().run(uuid4(), answer))
    await asyncio.sleep(0.01)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended == ["yes"]
