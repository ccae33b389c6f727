"""How often a bot may call, and who called again before the time was over.

Telegram says: thirty messages a second in all, one a second in a chat with short bursts, twenty a minute in a group;
it does not say how it counts. Here each is a sliding window: 30 calls in any second, 3 in any three seconds in a chat
(so a burst is three), 20 in any minute in a group. Messages and edits count in their chat, refused ones do not.
Drafts and chat actions count in the whole only, as nothing is published of them; `drafts` sets a limit of their own.
After a refusal the whole scope is closed until `retry_after` is over: a call before that is refused and noted.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from tests.fakes.telegram.refusals import too_many


@dataclass(frozen=True)
class Rate:
    """So many in any stretch of so many seconds."""

    count: int
    seconds: float


@dataclass(frozen=True)
class Ignored:
    """A call that came although its scope was closed."""

    method: str
    scope: str
    early: float
    """Seconds it should still have waited."""
    since: float
    """Seconds since the refusal; those under `Limits.in_flight` are not noted, for they may have crossed it."""


@dataclass
class Limits:
    """The windows. One that is None is switched off."""

    overall: Rate | None = Rate(30, 1)
    chat: Rate | None = Rate(3, 3)
    group: Rate | None = Rate(20, 60)
    drafts: Rate | None = None
    in_flight: float = 0.1
    now: Callable[[], float] = time.monotonic
    ignored_429: list[Ignored] = field(default_factory=list)
    _calls: dict[Hashable, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _closed: dict[Hashable, tuple[float, float]] = field(default_factory=dict)
    """When each scope was closed, and until when."""

    @classmethod
    def off(cls) -> Limits:
        """No limit at all."""
        return cls(overall=None, chat=None, group=None)

    def admit(self, method: str) -> None:
        """Count a call in the whole, or refuse it."""
        self._admit(method, {("all", 0): self.overall, (method, 0): None})

    def admit_to(self, method: str, chat_id: int, *, is_group: bool) -> None:
        """Count a message or an edit in its chat, or refuse it."""
        scopes = {("chat", chat_id): self.chat}
        self._admit(method, scopes | ({("group", chat_id): self.group} if is_group else {}))

    def admit_draft(self, method: str, chat_id: int) -> None:
        """Count a draft in its chat, or refuse it."""
        self._admit(method, {("draft", chat_id): self.drafts})

    def close(self, scope: str, seconds: int, chat_id: int = 0) -> None:
        """Close `all`, one method, or a chat's `chat`, `group` or `draft`, and refuse the call at hand."""
        now = self.now()
        self._closed[scope, chat_id] = (now, now + seconds)
        raise too_many(seconds)

    def _admit(self, method: str, scopes: dict[tuple[str, int], Rate | None]) -> None:
        now = self.now()
        for scope, rate in scopes.items():
            since, until = self._closed.get(scope, (0.0, 0.0))
            if until > now:
                if now - since > self.in_flight:
                    self.ignored_429.append(Ignored(method, f"{scope[0]} {scope[1]}", until - now, now - since))
                raise too_many(math.ceil(until - now))
            if rate is None:
                continue
            calls = self._calls[scope]
            while calls and calls[0] <= now - rate.seconds:
                calls.popleft()
            if len(calls) >= rate.count:
                self.close(scope[0], max(1, math.ceil(calls[0] + rate.seconds - now)), scope[1])
        for scope, rate in scopes.items():
            if rate is not None:
                self._calls[scope].append(now)
