"""One attempt at a turn: to an answer that is shown, to a sentence that says why not, or back for another attempt."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import structlog

from bot.answering.draft import Draft
from bot.core.background import finish_despite_cancellation
from bot.core.conversation import Conversation
from bot.core.errors import DeliveryError, FetchFailed, TemporaryDeliveryError, TurnAbandoned
from bot.core.messages import Outcome
from bot.core.ports import FetchFile, Reply
from bot.turns.failures import as_consilium_error, failed_outcome, is_retryable
from bot.turns.lease import TurnLease
from bot.turns.memory_writer import MemoryWriter
from bot.turns.metrics import tokens_spent, turn_ended, turn_rescheduled
from bot.turns.traces import trace_attempt, trace_rescheduled, trace_turn
from consilium.errors import ConsiliumError
from db.errors import DatabaseError, DatabaseUnreachable, TurnLeaseLost
from db.turns.states import FinalState
from db.turns.turns import Turn
from inference.engines.port import FinishReason

MAX_RETRY_DELAY: Final = 60.0
"""Seconds before another attempt, at most."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long a turn is tried."""

    max_failed_attempts: int
    """After so many attempts that came to no end it is given up."""


@dataclass(frozen=True, slots=True)
class AttachmentReport:
    """What has come of a turn's documents."""

    text: str
    """As the person is told it."""
    stopped: bool
    """Whether he has stopped it before its end."""


