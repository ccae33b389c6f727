"""How fast a process calls the Bot API: final messages go before progress, and a 429 is obeyed.

Telegram allows about thirty calls a second in all, one message a second in a chat with short bursts, and twenty a
minute in a group. Calls wait here for a slot, so that the limits are kept before Telegram enforces them.
"""

from __future__ import annotations

import asyncio
import time
from bisect import insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

WINDOW_MARGIN: Final = 1.08
"""Windows are longer than Telegram's by this factor, because calls may arrive closer together than they were sent."""
SLICES_PER_WINDOW: Final = 10
"""The overall window is split into this many slices, so that calls are spread evenly over it."""
GLOBAL_WAIT_THRESHOLD: Final = 1.0
"""A `retry_after` of up to this many seconds means that the bot calls too often overall: all chats wait."""
_MAX_WINDOWS: Final = 10_000
"""Windows of chats that are kept before the idle ones are dropped."""


class Priority(IntEnum):
    """The order in which waiting calls get slots."""

    FINAL = 0
    """The end of an answer."""
    INTERACTIVE = 1
    """What a person waits for: a first response, a menu."""
    PROGRESS = 2
    """A partial answer: the next one shows more of it."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `calls` in any period of `seconds`."""

    calls: int
    seconds: float
    reserved: int = 0
    """How many of the calls `Priority.PROGRESS` may not use."""


@dataclass(frozen=True, slots=True)
class BotApiLimits:
    """The limits of one process."""

    overall: RateLimit = RateLimit(30, 1)
    chat: RateLimit = RateLimit(3, 3, reserved=1)
    group: RateLimit = RateLimit(20, 60, reserved=6)


@dataclass(slots=True)
class _Window:
    limit: RateLimit
    call_times: deque[float] = field(default_factory=deque)

    def next_free_at(self, now: float, priority: Priority) -> float:
        """The time from which one more call fits."""
        while self.call_times and self.call_times[0] <= now - self.limit.seconds * WINDOW_MARGIN:
            self.call_times.popleft()
        capacity = max(1, self.limit.calls - (self.limit.reserved if priority is Priority.PROGRESS else 0))
        if len(self.call_times) < capacity:
            return now
        return self.call_times[len(self.call_times) - capacity] + self.limit.seconds * WINDOW_MARGIN


@dataclass(order=True, slots=True)
class _Waiter:
    priority: Priority
    sequence: int
    chat: int | None = field(compare=False)
    windows: tuple[_Window, ...] = field(compare=False)
    granted: asyncio.Future[None] = field(compare=False)


class RateLimiter:
    """Grants slots for calls, within limits for the whole bot, each chat and each group."""

    def __init__(self, limits: BotApiLimits = BotApiLimits(), clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        slice_limit = RateLimit(
            max(1, limits.overall.calls // SLICES_PER_WINDOW), limits.overall.seconds / SLICES_PER_WINDOW
        )
        self._overall = (_Window(limits.overall), _Window(slice_limit))
        self._windows: dict[tuple[int, RateLimit], _Window] = {}
        self._blocked_until: dict[int | None, float] = {}
        """Until when a chat waits after a 429; under None, until when every chat does."""
        self._waiters: list[_Waiter] = []
        self._last_sequence = 0
        self._timer: asyncio.TimerHandle | None = None

    async def acquire(self, chat: int | None, priority: Priority, *, counts_in_chat: bool = True) -> None:
        """Wait until a call may be made.

        Args:
            chat: id of the chat that the call is for; negative for a group; None for no chat.
            counts_in_chat: whether the call counts against the limits of its chat. Only calls that send or change a
                message do; others count only overall.
        """
        self._last_sequence += 1
        windows = self._chat_windows(chat) if chat is not None and counts_in_chat else ()
        waiter = _Waiter(priority, self._last_sequence, chat, windows, asyncio.get_running_loop().create_future())
        insort(self._waiters, waiter)
        self._grant_ready()
        try:
            await waiter.granted
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def apply_retry_after(self, chat: int | None, seconds: float) -> None:
        """Obey a 429. Telegram does not say whether it concerns one chat or the whole bot.

        A short wait, and one that comes while another chat waits as well, are taken to concern the whole bot.
        """
        now = self._clock()
        others_wait = any(until > now for blocked, until in self._blocked_until.items() if blocked != chat)
        until = now + seconds
        for blocked in {chat, None} if seconds <= GLOBAL_WAIT_THRESHOLD or others_wait else {chat}:
            self._blocked_until[blocked] = max(until, self._blocked_until.get(blocked, 0.0))

    def _chat_windows(self, chat: int) -> tuple[_Window, ...]:
        if len(self._windows) > _MAX_WINDOWS:
            self._drop_idle_windows()
        limits = (self._limits.chat, self._limits.group) if chat < 0 else (self._limits.chat,)
        return tuple(self._windows.setdefault((chat, limit), _Window(limit)) for limit in limits)

    def _drop_idle_windows(self) -> None:
        now = self._clock()
        used = {id(window) for waiter in self._waiters for window in waiter.windows}
        for key, window in list(self._windows.items()):
            window.next_free_at(now, Priority.FINAL)
            if not window.call_times and id(window) not in used:
                del self._windows[key]
        self._blocked_until = {chat: until for chat, until in self._blocked_until.items() if until > now}

    def _grant_ready(self) -> None:
        now, next_grant_at = self._clock(), float("inf")
        for waiter in list(self._waiters):
            overall_free_at = max(
                self._blocked_until.get(None, 0.0),
                *(window.next_free_at(now, waiter.priority) for window in self._overall),
            )
            if overall_free_at > now:
                next_grant_at = min(next_grant_at, overall_free_at)
                break
            chat_free_at = max(
                self._blocked_until.get(waiter.chat, 0.0),
                *(window.next_free_at(now, waiter.priority) for window in waiter.windows),
                now,
            )
            if chat_free_at > now:
                next_grant_at = min(next_grant_at, chat_free_at)
                continue
            for window in (*self._overall, *waiter.windows):
                window.call_times.append(now)
            self._waiters.remove(waiter)
            if not waiter.granted.done():
                waiter.granted.set_result(None)
        self._schedule_grant(next_grant_at - now)

    def _schedule_grant(self, delay: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._waiters:
            self._timer = asyncio.get_running_loop().call_later(max(0.001, delay), self._grant_ready)
