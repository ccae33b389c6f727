"""The queue of updates, fetched by long polling or posted to a webhook."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.fakes.telegram.refusals import Refused

LONGEST_POLL = 50
UNWANTED_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
OTHER_RUNS = "terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_RUNS = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
SET_NOW = "terminated by setWebhook request"
RESPONSE_SECONDS = 60


@dataclass(frozen=True)
class Pending:
    """An update nobody has confirmed yet."""

    body: dict[str, Any]
    key: tuple[str, int]
    """Those of one key are posted one after another; a message and its edits have one, presses another."""

    @property
    def id(self) -> int:
        """Its `update_id`."""
        return int(self.body["update_id"])


@dataclass
class Webhook:
    """Where updates go."""

    url: str
    secret: str = ""
    max_connections: int = 40
    last_error: tuple[int, str] | None = None


@dataclass
class Updates:
    """What has happened and was not yet told. A new poll ends one that waits; posts keep the order of their key."""

    retry: float = 1.0
    """A post that failed is made again at once, and then after twice as long as before, beginning with twice this."""
    answer: Callable[[aiohttp.ClientResponse], Awaitable[None]] | None = None
    """What to do with the answer to a post: it may be a call of a method."""
    pending: list[Pending] = field(default_factory=list)
    posts: list[tuple[int, int | str]] = field(default_factory=list)
    """Update id and status (or error) of every post ever made."""
    allowed: list[str] = field(default_factory=list)
    webhook: Webhook | None = None
    last: int = 700_000_000
    _held: asyncio.Future[str] | None = None
    """A poll that waits; it ends with nothing, or with the reason for a 409."""
    _connections: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    _posting: dict[tuple[str, int], asyncio.Task[None]] = field(default_factory=dict)

    def add(self, kind: str, payload: dict[str, Any], about: int) -> None:
        """Something happened in a chat, or with a person."""
        if kind not in self.allowed if self.allowed else kind in UNWANTED_BY_DEFAULT:
            return
        self.last += 1
        key = ("message" if kind.endswith("message") else kind, about)
        self.pending.append(Pending({"update_id": self.last, kind: payload}, key))
        if self._held is not None and self.polled:
            self._held.set_result("")
        self._post()

    @property
    def polled(self) -> bool:
        """Whether a poll waits."""
        return self._held is not None and not self._held.done()

    def wants(self, kinds: Any) -> None:
        """Take a new list of kinds; None leaves the old one, an empty one is the default."""
        if isinstance(kinds, list):
            self.allowed = [str(kind).lower() for kind in kinds]

    async def poll(self, offset: int, limit: int, seconds: int) -> list[dict[str, Any]]:
        """Updates from an offset on, as soon as there are any; those before it are confirmed."""
        if self.webhook is not None:
            raise Refused(409, WEBHOOK_RUNS)
        if offset < 0:
            self.pending = self.pending[offset:]
        elif offset > 0:
            self.pending = [update for update in self.pending if update.id >= offset]
        if not self.pending and seconds > 0:
            self._end_poll(OTHER_RUNS)
            held = self._held = asyncio.get_running_loop().create_future()
            await asyncio.wait([held], timeout=min(seconds, LONGEST_POLL))
            if not held.done():
                held.cancel()
            elif why := held.result():
                raise Refused(409, why)
        return [update.body for update in self.pending[: min(max(limit, 1), 100)]]

    def set_webhook(self, webhook: Webhook | None, *, drop: bool) -> None:
        """Post to another address from now on, or to none."""
        if drop:
            self.pending.clear()
        if webhook is not None:
            self._end_poll(SET_NOW)
        self.stop()
        self.webhook = webhook
        self._connections = asyncio.Semaphore(webhook.max_connections if webhook else 1)
        self._post()

    def stop(self) -> None:
        """Post nothing any more."""
        for task in self._posting.values():
            task.cancel()
        self._posting.clear()

    def _end_poll(self, why: str) -> None:
        if self._held is not None and self.polled:
            self._held.set_result(why)

    def _post(self) -> None:
        if self.webhook is None:
            return
        for key in {update.key for update in self.pending} - set(self._posting):
            self._posting[key] = asyncio.create_task(self._deliver(key, self.webhook))

    async def _deliver(self, key: tuple[str, int], webhook: Webhook) -> None:
        failures = 0
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(RESPONSE_SECONDS)) as client:
            while update := next((u for u in self.pending if u.key == key), None):
                async with self._connections:
                    wait = await self._post_one(client, webhook, update)
                if wait is None:
                    failures = 0
                    self.pending = [other for other in self.pending if other is not update]
                    continue
                await asyncio.sleep(wait or (min(60, self.retry * 2**failures) if failures else 0))
                failures += 1
            self._posting.pop(key)

    async def _post_one(self, client: aiohttp.ClientSession, webhook: Webhook, update: Pending) -> float | None:
        """None when it was taken, otherwise the seconds the other side asked to wait, or 0."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret} if webhook.secret else {}
        try:
            async with client.post(webhook.url, json=update.body, headers=headers, allow_redirects=False) as response:
                self.posts.append((update.id, response.status))
                if 200 <= response.status < 300:
                    if self.answer is not None:
                        await self.answer(response)
                    return None
                error = f"Wrong response from the webhook: {response.status} {response.reason}"
                asked = response.headers.get("Retry-After", "0")
        except (aiohttp.ClientError, TimeoutError, OSError) as caught:
            error, asked = type(caught).__name__, "0"
            self.posts.append((update.id, error))
        webhook.last_error = (int(time.time()), error)
        return min(float(asked), 3600.0) if asked.isdigit() else 0.0
