"""Rate limits: one window for each route and channel or token, and one for everything."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from typing import Any

from tests.fakes.discord.journal import Clock

RULES = {
    "POST /channels/{channel}/messages": (5, 5.0),
    "PATCH /channels/{channel}/messages/{message}": (5, 5.0),
    "DELETE /channels/{channel}/messages/{message}": (5, 1.0),
    "POST /webhooks/{application}/{token}": (5, 2.0),
    "PATCH /webhooks/{application}/{token}/messages/{message}": (5, 2.0),
}
"""Requests and seconds of the routes that differ from `DEFAULT_RULE`."""
DEFAULT_RULE = (50, 1.0)
GLOBAL_RULE = (50, 1.0)
UNLIMITED_ROUTE = "POST /interactions/{interaction}/{token}/callback"


class Window:
    """So many requests in so many seconds, counted from the first."""

    def __init__(self, rule: tuple[int, float]) -> None:
        self.limit, self.seconds = rule
        self.used = 0
        self.resets_at = 0.0

    def take(self, now: float) -> bool:
        """Count a request, if there is room for it."""
        if now >= self.resets_at:
            self.used, self.resets_at = 0, now + self.seconds
        if self.used >= self.limit:
            return False
        self.used += 1
        return True


class RateLimits:
    """Counts requests, says how long to wait, and records who does not."""

    def __init__(self, clock: Clock) -> None:
        self.rules = dict(RULES)
        """Requests and seconds by route; a test may change them."""
        self.early_requests: list[dict[str, Any]] = []
        """Requests sent before the time that a 429 had told the client to wait was over."""
        self._clock = clock
        self._windows: dict[str, Window] = {}
        self._global: deque[float] = deque()
        self._wait_until: dict[str, float] = {}

    def admit(self, route: str, major: str) -> tuple[dict[str, str], dict[str, Any] | None]:
        """The headers of a reply to this route and, if it is too much, the body of the 429.

        Args:
            major: the channel, guild or token that the route's limit is counted for.
        """
        now, key = self._clock.now(), f"{route} {major}"
        self._record_early_request(key, now)
        if route == UNLIMITED_ROUTE:
            return {}, None
        counted_globally = "/webhooks/" not in route
        while self._global and self._global[0] <= now - GLOBAL_RULE[1]:
            self._global.popleft()
        if counted_globally and len(self._global) >= GLOBAL_RULE[0]:
            return self.refuse("global", self._global[0] + GLOBAL_RULE[1] - now, scope="global")
        window = self._windows.setdefault(key, Window(self.rules.get(route, DEFAULT_RULE)))
        admitted = window.take(now)
        headers = {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(window.limit - window.used),
            "X-RateLimit-Reset": f"{window.resets_at:.3f}",
            "X-RateLimit-Reset-After": f"{math.ceil((window.resets_at - now) * 1000) / 1000:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:16],
        }
        if not admitted:
            retry_headers, body = self.refuse(key, window.resets_at - now, scope="user")
            return headers | retry_headers, body
        if counted_globally:
            self._global.append(now)
        return headers, None

    def refuse(self, key: str, seconds: float, *, scope: str) -> tuple[dict[str, str], dict[str, Any]]:
        """Headers and body of a 429, which the client is expected to wait out."""
        seconds = math.ceil(seconds * 1000) / 1000
        self._wait_until[key] = self._clock.now() + seconds
        headers = {"Retry-After": str(math.ceil(seconds)), "X-RateLimit-Scope": scope}
        if scope == "global":
            headers["X-RateLimit-Global"] = "true"
        message = "You are being rate limited."
        return headers, {"message": message, "retry_after": seconds, "global": scope == "global"}

    def _record_early_request(self, key: str, now: float) -> None:
        for limited in (key, "global"):
            if now < (until := self._wait_until.get(limited, 0.0)):
                self.early_requests.append({"limit": limited, "request": key, "early_by": until - now})
