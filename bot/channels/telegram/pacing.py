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

MARGIN: Final = 1.08
"""Windows are taken to be longer by this factor: calls may draw together on their way."""
SPREAD: Final = 10
"""The calls of one second are spread over so many parts of it: many at once draw together on their way."""
EVERYWHERE: Final = 1.0
"""A wait of up to so many seconds is asked for when the bot calls too often in all: then every chat waits."""


class Urgency(IntEnum):
    """What goes first."""

    FINAL = 0
    """The end of an answer."""
    SOON = 1
    """What somebody waits for: a first sign, a menu."""
    LATER = 2
    """An answer on its way: the next one shows more of it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls in any stretch of so many seconds."""

    calls: int
    seconds: float
    kept: int = 0
    """How many of them are kept from what comes `LATER`."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The limits of one process."""

    overall: Rate = Rate(30, 1)
    chat: Rate = Rate(3, 3, kept=1)
    group: Rate = Rate(20, 60, kept=6)


@dataclass(slots=True)
class _Window:
    rate: Rate
    taken: deque[float] = field(default_factory=deque)

    def open_at(self, now: float, urgency: Urgency) -> float:
        """From when on one more call fits."""
        while self.taken and self.taken[0] <= now - self.rate.seconds * MARGIN:
            self.taken.popleft()
        most = max(1, self.rate.calls - (self.rate.kept if urgency is Urgency.LATER else 0))
        if len(self.taken) < most:
            return now
        return self.taken[len(self.taken) - most] + self.rate.seconds * MARGIN


@dataclass(order=True, slots=True)
class _Waiting:
    urgency: Urgency
    number: int
    chat: int | None = field(compare=False)
    windows: tuple[_Window, ...] = field(compare=False)
    granted: asyncio.Future[None] = field(compare=False)


class Pacer:
    """Hands out turns to call."""

    def __init__(self, rates: Rates = Rates(), now: Callable[[], float] = time.monotonic) -> None:
        self._rates = rates
        self._now = now
        spread = Rate(max(1, rates.overall.calls // SPREAD), rates.overall.seconds / SPREAD)
        self._overall = (_Window(rates.overall), _Window(spread))
        self._windows: dict[tuple[int, Rate], _Window] = {}
        self._closed: dict[int | None, float] = {}
        """Until when a chat, or under None everything, is closed."""
        self._waiting: list[_Waiting] = []
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, chat: int | None, urgency: Urgency, *, message: bool = True) -> None:
        """Wait until a call may be made.

        Args:
            chat: the chat it is for; a negative one is a group.
            message: whether it shows a message or changes one; other calls count in all, and not in their chat.
        """
        self._number += 1
        windows = self._of(chat) if chat is not None and message else ()
        waiting = _Waiting(urgency, self._number, chat, windows, asyncio.get_running_loop().create_future())
        insort(self._waiting, waiting)
        self._grant()
        try:
            await waiting.granted
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def refused(self, chat: int | None, seconds: float) -> None:
        """Telegram has asked to wait. It does not say whether in a chat or everywhere.

        A short wait, and one that comes while another chat is closed too, are taken to be for everywhere.
        """
        now = self._now()
        others = any(until > now for closed, until in self._closed.items() if closed != chat)
        until = now + seconds
        for closed in {chat, None} if seconds <= EVERYWHERE or others else {chat}:
            self._closed[closed] = max(until, self._closed.get(closed, 0.0))

    def _of(self, chat: int) -> tuple[_Window, ...]:
        if len(self._windows) > 10_000:
            self._forget()
        rates = (self._rates.chat, self._rates.group) if chat < 0 else (self._rates.chat,)
        return tuple(self._windows.setdefault((chat, rate), _Window(rate)) for rate in rates)

    def _forget(self) -> None:
        now = self._now()
        used = {id(window) for waiting in self._waiting for window in waiting.windows}
        for key, window in list(self._windows.items()):
            window.open_at(now, Urgency.FINAL)
            if not window.taken and id(window) not in used:
                del self._windows[key]
        self._closed = {chat: until for chat, until in self._closed.items() if until > now}

    def _grant(self) -> None:
        now, soonest = self._now(), float("inf")
        for waiting in list(self._waiting):
            everywhere = max(
                self._closed.get(None, 0.0), *(window.open_at(now, waiting.urgency) for window in self._overall)
            )
            if everywhere > now:
                soonest = min(soonest, everywhere)
                break
            at = max(
                self._closed.get(waiting.chat, 0.0), *(w.open_at(now, waiting.urgency) for w in waiting.windows), now
            )
            if at > now:
                soonest = min(soonest, at)
                continue
            for window in (*self._overall, *waiting.windows):
                window.taken.append(now)
            self._waiting.remove(waiting)
            if not waiting.granted.done():
                waiting.granted.set_result(None)
        self._look_again(soonest - now)

    def _look_again(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(max(0.001, seconds), self._grant)
