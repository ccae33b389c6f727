"""Rate limits, and who called again before `retry_after` was over.

Telegram documents thirty messages a second overall, one a second in a chat with short bursts, and twenty a minute in a
group; it does not say how it counts. Here each limit is a sliding window: 30 calls in any second, 3 in any three
seconds in a chat, 20 in any minute in a group. Messages and edits count in their chat, refused ones do not; drafts and
chat actions count only overall. After a 429 the scope stays closed until `retry_after` is over: an earlier call is
refused and recorded.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fakes.telegram.wire import too_many_requests

Scope = tuple[str, int]
"""`all`, `chat` or `group`, and the id of the chat."""


@dataclass(frozen=True)
class Rate:
    """At most `count` calls in any period of `seconds`."""

    count: int
    seconds: float


@dataclass(frozen=True)
class Ignored:
    """A call that came while its scope was closed."""

    method: str
    scope: str
    early: float
    """Seconds it should still have waited."""
    since: float
    """Seconds since the 429; those under `Limits.in_flight` are not recorded, because the two may have crossed."""


@dataclass
class Limits:
    """The windows; one that is None is switched off."""

    overall: Rate | None = Rate(30, 1)
    chat: Rate | None = Rate(3, 3)
    group: Rate | None = Rate(20, 60)
    in_flight: float = 0.1
    now: Callable[[], float] = time.monotonic
    ignored_429: list[Ignored] = field(default_factory=list)
    _calls: dict[Scope, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _closed: dict[Scope, tuple[float, float]] = field(default_factory=dict)
    """When each scope was closed, and until when."""

    @classmethod
    def off(cls) -> Limits:
        """No limits."""
        return cls(overall=None, chat=None, group=None)

    def admit(self, method: str) -> None:
        """Count a call overall, or refuse it."""
        self._admit(method, {("all", 0): self.overall})

    def admit_to(self, method: str, chat_id: int, *, is_group: bool) -> None:
        """Count a message or an edit in its chat, or refuse it."""
        scopes: dict[Scope, Rate | None] = {("chat", chat_id): self.chat}
        if is_group:
            scopes["group", chat_id] = self.group
        self._admit(method, scopes)

    def close(self, scope: Scope, seconds: int) -> None:
        """Close a scope, and refuse the current call."""
        now = self.now()
        self._closed[scope] = (now, now + seconds)
        raise too_many_requests(seconds)

    def _admit(self, method: str, scopes: dict[Scope, Rate | None]) -> None:
        now = self.now()
        for scope, rate in scopes.items():
            since, until = self._closed.get(scope, (0.0, 0.0))
            if until > now:
                if now - since > self.in_flight:
                    self.ignored_429.append(Ignored(method, f"{scope[0]} {scope[1]}", until - now, now - since))
                raise too_many_requests(math.ceil(until - now))
            if rate is None:
                continue
            calls = self._calls[scope]
            while calls and calls[0] <= now - rate.seconds:
                calls.popleft()
            if len(calls) >= rate.count:
                self.close(scope, max(1, math.ceil(calls[0] + rate.seconds - now)))
        for scope, rate in scopes.items():
            if rate is not None:
                self._calls[scope].append(now)
