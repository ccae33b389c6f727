"""Runs attempts at turns: each leads to an answer that is shown, to a sentence that says why not, or to a retry."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, Protocol

import structlog

from bot.answering.draft import Draft
from bot.core.attachments import may_add_to_library
from bot.core.background import finish_despite_cancellation
from bot.core.conversation import Conversation
from bot.core.errors import AnswerBroken, DeliveryError, FetchFailed, TemporaryDeliveryError, TurnAbandoned
from bot.core.fair_slots import FairSlots
from bot.core.media import describe_unread
from bot.core.messages import Outcome
from bot.core.ports import FetchFile, Reply
from bot.turns.failures import as_consilium_error, failed_outcome, is_retryable
from bot.turns.lease import TurnLease
from bot.turns.memory_writer import MemoryWriter
from bot.turns.metrics import tokens_spent, turn_ended, turn_rescheduled
from bot.turns.traces import trace_attempt, trace_rescheduled, trace_turn
from consilium.errors import ConsiliumError
from consilium.retry import BackoffConfig
from db.errors import DatabaseError, DatabaseUnavailable, TurnLeaseLost
from db.turns.states import FinalState
from db.turns.turns import Turn
from inference.engines.port import FinishReason

_RETRY_BACKOFF: Final = BackoffConfig(initial=1.0, maximum=60.0, jitter=0.3)

MAX_ANSWERS: Final = 100_000
"""Answers that a process generates at the same time, at most."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a turn is attempted."""

    max_failed_attempts: int
    """After so many failed attempts a turn is given up."""


@dataclass(frozen=True, slots=True)
class AttachmentReport:
    """What has become of a turn's documents."""

    text: str
    """For the person."""
    stopped: bool
    """Whether they stopped it before its end."""
    has_read: bool = False
    """Whether some document has been read."""


class AttachmentIngester(Protocol):
    """Ingests the files that came with a turn (`bot.intake.attachments.ingest.AttachmentIntake`)."""

    async def ingest(
        self, conversation: Conversation, lease: TurnLease, reply: Reply, fetch: FetchFile
    ) -> AttachmentReport:
        """Ingest the files that no earlier attempt has.

        Raises:
            FetchFailed: the platform cannot deliver a file now; those before it are ingested.
        """
        ...


class Answerer(Protocol):
    """Answers questions (`bot.answering.pipeline.Pipeline`)."""

    async def answer(self, conversation: Conversation, lease: TurnLease, draft: Draft, reply: Reply) -> Outcome:
        """Answer a turn and keep the answer; `draft` holds what there is if this raises. The caller shows the end.

        Raises:
            ConsiliumError: why there is no answer, or only the part in `draft`.
        """
        ...


@dataclass(slots=True, kw_only=True)
class TurnRunner:
    """Runs attempts at claimed turns, with what all of them need."""

    pipeline: Answerer | None
    """None in a process that answers no questions."""
    retry_policy: RetryPolicy
    memory_writer: MemoryWriter | None = None
    """Remembers the turns; None in a process that answers no questions."""
    attachments: AttachmentIngester | None = None
    slots: FairSlots = field(default_factory=lambda: FairSlots(MAX_ANSWERS))
    """Places for questions that are being answered in this process."""

    async def run(
        self, lease: TurnLease, conversation: Conversation, reply: Reply, fetch: FetchFile | None = None
    ) -> Outcome | None:
        """Answer a claimed turn; None when it is left to a later attempt, or to another process.

        A cancelled attempt releases the turn at once, and does not count as a failed one. If this process shows the
        answer itself, cancellation ends the turn: nobody waits for the answer any more. What there is of it is saved.

        Args:
            fetch: downloads the files that came with the turn, if it can have any.
        """
        attempt = TurnAttempt(runner=self, lease=lease, conversation=conversation, reply=reply, fetch=fetch)
        with self.memory_writer.answering() if self.memory_writer is not None else nullcontext():
            return await attempt.run()


