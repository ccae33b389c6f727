"""All that was asked and all that was ever to be seen, in the order it happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Request:
    """One request of the bot, and what came of it."""

    n: int
    method: str
    args: Mapping[str, str]
    files: Mapping[str, int]
    """Names of the files that came with it, and their sizes."""
    at: float
    """Monotonic seconds."""
    wall: float
    status: int | None = None
    """None while it is being handled, and for good when it was never answered."""
    description: str | None = None
    parameters: Mapping[str, int] = field(default_factory=dict)
    result: Any = None
    """What handling it came to, even when the client was never told."""
    fault: str | None = None
    answered_at: float | None = None


@dataclass(frozen=True)
class State:
    """A message or a draft as it was from this moment on."""

    at: float
    wall: float
    event: str
    """`sent`, `edited`, `deleted`; `draft`, `stopped`, `refused` (a draft after its stop)."""
    chat: int
    message: int
    """The message's id, or the draft's."""
    author: int
    text: str
    entities: list[dict[str, Any]]
    buttons: list[list[dict[str, Any]]]
    thread: int | None
    reply_to: int | None


@dataclass
class Records:
    """The whole history of one server."""

    requests: list[Request] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    parse_mode_uses: list[Request] = field(default_factory=list)
    """Requests that asked for `parse_mode`, which our bot never should."""
    unknown_methods: list[str] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)
    """What Telegram silently does otherwise than was asked: entities over 100, texts trimmed."""
    version: int = 0
    """Grows with everything that happens."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def request(self, method: str, args: Mapping[str, str], files: Mapping[str, int]) -> Request:
        """Note a request as it comes."""
        now, wall = time.monotonic(), time.time()
        request = Request(len(self.requests), method, dict(args), files, now, wall)
        self.requests.append(request)
        if any(name.endswith("parse_mode") and value for name, value in args.items()):
            self.parse_mode_uses.append(request)
        self.changed()
        return request

    def state(self, event: str, **what: Any) -> None:
        """Note how something looks from now on."""
        self.states.append(State(time.monotonic(), time.time(), event, **what))
        self.changed()

    def changed(self) -> None:
        """Tell all who wait."""
        self.version += 1
        self._news.set()
        self._news = asyncio.Event()

    async def next_change(self, seen: int, within: float) -> None:
        """Return when something has happened since this version, or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self.version <= seen:
                    await self._news.wait()
