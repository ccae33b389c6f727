"""Everything that the bot asked for and everything that people could see, in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Request:
    """One call of the bot."""

    method: str
    """In lower case."""
    args: Mapping[str, str]
    status: int | None = None
    """The HTTP status; None until the call is answered."""
    answered_at: float | None = None
    """Monotonic seconds."""


@dataclass(frozen=True, kw_only=True)
class State:
    """What a message or a draft looked like from a moment on."""

    at: float
    """Monotonic seconds."""
    event: str
    """`sent`, `edited`, `deleted`; for drafts `draft`, `stopped`, `refused` (after it was stopped)."""
    chat: int
    message: int
    """Id of the message or the draft."""
    author: int
    text: str
    entities: list[dict[str, Any]]
    buttons: list[list[dict[str, Any]]]


@dataclass
class Records:
    """The history of one server."""

    requests: list[Request] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    parse_mode_uses: list[Request] = field(default_factory=list)
    """Calls with a `parse_mode`, which the bot never uses."""
    unknown_methods: list[str] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)
    """What Telegram silently does differently from what it was asked for: texts it trims, entities it drops."""
    version: int = 0
    """Grows with every change."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add_request(self, method: str, args: Mapping[str, str]) -> Request:
        """Record a call when it arrives."""
        request = Request(method=method, args=dict(args))
        self.requests.append(request)
        if args.get("parse_mode"):
            self.parse_mode_uses.append(request)
        self.notify()
        return request

    def add_state(self, event: str, **fields: Any) -> None:
        """Record what something looks like from now on."""
        self.states.append(State(at=time.monotonic(), event=event, **fields))
        self.notify()

    def notify(self) -> None:
        """Wake everyone who waits for a change."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def next_change(self, seen: int, timeout_seconds: float) -> None:
        """Return when the version is above `seen`, or after the timeout."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                while self.version <= seen:
                    await self._changed.wait()
