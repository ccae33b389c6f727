"""Loops go on whatever goes wrong in a round."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from bot.core.loops import keep_running, run_periodically
from consilium.retry import BackoffConfig
from db.errors import DatabaseReadOnly


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.core.loops._BACKOFF", BackoffConfig(initial=0.001, maximum=0.001))


def failures(loop: str) -> float:
    return REGISTRY.get_sample_value("consilium_loop_failures_total", {"loop": loop}) or 0.0


async def test_a_periodic_loop_survives_every_exception() -> None:
    troubles = iter([DatabaseReadOnly(server="db", reason="standby"), KeyError("words"), RecursionError()])
    rounds, done = 0, asyncio.Event()

    async def action() -> None:
        nonlocal rounds
        rounds += 1
        if (trouble := next(troubles, None)) is not None:
            raise trouble
        done.set()

    before = failures("test-periodic")
    with capture_logs() as logs:
        running = asyncio.create_task(run_periodically("test-periodic", action, 0.001))
        async with asyncio.timeout(5):
            await done.wait()
        running.cancel()
    assert rounds == 4
    assert failures("test-periodic") - before == 3
    assert [(log["event"], log["error"]) for log in logs if log["event"].startswith("loop.")] == [
        ("loop.round_failed", "DatabaseReadOnly"),
        ("loop.round_failed", "KeyError"),
        ("loop.round_failed", "RecursionError"),
    ]
    assert "words" not in str([log["reason"] for log in logs if log["event"].startswith("loop.")])


async def test_work_is_begun_again_until_it_returns_or_nothing_can_mend_it() -> None:
    troubles: list[Exception] = [ValueError(), OSError()]

    async def work() -> None:
        if troubles:
            raise troubles.pop()

    await keep_running("test-work", work)
    troubles += [PermissionError("the token"), ValueError()]
    with pytest.raises(PermissionError):
        await keep_running("test-work", work, fatal=(PermissionError,))


async def test_cancelling_ends_a_loop() -> None:
    async def work() -> None:
        raise ValueError

    running = asyncio.create_task(keep_running("test-cancel", work))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
