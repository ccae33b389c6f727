"""Rate limits: a bucket for each route and main thing, and one for everything."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from typing import Any

from tests.fakes.discord.clock import Clock

RULES = {
    "POST /channels/{channel}/messages": (5, 5.0),
    "PATCH /channels/{channel}/messages/{message}": (5, 5.0),
    "DELETE /channels/{channel}/messages/{message}": (5, 1.0),
    "PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me": (1, 0.25),
    "POST /channels/{channel}/typing": (5, 5.0),
    "POST /users/@me/channels": (10, 10.0),
    "POST /webhooks/{application}/{token}": (5, 2.0),
    "PATCH /webhooks/{application}/{token}/messages/{message}": (5, 2.0),
    "PUT /applications/{application}/commands": (2, 20.0),
    "PUT /applications/{application}/guilds/{guild}/commands": (2, 20.0),
}
"""Requests and seconds of those that differ from `USUAL`."""
USUAL = (50, 1.0)
GLOBAL = (50, 1.0)
OLD_EDITS = (3, 20.0)
"""Edits of messages older than an hour, in a channel."""
UNCOUNTED = "POST /interactions/{interaction}/{token}/callback"


class Window:
    """So many in so many seconds, counted from the first."""

    def __init__(self, rule: tuple[int, float]) -> None:
        self.limit, self.seconds = rule
        self.used = 0
        self.resets_at = 0.0

    def take(self, now: float) -> bool:
        """Counts a request in, if there is room for it."""
        if now >= self.resets_at:
            self.used, self.resets_at = 0, now + self.seconds
        if self.used >= self.limit:
            return False
        self.used += 1
        return True


class Limits:
    """Counts requests, says how long to wait, and remembers who did not."""

    def __init__(self, clock: Clock) -> None:
        self.enabled = True
        self.rules = dict(RULES)
        """Requests and seconds by route; a test may change them."""
        self.hasty: list[dict[str, Any]] = []
        """Requests sent before the time they had been told to wait was over."""
        self._clock = clock
        self._windows: dict[str, Window] = {}
        self._global: deque[float] = deque()
        self._told: dict[str, float] = {}

    def admit(self, route: str, major: str) -> tuple[dict[str, str], dict[str, Any] | None]:
        """The headers of a reply to this route and, if it is too much, the body of the 429."""
        now, key = self._clock.now(), f"{route} {major}"
        self._note_haste(key, now)
        if not self.enabled or route == UNCOUNTED:
            return {}, None
        counted_globally = "/webhooks/" not in route
        while self._global and self._global[0] <= now - GLOBAL[1]:
            self._global.popleft()
        if counted_globally and len(self._global) >= GLOBAL[0]:
            return self.refuse("global", self._global[0] + GLOBAL[1] - now, scope="global")
        window = self._windows.setdefault(key, Window(self.rules.get(route, USUAL)))
        fits = window.take(now)
        headers = self._headers(window, route, now)
        if not fits:
            told, body = self.refuse(key, window.resets_at - now, scope="user")
            return headers | told, body
        if counted_globally:
            self._global.append(now)
        return headers, None

    def admit_old_edit(self, channel_id: int) -> float | None:
        """How long to wait before an old message of this channel may be edited, if at all."""
        now = self._clock.now()
        window = self._windows.setdefault(f"old edits {channel_id}", Window(OLD_EDITS))
        return None if not self.enabled or window.take(now) else window.resets_at - now

    def refuse(
        self, key: str, seconds: float, *, scope: str, message: str = "You are being rate limited.", code: int = 0
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Headers and body of a 429, which the client is expected to wait out."""
        seconds = math.ceil(seconds * 1000) / 1000
        self._told[key] = self._clock.now() + seconds
        headers = {"Retry-After": str(math.ceil(seconds)), "X-RateLimit-Scope": scope}
        if scope == "global":
            headers["X-RateLimit-Global"] = "true"
        return headers, {
            "message": message, "retry_after": seconds, "global": scope == "global", **({"code": code} if code else {}),
        }  # fmt: skip

    def _note_haste(self, key: str, now: float) -> None:
        for told in (key, "global"):
            if now < self._told.get(told, 0.0):
                self.hasty.append({"key": told, "request": key, "early_by": self._told[told] - now})

    def _headers(self, window: Window, route: str, now: float) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(window.limit - window.used),
            "X-RateLimit-Reset": f"{window.resets_at:.3f}",
            "X-RateLimit-Reset-After": f"{math.ceil((window.resets_at - now) * 1000) / 1000:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:16],
        }
