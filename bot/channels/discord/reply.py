"""One answer on Discord: streamed by edits, in as many messages as it takes, whatever has been shown of it before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog

from bot.channels.discord.errors import MessageGone
from bot.channels.discord.rendering import Rendering
from bot.channels.discord.surfaces import Body, Surface
from bot.channels.errors import DeliveryError, DeliveryFailed
from bot.channels.port import Outcome, Parts
from db.errors import TurnTaken

EDIT_EVERY: Final = 1.25
"""Seconds between two edits of an answer that is being written: Discord takes five in five seconds of a channel."""

log = structlog.get_logger(__name__)


class DiscordReply:
    """Writes go into a draft that a task of the reply's own shows now and then; only the end is waited for."""

    def __init__(self, surface: Surface, parts: Parts, rendering: Rendering) -> None:
        self._surface = surface
        self._parts = parts
        self._rendering = rendering
        self._messages = list(parts.known)
        self._shown: dict[int, Body] = {}
        self._draft = ""
        self._mode = ""
        self._news = asyncio.Event()
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failure: Exception | None = None

    async def queue(self, ahead: int) -> None:
        """The place in the queue, in what becomes the answer's first message."""
        if not self._messages:
            await self._make(0, label="queue")
        await self._show([Body(self._rendering.queued(ahead))])

    async def notice(self, text: str) -> None:
        await self._show([Body(self._rendering.noticed(text))])

    async def open(self, mode: str) -> None:
        self._mode = mode
        self._stir()

    async def write(self, text: str) -> None:
        if self._failure is not None:
            raise self._failure
        self._draft += text
        self._stir()

    async def finish(self, outcome: Outcome) -> None:
        await self._settle()
        if self._failure is not None:
            raise self._failure
        bodies = self._rendering.whole(outcome)
        await self._show(bodies)
        for message in self._messages[len(bodies) :]:
            await self._surface.delete(message)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _stir(self) -> None:
        self._news.set()
        if self._task is None:
            self._task = asyncio.create_task(self._keep_showing(), name="discord-reply")

    async def _settle(self) -> None:
        """Let an edit that is under way come to its end, so that it does not overtake the last one."""
        self._over.set()
        self._news.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _keep_showing(self) -> None:
        while not self._over.is_set():
            await self._news.wait()
            self._news.clear()
            if self._over.is_set():
                return
            pause = EDIT_EVERY
            try:
                began = time.monotonic()
                await self._show(self._rendering.draft(self._draft, self._mode))
                pause -= time.monotonic() - began
            except DeliveryFailed as failed:
                log.info("discord.draft_late", reason=str(failed))
                self._news.set()
                pause = max(pause, failed.wait)
            except DeliveryError as refused:
                # The answer is made all the same, for the person's history; its end will say that it cannot be shown.
                log.info("discord.draft_refused", reason=str(refused))
                return
            except Exception as failure:
                self._failure = failure
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(max(pause, 0.0)):
                    await self._over.wait()

    async def _show(self, bodies: Sequence[Body]) -> None:
        for n, body in enumerate(bodies):
            if self._shown.get(n) == body:
                continue
            if n == len(self._messages):
                await self._make(n)
            try:
                await self._surface.edit(self._messages[n], body)
            except MessageGone:
                await self._make(n, instead_of=self._messages[n])
                await self._surface.edit(self._messages[n], body)
            self._shown[n] = body

    async def _make(self, n: int, instead_of: str | None = None, label: str = "") -> None:
        """A message for part `n`, written down before it shows anything of the answer."""
        message = await self._surface.create(n, instead_of, label)
        try:
            await self._parts.record(n, message)
        except TurnTaken:
            with suppress(DeliveryError):
                await self._surface.discard(message)
            raise
        self._messages[n : n + 1] = [message]