class AttachmentIngester(Protocol):
    """Ingests the files that came with a turn (`bot.intake.attachments.ingest.AttachmentIntake`)."""

    async def ingest(
        self, conversation: Conversation, lease: TurnLease, reply: Reply, fetch: FetchFile
    ) -> AttachmentReport:
        """Ingest what no earlier attempt has.

        Raises:
            FetchFailed: the platform does not give a file now; those before it are ingested.
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


class TurnRunner:
    """Works on turns that have been taken up. Each ends here, or is let go for somebody else to take up."""

    def __init__(
        self,
        pipeline: Answerer | None,
        retry_policy: RetryPolicy,
        memory_writer: MemoryWriter | None = None,
        attachments: AttachmentIngester | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._retry_policy = retry_policy
        self._memory_writer = memory_writer
        self._attachments = attachments

    @property
    def memory_writer(self) -> MemoryWriter | None:
        """What remembers the turns; None in a process that answers no questions."""
        return self._memory_writer

    async def run(
        self, lease: TurnLease, conversation: Conversation, reply: Reply, fetch: FetchFile | None = None
    ) -> Outcome | None:
        """Answer the turn; None when it is somebody else's now. What a person can be told is not raised.

        Args:
            fetch: gives the files that came with the turn, where any can have.

        A cancelled attempt lets go of the turn at once, with nothing held against it. Of a turn that is shown here it
        is the end: nobody waits for the answer any more, and what there is of it is kept.
        """
        turn = lease.turn
        draft = Draft(turn.mode or turn.asked_mode or conversation.session.mode)
        with structlog.contextvars.bound_contextvars(turn=str(turn.id), session=str(turn.session_id)):
            try:
                return await self._run(lease, conversation, draft, reply, fetch)
            except TurnLeaseLost:
                log.warning("turn.lease_lost", attempt=turn.attempts)
                return None
            except asyncio.CancelledError:
                with suppress(DatabaseError):
                    await self._release(lease, draft)
                raise
            finally:
                trace_attempt(turn, draft)
                await reply.close()

    async def _run(
        self, lease: TurnLease, conversation: Conversation, draft: Draft, reply: Reply, fetch: FetchFile | None
    ) -> Outcome | None:
        try:
            self._check_retry_limits(lease)
            return await self._answer(lease, conversation, draft, reply, fetch)
        except TurnLeaseLost:
            raise
        except Exception as error:
            failure = as_consilium_error(error)
        if (
            not lease.is_inline
            and is_retryable(failure)
            and lease.turn.setbacks < self._retry_policy.max_failed_attempts
        ):
            await self._retry_later(lease, failure)
            return None
        return await self._report_failure(lease, conversation, draft, reply, failure)

    def _check_retry_limits(self, lease: TurnLease) -> None:
        turn = lease.turn
        late = turn.give_up_at is not None and turn.give_up_at < datetime.now(UTC)
        if late or turn.setbacks > self._retry_policy.max_failed_attempts:
            raise TurnAbandoned(turn.setbacks - 1)

    async def _answer(
        self, lease: TurnLease, conversation: Conversation, draft: Draft, reply: Reply, fetch: FetchFile | None
    ) -> Outcome:
        turn = lease.turn
        if turn.kind == "command":
            outcome = await lease.command_outcome()
        else:
            outcome = await self._generate(lease, conversation, draft, reply, fetch)
        with draft.timed("deliver"):
            await reply.finish(outcome)
        await _complete(lease, self._finish(lease, draft, outcome))
        if self._memory_writer is not None and turn.kind == "question":
            self._memory_writer.enqueue(conversation, turn, draft)
        return outcome

    async def _generate(
        self, lease: TurnLease, conversation: Conversation, draft: Draft, reply: Reply, fetch: FetchFile | None
    ) -> Outcome:
        """Take in the documents that came with a question, if any did, and answer it, if there is one."""
        turn = lease.turn
        assert self._pipeline is not None
        if turn.files is not None and fetch is not None and not turn.is_answered:
            assert self._attachments is not None
            with draft.timed("documents"):
                told = await self._attachments.ingest(conversation, lease, reply, fetch)
            draft.pieces.append(f"{told.text}\n\n")
            if told.stopped or not turn.question:
                draft.mode = ""
                draft.finish_reason = FinishReason.CANCELLED if told.stopped else FinishReason.STOP
                await lease.save_answer(draft.to_answered())
                return draft.outcome(turn)
        return await self._pipeline.answer(conversation, lease, draft, reply)

    async def _finish(self, lease: TurnLease, draft: Draft, outcome: Outcome) -> None:
        turn = lease.turn
        shown = {"deliver": draft.timings["deliver"]}
        state: FinalState = "stopped" if outcome.stopped else "delivered"
        try:
            await lease.finish(state, timings=shown)
        except DatabaseError as error:
            if not lease.is_inline or isinstance(error, TurnLeaseLost):
                raise
            log.warning("turn.finish_not_saved", reason=str(error))
        turn_ended(state, turn, draft.timings, _age(turn))
        trace_turn(turn, state, draft)
        tokens_spent(outcome.usage)
        log.info("turn.ended", state=state, mode=outcome.mode, attempt=turn.attempts, **_rounded(draft.timings))

    async def _release(self, lease: TurnLease, draft: Draft) -> None:
        if not lease.is_inline:
            await lease.reschedule(timedelta(0), failed=False)
            return
        if draft.text:
            draft.finish_reason = draft.finish_reason or FinishReason.CANCELLED
            await lease.save_answer(draft.to_answered())
        await lease.finish("stopped")
        turn_ended("stopped", lease.turn, draft.timings, _age(lease.turn))
        trace_turn(lease.turn, "stopped", draft)

    async def _retry_later(self, lease: TurnLease, failure: ConsiliumError) -> None:
        pause = min(MAX_RETRY_DELAY, 2.0 ** (lease.turn.setbacks - 1)) * random.uniform(0.7, 1.3)  # noqa: S311
        if isinstance(failure, (TemporaryDeliveryError, FetchFailed)):
            pause = max(pause, failure.retry_after)
        log.warning("turn.rescheduled", error=type(failure).__name__, reason=str(failure), pause=round(pause, 1))
        turn_rescheduled(type(failure).__name__)
        trace_rescheduled(lease.turn, failure)
        # A database that is still away lets the job go stale, and it is taken up anew then.
        with suppress(DatabaseUnreachable):
            await lease.reschedule(timedelta(seconds=pause), failed=True)

    async def _report_failure(
        self, lease: TurnLease, conversation: Conversation, draft: Draft, reply: Reply, failure: ConsiliumError
    ) -> Outcome:
        log.warning("turn.failed", error=type(failure).__name__, reason=str(failure))
        outcome = failed_outcome(draft.outcome(lease.turn), failure, conversation.say)
        if not isinstance(failure, DeliveryError):
            try:
                await reply.finish(outcome)
            except DeliveryError as error:
                log.warning("turn.failure_not_shown", reason=str(error))
        await _complete(lease, self._save_failure(lease, draft, failure))
        return outcome

    async def _save_failure(self, lease: TurnLease, draft: Draft, failure: ConsiliumError) -> None:
        try:
            await lease.finish("failed", error=str(failure), answer=draft.text or None, timings=draft.timings)
        except DatabaseUnreachable as gone:
            # The turn stays unfinished in the database, which is the truth.
            log.warning("turn.failure_not_saved", reason=str(gone))
        turn_ended("failed", lease.turn, draft.timings, _age(lease.turn))
        trace_turn(lease.turn, "failed", draft, failure)


async def _complete(lease: TurnLease, work: Coroutine[None, None, None]) -> None:
    """Who asked may go as soon as he has the answer, and with him the task: that he has it is kept all the same."""
    await (finish_despite_cancellation(work) if lease.is_inline else work)


def _age(turn: Turn) -> float:
    return (datetime.now(UTC) - turn.created_at).total_seconds()


def _rounded(timings: dict[str, float]) -> dict[str, float]:
    return {name: round(seconds, 4) for name, seconds in timings.items()}
