"""Slots for calls of the Bot API, on a clock that the tests move."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram.rate_limiter import WINDOW_MARGIN, BotApiLimits, Priority, RateLimit, RateLimiter


class Simulation:
    """A rate limiter with callers, on a clock that only the test moves."""

    def __init__(self, limits: BotApiLimits) -> None:
        self.now = 0.0
        self.limiter = RateLimiter(limits, clock=lambda: self.now)
        self.granted: list[tuple[float, int | None, Priority]] = []
        """Time, chat and priority of each slot, in order."""
        self.tasks: list[asyncio.Task[None]] = []

    def acquire(
        self, chat: int | None, priority: Priority = Priority.INTERACTIVE, *, counts_in_chat: bool = True
    ) -> None:
        """Start to wait for a slot."""

        async def wait() -> None:
            await self.limiter.acquire(chat, priority, counts_in_chat=counts_in_chat)
            self.granted.append((self.now, chat, priority))

        self.tasks.append(asyncio.create_task(wait()))

    async def run(self, seconds: float, step: float = 0.05) -> None:
        end = self.now + seconds
        while self.now < end:
            for _ in range(3):
                await asyncio.sleep(0)
            self.now += step
            self.limiter._grant_ready()
        for _ in range(3):
            await asyncio.sleep(0)

    def close(self) -> None:
        for task in self.tasks:
            task.cancel()


def peak(times: list[float], seconds: float) -> int:
    """The most calls in any period of so many seconds."""
    return max((sum(start <= time < start + seconds for time in times) for start in times), default=0)


async def test_limits_are_kept() -> None:
    simulation = Simulation(BotApiLimits())
    for n in range(120):
        simulation.acquire((n % 6 + 1) * (-1 if n % 2 else 1), Priority(n % 3))
    await simulation.run(100)
    simulation.close()
    assert peak([at for at, _, _ in simulation.granted], 1) <= 30
    for chat in {chat for _, chat, _ in simulation.granted}:
        times = [at for at, other, _ in simulation.granted if other == chat]
        assert peak(times, 3) <= 3
        assert chat is None or chat > 0 or peak(times, 60) <= 20


async def test_final_calls_go_first_and_have_reserved_slots() -> None:
    simulation = Simulation(BotApiLimits(overall=RateLimit(10, 1), chat=RateLimit(3, 3, reserved=1)))
    for _ in range(3):
        simulation.acquire(5, Priority.PROGRESS)
    simulation.acquire(5, Priority.FINAL)
    await simulation.run(1)
    assert [priority for _, _, priority in simulation.granted] == [Priority.PROGRESS, Priority.FINAL]
    simulation.acquire(5, Priority.FINAL)
    await simulation.run(10)
    simulation.close()
    assert [priority for _, _, priority in simulation.granted][2:3] == [Priority.FINAL]


async def test_long_retry_after_blocks_its_chat_and_a_short_one_all() -> None:
    simulation = Simulation(BotApiLimits())
    simulation.limiter.apply_retry_after(5, 30)
    simulation.acquire(5)
    simulation.acquire(6)
    await simulation.run(1)
    assert [chat for _, chat, _ in simulation.granted] == [6]
    await simulation.run(30)
    assert [chat for _, chat, _ in simulation.granted] == [6, 5]
    simulation.limiter.apply_retry_after(5, 1)
    simulation.acquire(6)
    await simulation.run(0.9)
    assert len(simulation.granted) == 2
    await simulation.run(0.2)
    simulation.close()
    assert len(simulation.granted) == 3


async def test_retry_after_in_two_chats_blocks_all() -> None:
    simulation = Simulation(BotApiLimits())
    simulation.limiter.apply_retry_after(5, 20)
    simulation.limiter.apply_retry_after(6, 20)
    simulation.acquire(7)
    await simulation.run(19)
    assert simulation.granted == []
    await simulation.run(2)
    simulation.close()
    assert len(simulation.granted) == 1


async def test_drafts_do_not_count_in_their_chat() -> None:
    simulation = Simulation(BotApiLimits(chat=RateLimit(1, 10)))
    for _ in range(5):
        simulation.acquire(5, Priority.PROGRESS, counts_in_chat=False)
    simulation.acquire(5, Priority.FINAL)
    await simulation.run(3)
    simulation.close()
    assert len(simulation.granted) == 6


async def test_cancelled_caller_takes_no_slot() -> None:
    simulation = Simulation(BotApiLimits(chat=RateLimit(1, 1)))
    for _ in range(3):
        simulation.acquire(5)
    await simulation.run(0.1)
    simulation.tasks[1].cancel()
    await simulation.run(1.1 * WINDOW_MARGIN)
    assert len(simulation.granted) == 2
    simulation.close()


@given(st.integers(1, 2000))
def test_idle_windows_are_dropped(chats: int) -> None:
    async def run() -> None:
        now = 0.0
        limiter = RateLimiter(BotApiLimits(overall=RateLimit(10**6, 1)), clock=lambda: now)
        for chat in range(1, chats):
            await limiter.acquire(chat, Priority.FINAL)
        now = 1000.0
        limiter._drop_idle_windows()
        assert limiter._windows == {}

    asyncio.run(run())