@dataclass(slots=True, kw_only=True)
class TurnAttempt:
    """One attempt at a turn. Errors that the person should read go into the outcome and are not raised."""

    runner: TurnRunner
    lease: TurnLease
    conversation: Conversation
    reply: Reply
    fetch: FetchFile | None
    draft: Draft = field(init=False)
    has_read_documents: bool = field(init=False)
    """Whether a document of the turn has been read, in this attempt or an earlier one."""

    def __post_init__(self) -> None:
        turn = self.turn
        self.has_read_documents = any(result.get("passages") for result in turn.taken or ())
        self.draft = Draft(mode=turn.mode or turn.asked_mode or self.conversation.session.mode)

    @property
    def turn(self) -> Turn:
        """The turn as it was when it was claimed."""
        return self.lease.turn

    async def run(self) -> Outcome | None:
        """Run the attempt to its end (`TurnRunner.run`)."""
        turn = self.turn
        with structlog.contextvars.bound_contextvars(turn=str(turn.id), session=str(turn.session_id)):
            try:
                return await self._run()
            except TurnLeaseLost:
                log.warning("turn.lease_lost", attempt=turn.attempts)
                return None
            except asyncio.CancelledError:
                with suppress(DatabaseError, TurnLeaseLost):
                    await self._release()
                raise
            finally:
                trace_attempt(turn, self.draft)
                await self.reply.close()

    async def _run(self) -> Outcome | None:
        try:
            self._check_retry_limits()
            return await self._answer()
        except TurnLeaseLost:
            raise
        except Exception as error:
            failure = as_consilium_error(error, AnswerBroken)
        may_retry = self.turn.setbacks < self.runner.retry_policy.max_failed_attempts
        if may_retry and is_retryable(failure) and not self.lease.is_inline:
            await self._retry_later(failure)
            return None
        # What another attempt might have answered is given up: an operator can revive it.
        gave_up = isinstance(failure, TurnAbandoned) or (is_retryable(failure) and not self.lease.is_inline)
        return await self._report_failure(failure, "dead" if gave_up else "failed")

    def _check_retry_limits(self) -> None:
        setbacks = self.turn.setbacks
        if self.lease.is_late or setbacks > self.runner.retry_policy.max_failed_attempts:
            raise TurnAbandoned(setbacks - 1)

    async def _answer(self) -> Outcome:
        is_command = self.turn.kind == "command"
        outcome = await (self.lease.command_outcome() if is_command else self._answer_question())
        if not is_command:
            outcome = replace(
                outcome,
                notice=describe_unread(self.turn.unread, self.conversation.say),
                offers_library=self.has_read_documents and may_add_to_library(self.turn.files),
            )
        with self.draft.timed("deliver"):
            await self.reply.finish(outcome)
        await self._complete(self._finish(outcome))
        return outcome

    def _remember(self) -> None:
        """Have the turn remembered. A caller who goes away once they have the answer changes nothing about it."""
        client = self.conversation.client_conversation
        is_stateless = client is not None and client.is_stateless
        if self.runner.memory_writer is None or self.turn.kind == "command" or self.turn.sender_is_chat or is_stateless:
            return
        self.runner.memory_writer.enqueue(self.conversation, self.turn, self.draft)

    async def _answer_question(self) -> Outcome:
        """Ingest the documents that came with the question, if any did, and answer it, if there is a question."""
        turn, draft = self.turn, self.draft
        assert self.runner.pipeline is not None
        if turn.files is not None and self.fetch is not None and not turn.is_answered:
            assert self.runner.attachments is not None
            with draft.timed("documents"):
                report = await self.runner.attachments.ingest(self.conversation, self.lease, self.reply, self.fetch)
            draft.pieces.append(f"{report.text}\n\n")
            self.has_read_documents |= report.has_read
            if report.stopped:
                return await self._save_without_generation(FinishReason.CANCELLED)
        if not turn.question and not turn.quotations and not turn.is_answered:
            return await self._save_without_generation(FinishReason.STOP)
        async with AsyncExitStack() as stack:
            if not turn.is_answered:
                share = turn.share or self.conversation.session.platform
                began_at, began = time.time(), time.monotonic()
                if await stack.enter_async_context(self.runner.slots.slot(share, turn.user_id)):
                    draft.started_at["wait"], draft.timings["wait"] = began_at, time.monotonic() - began
            return await self.runner.pipeline.answer(self.conversation, self.lease, draft, self.reply)

    async def _save_without_generation(self, reason: FinishReason) -> Outcome:
        """Save what there is to say about the documents of a turn, without asking the engine."""
        draft = self.draft
        draft.mode, draft.finish_reason = "", reason
        await self.lease.save_answer(draft.to_generated_answer())
        return draft.outcome(self.turn)

    async def _finish(self, outcome: Outcome) -> None:
        state: FinalState = "stopped" if outcome.stopped else "delivered"
        timings = self.draft.timings
        try:
            await self.lease.finish(state, timings={"deliver": timings["deliver"]}, tokens=self._tokens())
        except DatabaseError as error:
            if not self.lease.is_inline:
                raise
            log.warning("turn.finish_not_saved", reason=error)
        self._remember()
        self._observe_end(state)
        tokens_spent(outcome.usage)
        seconds = {stage: round(spent, 4) for stage, spent in timings.items()}
        log.info("turn.ended", state=state, mode=outcome.mode, attempt=self.turn.attempts, **seconds)

    async def _release(self) -> None:
        draft = self.draft
        if not self.lease.is_inline:
            await self.lease.reschedule(timedelta(0), failed=False)
            return
        if draft.text:
            draft.finish_reason = draft.finish_reason or FinishReason.CANCELLED
            await self.lease.save_answer(draft.to_generated_answer())
        await self.lease.finish("stopped", tokens=self._tokens())
        self._remember()
        self._observe_end("stopped")

    async def _retry_later(self, failure: ConsiliumError) -> None:
        delay = _RETRY_BACKOFF.delay(self.turn.setbacks)
        if isinstance(failure, (TemporaryDeliveryError, FetchFailed)):
            delay = max(delay, failure.retry_after)
        log.warning("turn.rescheduled", error=type(failure).__name__, reason=failure, delay=round(delay, 1))
        turn_rescheduled(type(failure).__name__)
        trace_rescheduled(self.turn, failure)
        # If the database is still away, the job goes stale and is claimed again then.
        with suppress(DatabaseUnavailable):
            await self.lease.reschedule(timedelta(seconds=delay), failed=True)

    async def _report_failure(self, failure: ConsiliumError, state: FinalState) -> Outcome:
        log.warning("turn.failed", state=state, error=type(failure).__name__, reason=failure)
        outcome = failed_outcome(self.draft.outcome(self.turn), failure, self.conversation.say)
        if not isinstance(failure, DeliveryError):
            try:
                await self.reply.finish(outcome)
            except DeliveryError as error:
                log.warning("turn.failure_not_shown", reason=error)
        await self._complete(self._save_failure(failure, state))
        return outcome

    async def _save_failure(self, failure: ConsiliumError, state: FinalState) -> None:
        draft = self.draft
        try:
            await self.lease.finish(
                state, error=str(failure), answer=draft.text or None, timings=draft.timings, tokens=self._tokens()
            )
        except DatabaseUnavailable as error:
            # The turn stays unfinished in the database, and it is unfinished.
            log.warning("turn.failure_not_saved", reason=error)
        self._observe_end(state, failure)

    async def _complete(self, work: Coroutine[None, None, None]) -> None:
        """Run the last writes of the turn.

        The caller of an inline answer may cancel this task once it has the answer. The turn is ended all the same.
        """
        await (finish_despite_cancellation(work) if self.lease.is_inline else work)

    def _tokens(self) -> int:
        """Tokens of the prompt and the answer; of an answer that broke off, about as many.

        The engine tells how many only at its end, and whoever leaves before the end shall not get it for nothing.
        """
        draft = self.draft
        if draft.usage is not None:
            return draft.usage.prompt_tokens + draft.usage.completion_tokens
        return (draft.prompt.tokens if draft.prompt else 0) + sum(len(pieces) for pieces in draft.spoken.values())

    def _observe_end(self, state: FinalState, failure: ConsiliumError | None = None) -> None:
        turn_ended(state, self.turn, self.draft.timings, self.lease.turn_age)
        trace_turn(self.turn, state, self.draft, failure)
