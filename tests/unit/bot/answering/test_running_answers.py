import asyncio
from uuid import uuid4

import pytest

from bot.answering.cancellation import RunningAnswers


async def test_finished_answer_was_not_stopped() -> None:
    running = RunningAnswers()
    finished: list[str] = []

    async def answer() -> None:
        finished.append("all")

    session = uuid4()
    assert await running.run(session, answer)
    assert finished == ["all"]
    assert not running.stop(session)


async def test_stop_ends_only_its_own_answer() -> None:
    running = RunningAnswers()
    stopped_id, other_id = uuid4(), uuid4()
    gate = asyncio.Event()

    async def answer() -> None:
        await gate.wait()

    first = asyncio.create_task(running.run(stopped_id, answer))
    second = asyncio.create_task(running.run(other_id, answer))
    await asyncio.sleep(0)
    assert running.stop(stopped_id)
    assert await first is False
    gate.set()
    assert await second is True


async def test_error_of_an_answer_is_raised() -> None:
    async def answer() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await RunningAnswers().run(uuid4(), answer)


async def test_cancelled_caller_waits_for_its_cancelled_answer() -> None:
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
