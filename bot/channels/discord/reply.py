"""One answer on Discord: streamed by edits, in as many messages as it needs, continuing an earlier attempt's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog

from bot.channels.discord.answer_messages import PLACEHOLDER, AnswerMessages, MessageBody
from bot.channels.discord.errors import MessageGone
from bot.channels.discord.rendering import AnswerRenderer
from bot.core.errors import DeliveryError, TemporaryDeliveryError
from bot.core.messages import Outcome
from bot.core.ports import Parts
from bot.text.thoughts import quote_thought
from db.errors import DatabaseError

EDIT_INTERVAL: Final = 1.25
"""Seconds between two edits of an answer that is being generated: Discord allows five in five seconds per channel."""

log = structlog.get_logger(__name__)


class DiscordReply:
    """Collects the answer in a draft that a background task shows at intervals; only `finish` waits for Discord."""

    def __init__(self, answer_messages: AnswerMessages, parts: Parts, renderer: AnswerRenderer) -> None:
        self._answer_messages = answer_messages
        self._parts = parts
        self._renderer = renderer
        self._message_ids = list(parts.message_ids)
        self._shown: dict[int, MessageBody] = {}
        self._draft = ""
        self._thought = ""
        self._mode = ""
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._edit_task: asyncio.Task[None] | None = None
        self._failure: Exception | None = None

    async def show_queue_position(self, ahead: int) -> None:
        """Show the position in the queue, in the message that becomes the first of the answer."""
        body = MessageBody(self._renderer.render_queue_position(ahead))
        if self._message_ids:
            await self._show([body])
            return
        # Created as it is and never edited: a worker may claim the turn as soon as the message is recorded, and an edit
        # that comes after the answer would overwrite it.
        await self._create_message(0, content=body.content)
        self._shown[0] = body

    async def show_status(self, text: str) -> None:
        await self._show([MessageBody(self._renderer.render_status(text))])

    async def start(self, mode: str) -> None:
        self._mode = mode
        self._schedule_edit()

    async def write_thought(self, text: str) -> None:
        self._thought += text
        self._schedule_edit()

    async def write(self, text: str) -> None:
        if self._failure is not None:
            raise self._failure
        self._draft += text
        self._schedule_edit()

    async def finish(self, outcome: Outcome) -> None:
        await self._stop_editing()
        if self._failure is not None:
            raise self._failure
        bodies = self._renderer.render_outcome(outcome)
        await self._show(bodies)
        for message in self._message_ids[len(bodies) :]:
            await self._parts.ensure_held()
            await self._answer_messages.delete(message)

    async def close(self) -> None:
        if self._edit_task is not None:
            self._edit_task.cancel()
            await asyncio.gather(self._edit_task, return_exceptions=True)

    def _schedule_edit(self) -> None:
        self._changed.set()
        if self._edit_task is None:
            self._edit_task = asyncio.create_task(self._edit_loop(), name="discord-reply")

    async def _stop_editing(self) -> None:
        """Wait for an edit in progress, so that it does not overtake the final one."""
        self._ended.set()
        self._changed.set()
        if self._edit_task is not None:
            await asyncio.wait([self._edit_task])

    async def _edit_loop(self) -> None:
        while not self._ended.is_set():
            await self._changed.wait()
            self._changed.clear()
            if self._ended.is_set():
                return
            delay = EDIT_INTERVAL
            try:
                started = time.monotonic()
                await self._show(self._renderer.render_draft(self._draft or quote_thought(self._thought), self._mode))
                delay -= time.monotonic() - started
            except TemporaryDeliveryError as error:
                log.info("discord.draft_edit_delayed", reason=error)
                self._changed.set()
                delay = max(delay, error.retry_after)
            except DeliveryError as error:
                # The answer is still generated, for the person's history; `finish` reports that it cannot be shown.
                log.info("discord.draft_edit_rejected", reason=error)
                return
            except Exception as error:
                self._failure = error
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(max(delay, 0.0)):
                    await self._ended.wait()

    async def _show(self, bodies: Sequence[MessageBody]) -> None:
        """Make the answer's messages show these bodies; those that show them already are left alone."""
        for n, body in enumerate(bodies):
            if self._shown.get(n) == body:
                continue
            await self._parts.ensure_held()
            if n == len(self._message_ids):
                await self._create_message(n)
            try:
                await self._answer_messages.edit(self._message_ids[n], body)
            except MessageGone:
                await self._create_message(n, replaced_message=self._message_ids[n])
                await self._answer_messages.edit(self._message_ids[n], body)
            self._shown[n] = body

    async def _create_message(self, n: int, replaced_message: str | None = None, content: str = PLACEHOLDER) -> None:
        """Create message `n`, recorded before it shows anything of the answer."""
        # The database answers at this moment, so that the message is recorded at once.
        await self._parts.ensure_held(now=True)
        message = await self._answer_messages.create(n, replaced_message, content)
        try:
            await self._parts.record(n, message)
        except DatabaseError:
            # Whoever holds the turn otherwise has received this very message: its nonce is the same.
            with suppress(DeliveryError):
                await self._answer_messages.delete_unused(message, content)
            raise
        self._message_ids[n : n + 1] = [message]
