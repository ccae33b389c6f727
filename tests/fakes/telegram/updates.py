"""The queue of updates, which the bot polls or gets posted to its webhook."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.fakes.telegram.wire import Refused

LONGEST_POLL = 50
MAX_UPDATES = 100
OTHER_POLL = "terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_IS_SET = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
WEBHOOK_SET_NOW = "terminated by setWebhook request"
RESPONSE_SECONDS = 60


@dataclass(frozen=True)
class Pending:
    """An update that the bot has not confirmed."""

    body: dict[str, Any]
    key: tuple[str, int]
    """Updates with the same key are posted one after another: a chat's messages and edits, a person's buttons."""

    @property
    def id(self) -> int:
        """Its `update_id`."""
        return int(self.body["update_id"])


@dataclass(frozen=True)
class Webhook:
    """Where updates are posted."""

    url: str
    secret: str = ""
    max_connections: int = 40


@dataclass
class Updates:
    """Updates that the bot has not confirmed. A new poll ends one that waits; posts keep the order of their key."""

    retry: float = 1.0
    """A failed post is repeated at once, then after twice these seconds, then after twice as long each time."""
    pending: list[Pending] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    """Kinds of updates that the bot wants; empty: all."""
    webhook: Webhook | None = None
    last: int = 700_000_000
    """The last `update_id`."""
    _poll: asyncio.Future[str] | None = None
    """A poll that waits; its result is the reason for a 409, or empty."""
    _connections: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    _posting: dict[tuple[str, int], asyncio.Task[None]] = field(default_factory=dict)

    def add(self, kind: str, payload: dict[str, Any], subject: int) -> None:
        """Queue an update about a chat or a person."""
        if self.kinds and kind not in self.kinds:
            return
        self.last += 1
        key = ("message" if kind.endswith("message") else kind, subject)
        self.pending.append(Pending({"update_id": self.last, kind: payload}, key))
        self._end_poll("")
        self._post()

    @property
    def polled(self) -> bool:
        """Whether a poll waits."""
        return self._poll is not None and not self._poll.done()

    def set_kinds(self, kinds: list[str] | None) -> None:
        """Set which kinds of updates are wanted; None changes nothing."""
        if kinds is not None:
            self.kinds = kinds

    async def poll(self, offset: int, seconds: int) -> list[dict[str, Any]]:
        """The updates from `offset` on, as soon as there are any; those before are confirmed."""
        if self.webhook is not None:
            raise Refused(409, WEBHOOK_IS_SET)
        if offset:
            self.pending = [update for update in self.pending if update.id >= offset]
        if not self.pending and seconds > 0:
            self._end_poll(OTHER_POLL)
            poll = self._poll = asyncio.get_running_loop().create_future()
            await asyncio.wait([poll], timeout=min(seconds, LONGEST_POLL))
            if not poll.done():
                poll.cancel()
            elif reason := poll.result():
                raise Refused(409, reason)
        return [update.body for update in self.pending[:MAX_UPDATES]]

    def set_webhook(self, webhook: Webhook | None) -> None:
        """Post to another address from now on, or to none."""
        if webhook is not None:
            self._end_poll(WEBHOOK_SET_NOW)
        self.stop()
        self.webhook = webhook
        self._connections = asyncio.Semaphore(webhook.max_connections if webhook else 1)
        self._post()

    def stop(self) -> None:
        """Stop posting."""
        for task in self._posting.values():
            task.cancel()
        self._posting.clear()

    def _end_poll(self, reason: str) -> None:
        if self._poll is not None and self.polled:
            self._poll.set_result(reason)

    def _post(self) -> None:
        if self.webhook is None:
            return
        for key in {update.key for update in self.pending} - set(self._posting):
            self._posting[key] = asyncio.create_task(self._deliver(key, self.webhook))

    async def _deliver(self, key: tuple[str, int], webhook: Webhook) -> None:
        failures = 0
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(RESPONSE_SECONDS)) as client:
            while update := next((update for update in self.pending if update.key == key), None):
                async with self._connections:
                    accepted = await self._post_one(client, webhook, update)
                if accepted:
                    failures = 0
                    self.pending = [other for other in self.pending if other is not update]
                    continue
                await asyncio.sleep(min(60, self.retry * 2**failures) if failures else 0)
                failures += 1
            self._posting.pop(key)

    async def _post_one(self, client: aiohttp.ClientSession, webhook: Webhook, update: Pending) -> bool:
        """Post an update; whether the bot accepted it."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret} if webhook.secret else {}
        try:
            async with client.post(webhook.url, json=update.body, headers=headers, allow_redirects=False) as response:
                return 200 <= response.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False
