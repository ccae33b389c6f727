"""Backoff delays and the retry loop."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilium.retry import Backoff, BackoffConfig, retry

NO_WAIT = BackoffConfig(initial=0.0, maximum=0.0)


class Flaky:
    """Fails the first `failures` times it is called."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.calls = 0
        self._failures = failures
        self._error = error

    async def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return self.calls


@given(st.floats(0.01, 10), st.floats(1, 3), st.integers(1, 5000))
def test_delays_grow_to_the_maximum(initial: float, factor: float, attempt: int) -> None:
    config = BackoffConfig(initial, maximum=60.0, factor=factor)
    assert config.delay(1) == pytest.approx(initial)
    assert config.delay(attempt) <= config.delay(attempt + 1) <= 60.0


@given(st.floats(0, 0.9))
def test_jitter_stays_within_its_share(jitter: float) -> None:
    delay = BackoffConfig(1.0, maximum=8.0, jitter=jitter).delay(3)
    assert 4 * (1 - jitter) <= delay <= 4 * (1 + jitter)


def test_reset_starts_over() -> None:
    backoff = Backoff(BackoffConfig(1.0, maximum=8.0))
    assert [backoff.next_delay() for _ in range(5)] == [1.0, 2.0, 4.0, 8.0, 8.0]
    backoff.reset()
    assert backoff.next_delay() == 1.0


async def test_retry_returns_the_first_success() -> None:
    operation = Flaky(3, ConnectionError("away"))
    seen: list[tuple[str, float]] = []
    result = await retry(
        operation,
        on=ConnectionError,
        backoff=NO_WAIT,
        before_sleep=lambda error, delay: seen.append((str(error), delay)),
    )
    assert result == operation.calls == 4
    assert seen == [("away", 0.0)] * 3


async def test_retry_raises_other_errors_at_once() -> None:
    operation = Flaky(1, ValueError("wrong"))
    with pytest.raises(ValueError, match="wrong"):
        await retry(operation, on=(ConnectionError, TimeoutError), backoff=NO_WAIT)
    assert operation.calls == 1


@pytest.mark.parametrize("attempts", [1, 3])
async def test_retry_gives_up_after_its_attempts(attempts: int) -> None:
    operation = Flaky(10, ConnectionError("away"))
    with pytest.raises(ConnectionError):
        await retry(operation, on=ConnectionError, backoff=NO_WAIT, attempts=attempts)
    assert operation.calls == attempts


async def test_before_sleep_can_give_up() -> None:
    def give_up(error: Exception, _delay: float) -> None:
        raise error

    operation = Flaky(1, ConnectionError("away"))
    with pytest.raises(ConnectionError):
        await retry(operation, on=ConnectionError, backoff=NO_WAIT, before_sleep=give_up)
    assert operation.calls == 1


async def test_retry_gives_up_before_a_delay_beyond_the_limit() -> None:
    operation = Flaky(1, ConnectionError("away"))
    with pytest.raises(ConnectionError):
        await retry(operation, on=ConnectionError, backoff=BackoffConfig(30.0, maximum=30.0), give_up_after=1.0)
    assert operation.calls == 1


async def test_retry_can_be_cancelled_while_it_waits() -> None:
    waiting = asyncio.Event()
    operation = Flaky(1, ConnectionError("away"))
    task = asyncio.create_task(
        retry(
            operation,
            on=ConnectionError,
            backoff=BackoffConfig(60.0, maximum=60.0),
            before_sleep=lambda _error, _delay: waiting.set(),
        )
    )
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
