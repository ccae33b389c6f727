"""How fast a process may call the Bot API: what is final goes before what is on its way, and a refusal is obeyed.

Telegram allows about thirty calls a second in all, one message a second in a chat with short bursts, and twenty a
minute in a group. A call waits here for its turn, so that the limits are kept before they are enforced.
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
"""Windows are taken to be longer by this factor: calls may draw together on their way."""
SLICES_PER_WINDOW: Final = 10
"""The calls of one second are spread over so many parts of it: many at once draw together on their way."""
GLOBAL_WAIT_THRESHOLD: Final = 1.0
"""A wait of up to so many seconds is asked for when the bot calls too often in all: then every chat waits."""


class Priority(IntEnum):
    """What goes first."""

    FINAL = 0
    """The end of an answer."""
    INTERACTIVE = 1
    """What somebody waits for: a first sign, a menu."""
    PROGRESS = 2
    """An answer on its way: the next one shows more of it."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many calls in any stretch of so many seconds."""

    calls: int
    seconds: float
    reserved: int = 0
    """How many of them are kept from what comes `LATER`."""


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
        """From when on one more call fits."""
        while self.call_times and self.call_times[0] <= now - self.limit.seconds * WINDOW_MARGIN:
            self.call_times.popleft()
        most = max(1, self.limit.calls - (self.limit.reserved if priority is Priority.PROGRESS else 0))
        if len(self.call_times) < most:
            return now
        return self.call_times[len(self.call_times) - most] + self.limit.seconds * WINDOW_MARGIN


@dataclass(order=True, slots=True)
class _Waiter:
    priority: Priority
    sequence: int
    chat: int | None = field(compare=False)
    windows: tuple[_Window, ...] = field(compare=False)
    granted: asyncio.Future[None] = field(compare=False)


class RateLimiter:
    """Hands out turns to call."""

    def __init__(self, limits: BotApiLimits = BotApiLimits(), clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        spread = RateLimit(
            max(1, limits.overall.calls // SLICES_PER_WINDOW), limits.overall.seconds / SLICES_PER_WINDOW
        )
        self._overall = (_Window(limits.overall), _Window(spread))
        self._windows: dict[tuple[int, RateLimit], _Window] = {}
        self._blocked_until: dict[int | None, float] = {}
        """Until when a chat, or under None everything, is closed."""
        self._waiters: list[_Waiter] = []
        self._last_sequence = 0
        self._timer: asyncio.TimerHandle | None = None

    async def acquire(self, chat: int | None, priority: Priority, *, counts_in_chat: bool = True) -> None:
        """Wait until a call may be made.

        Args:
            chat: the chat it is for; a negative one is a group.
            message: whether it shows a message or changes one; other calls count in all, and not in their chat.
        """
        self._last_sequence += 1
        windows = self._chat_windows(chat) if chat is not None and counts_in_chat else ()
        waiting = _Waiter(priority, self._last_sequence, chat, windows, asyncio.get_running_loop().create_future())
        insort(self._waiters, waiting)
        self._grant_ready()
        try:
            await waiting.granted
        finally:
            if waiting in self._waiters:
                self._waiters.remove(waiting)

    def apply_retry_after(self, chat: int | None, seconds: float) -> None:
        """Telegram has asked to wait. It does not say whether in a chat or everywhere.

        A short wait, and one that comes while another chat is closed too, are taken to be for everywhere.
        """
        now = self._clock()
        others = any(until > now for closed, until in self._blocked_until.items() if closed != chat)
        until = now + seconds
        for closed in {chat, None} if seconds <= GLOBAL_WAIT_THRESHOLD or others else {chat}:
            self._blocked_until[closed] = max(until, self._blocked_until.get(closed, 0.0))

    def _chat_windows(self, chat: int) -> tuple[_Window, ...]:
        if len(self._windows) > 10_000:
            self._drop_idle_windows()
        rates = (self._limits.chat, self._limits.group) if chat < 0 else (self._limits.chat,)
        return tuple(self._windows.setdefault((chat, rate), _Window(rate)) for rate in rates)

    def _drop_idle_windows(self) -> None:
        now = self._clock()
        used = {id(window) for waiting in self._waiters for window in waiting.windows}
        for key, window in list(self._windows.items()):
            window.next_free_at(now, Priority.FINAL)
            if not window.call_times and id(window) not in used:
                del self._windows[key]
        self._blocked_until = {chat: until for chat, until in self._blocked_until.items() if until > now}

    def _grant_ready(self) -> None:
        now, soonest = self._clock(), float("inf")
        for waiting in list(self._waiters):
            everywhere = max(
                self._blocked_until.get(None, 0.0),
                *(window.next_free_at(now, waiting.priority) for window in self._overall),
            )
            if everywhere > now:
                soonest = min(soonest, everywhere)
                break
            at = max(
                self._blocked_until.get(waiting.chat, 0.0),
                *(w.next_free_at(now, waiting.priority) for w in waiting.windows),
                now,
            )
            if at > now:
                soonest = min(soonest, at)
                continue
            for window in (*self._overall, *waiting.windows):
                window.call_times.append(now)
            self._waiters.remove(waiting)
            if not waiting.granted.done():
                waiting.granted.set_result(None)
        self._schedule_grant(soonest - now)

    def _schedule_grant(self, delay: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._waiters:
            self._timer = asyncio.get_running_loop().call_later(max(0.001, delay), self._grant_ready)
