"""Turns to call the Bot API, by a clock of the test's own."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram.rate_limiter import WINDOW_MARGIN, BotApiLimits, Priority, RateLimit, RateLimiter


class Time:
    """A clock that only the test moves."""

    def __init__(self, rates: BotApiLimits) -> None:
        self.now = 0.0
        self.pacer = RateLimiter(rates, clock=lambda: self.now)
        self.log: list[tuple[float, int | None, Priority]] = []
        self.tasks: list[asyncio.Task[None]] = []

    def ask(self, chat: int | None, urgency: Priority = Priority.INTERACTIVE, *, message: bool = True) -> None:
        async def wait() -> None:
            await self.pacer.acquire(chat, urgency, counts_in_chat=message)
            self.log.append((self.now, chat, urgency))

        self.tasks.append(asyncio.create_task(wait()))

    async def run(self, seconds: float, step: float = 0.05) -> None:
        end = self.now + seconds
        while self.now < end:
            for _ in range(3):
                await asyncio.sleep(0)
            self.now += step
            self.pacer._grant_ready()
        for _ in range(3):
            await asyncio.sleep(0)

    def close(self) -> None:
        for task in self.tasks:
            task.cancel()


def most_in(moments: list[float], seconds: float) -> int:
    return max((sum(at <= other < at + seconds for other in moments) for at in moments), default=0)


async def test_no_limit_is_ever_passed() -> None:
    time = Time(BotApiLimits())
    for n in range(120):
        time.ask((n % 6 + 1) * (-1 if n % 2 else 1), Priority(n % 3))
    await time.run(100)
    time.close()
    assert most_in([at for at, _, _ in time.log], 1) <= 30
    for chat in {chat for _, chat, _ in time.log}:
        mine = [at for at, one, _ in time.log if one == chat]
        assert most_in(mine, 3) <= 3
        assert chat is None or chat > 0 or most_in(mine, 60) <= 20


async def test_what_is_final_goes_first_and_room_is_kept_for_it() -> None:
    time = Time(BotApiLimits(overall=RateLimit(10, 1), chat=RateLimit(3, 3, reserved=1)))
    for _ in range(3):
        time.ask(5, Priority.PROGRESS)
    time.ask(5, Priority.FINAL)
    await time.run(1)
    assert [urgency for _, _, urgency in time.log] == [Priority.PROGRESS, Priority.FINAL]
    time.ask(5, Priority.FINAL)
    await time.run(10)
    time.close()
    assert [urgency for _, _, urgency in time.log][2:3] == [Priority.FINAL]


async def test_a_long_wait_is_for_its_chat_and_a_short_one_for_all() -> None:
    time = Time(BotApiLimits())
    time.pacer.apply_retry_after(5, 30)
    time.ask(5)
    time.ask(6)
    await time.run(1)
    assert [chat for _, chat, _ in time.log] == [6]
    await time.run(30)
    assert [chat for _, chat, _ in time.log] == [6, 5]
    time.pacer.apply_retry_after(5, 1)
    time.ask(6)
    await time.run(0.9)
    assert len(time.log) == 2
    await time.run(0.2)
    time.close()
    assert len(time.log) == 3


async def test_two_chats_that_are_closed_close_all() -> None:
    time = Time(BotApiLimits())
    time.pacer.apply_retry_after(5, 20)
    time.pacer.apply_retry_after(6, 20)
    time.ask(7)
    await time.run(19)
    assert time.log == []
    await time.run(2)
    time.close()
    assert len(time.log) == 1


async def test_drafts_and_actions_leave_the_chats_own_room_alone() -> None:
    time = Time(BotApiLimits(chat=RateLimit(1, 10)))
    for _ in range(5):
        time.ask(5, Priority.PROGRESS, message=False)
    time.ask(5, Priority.FINAL)
    await time.run(3)
    time.close()
    assert len(time.log) == 6


async def test_who_does_not_wait_any_more_takes_no_turn() -> None:
    time = Time(BotApiLimits(chat=RateLimit(1, 1)))
    for _ in range(3):
        time.ask(5)
    await time.run(0.1)
    time.tasks[1].cancel()
    await time.run(1.1 * WINDOW_MARGIN)
    assert len(time.log) == 2
    time.close()


@given(st.integers(1, 2000))
def test_chats_are_forgotten_once_their_windows_are_empty(chats: int) -> None:
    async def many() -> None:
        now = 0.0
        pacer = RateLimiter(BotApiLimits(overall=RateLimit(10**6, 1)), clock=lambda: now)
        for chat in range(1, chats):
            await pacer.acquire(chat, Priority.FINAL)
        now = 1000.0
        pacer._drop_idle_windows()
        assert pacer._windows == {}

    asyncio.run(many())
