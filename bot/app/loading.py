"""Loading in the background: what takes seconds is loaded once, and what needs it waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

import structlog

from bot.answering.cancellation import RunningAnswers
from bot.answering.draft import Draft
from bot.answering.pipeline import ClaimedTurn, Pipeline
from bot.core.conversation import Conversation
from bot.core.messages import Outcome
from bot.core.ports import Reply
from inference.engines.port import FinishReason

log = structlog.get_logger(__name__)


class Loading:
    """Opens a context in a task of its own, keeps it open, and leaves it when it is closed.

    It starts with `start` or with the first `wait`. A load that failed is tried again by the next of them.
    """

    def __init__(self, context: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        """Set up, without loading anything.

        Args:
            context: opened to load, left to unload; a new one for each attempt.
        """
        self._context = context
        self._loaded: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._has_failed = False

    @property
    def is_complete(self) -> bool:
        """Whether everything is loaded now."""
        loaded = self._loaded
        return loaded is not None and loaded.done() and not loaded.cancelled() and not self._has_failed

    def start(self) -> asyncio.Future[None]:
        """Begin to load, unless that has been done; the future is done when everything is loaded."""
        if self._loaded is None or self._has_failed:
            self._has_failed = False
            self._loaded = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._run(self._loaded), name="loading")
        return self._loaded

    async def wait(self) -> None:
        """Return once everything is loaded.

        Raises:
            ConsiliumError: what is missing or broken, and how to fix it.
        """
        await asyncio.shield(self.start())

    async def close(self) -> None:
        """Stop loading, and unload. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, loaded: asyncio.Future[None]) -> None:
        try:
            async with self._context():
                loaded.set_result(None)
                await asyncio.Event().wait()  # until it is cancelled
        except asyncio.CancelledError:
            loaded.cancel()
            raise
        except Exception as error:
            if loaded.done():
                log.exception("models.unload_failed")
                return
            log.exception("models.load_failed")
            self._has_failed = True
            loaded.set_exception(error)
            loaded.exception()  # marks it as seen, because perhaps nobody waits


class LoadingPipeline:
    """A pipeline whose questions wait until everything is loaded."""

    def __init__(self, pipeline: Pipeline, loading: Loading, running_answers: RunningAnswers) -> None:
        self._pipeline = pipeline
        self._loading = loading
        self._running_answers = running_answers

    async def answer(self, conversation: Conversation, lease: ClaimedTurn, draft: Draft, reply: Reply) -> Outcome:
        """As `Pipeline.answer`, once everything is loaded. A person may stop the answer while it waits for that.

        Raises:
            ConsiliumError: also why it could not be loaded.
        """
        turn = lease.turn
        if not self._loading.is_complete and not await self._running_answers.run(turn.id, self._loading.wait):
            draft.finish_reason = FinishReason.CANCELLED
            await lease.save_answer(draft.to_generated_answer())
            return draft.outcome(turn)
        return await self._pipeline.answer(conversation, lease, draft, reply)
