"""The lease on a turn: everything that one attempt writes, and nothing once another attempt has claimed the turn."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog

from bot.core.background import finish_despite_cancellation
from bot.core.messages import Outcome
from bot.turns.command_result import command_outcome, erases_person, is_ephemeral
from bot.turns.queue import answer_entrypoint
from consilium.retry import BackoffConfig, retry
from db.errors import DatabaseUnavailable, RecordNotFound, TurnLeaseLost
from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.memory import forgetting
from db.memory.forgetting import TurnErasure
from db.people import api_keys, personal_data
from db.turns import deliveries, jobs, joining, states, turns
from db.turns.jobs import Job
from db.turns.states import FinalState, GeneratedAnswer
from db.turns.turns import Turn

T = TypeVar("T")

HELD_FOR: Final = 5.0
"""Seconds for which a turn is known to be held without asking again: shorter than a job stays with a silent worker."""
JUST_NOW: Final = 0.25
"""Seconds after the answer was saved for which nobody asks again whether the turn is held and the database answers."""
_RETRY_BACKOFF: Final = BackoffConfig(initial=0.1, maximum=2.0)

log = structlog.get_logger(__name__)


class TurnLease:
    """A claimed turn, with its job if it has one and the messages that show its answer.

    Every write is retried while the database is unavailable, or other transactions get in its way: nothing that has
    been generated or sent is repeated just because the database was away for a moment.
    """

    def __init__(
        self,
        database: Database,
        turn: Turn,
        *,
        message_ids: Sequence[str],
        mind: str,
        job: Job | None,
        database_timeout: float,
    ) -> None:
        """Hold a turn.

        Args:
            message_ids: the platform's ids of the messages that show the answer already.
            mind: the name of the mind that answers.
            job: None when this process shows the answer itself.
            database_timeout: seconds for which a write is retried.
        """
        self.turn = turn
        self.has_enqueued_next = False
        """Whether ending the turn has enqueued the session's next question."""
        self._database = database
        self._message_ids = list(message_ids)
        self._mind = mind
        self._job = job
        self._database_timeout = database_timeout
        self._stores_text = True
        self._claimed_at = self._confirmed_at = time.monotonic()
        self._saved_at = -math.inf

    def keep_text_out(self, question: str, quotations: list[dict[str, Any]] | None) -> None:
        """Answer this question without storing it or anything of its answer: the turn is kept as a count alone."""
        self.turn = replace(self.turn, question=question, quotations=quotations)
        self._stores_text = False

    @property
    def is_late(self) -> bool:
        """Whether the turn had waited for all its time when it was claimed, and an attempt before this one has failed.

        The times of acceptance and giving up were stored together, so that their distance is true whatever the
        database's clock shows now; and of the waits between attempts each counts for no more than two minutes.
        """
        turn = self.turn
        if turn.give_up_at is None or turn.setbacks <= 1:
            return False
        return turn.waited >= (turn.give_up_at - turn.created_at).total_seconds()

    @property
    def turn_age(self) -> float:
        """Seconds since the turn was accepted."""
        until_claimed = (self.turn.updated_at - self.turn.created_at).total_seconds()
        return max(0.0, until_claimed) + time.monotonic() - self._claimed_at

    @property
    def is_inline(self) -> bool:
        """Whether this process shows the answer itself, to somebody who waits for it."""
        return self._job is None

    @property
    def message_ids(self) -> Sequence[str]:
        """The platform's ids of the messages that show the answer (`bot.core.ports.Parts`)."""
        return tuple(self._message_ids)

    async def ensure_held(self, *, now: bool = False) -> None:
        """Return when this attempt still holds the turn (`bot.core.ports.Parts`).

        The job's heartbeat is renewed with it, so that no other worker takes the job within `HELD_FOR`.
        """
        known_since, enough = (self._saved_at, JUST_NOW) if now else (self._confirmed_at, HELD_FOR)
        if self.is_inline or time.monotonic() - known_since < enough:
            return
        asked_at = time.monotonic()
        await self._write(self._confirm)
        self._confirmed_at = asked_at

    async def _confirm(self, connection: PersonConnection) -> None:
        await states.require_lease(connection, self.turn)
        if self._job is not None:
            await jobs.heartbeat(connection, [self._job.id])

    async def record(self, n: int, message_id: str, *, patience: float | None = None) -> None:
        """Record that a message shows part `n` of the answer (`bot.core.ports.Parts`)."""
        # The message has been sent: the next attempt must know of it even if this one is cancelled at this moment.
        await finish_despite_cancellation(
            self._write(
                lambda connection: deliveries.record_message(connection, self.turn, n, message_id), patience=patience
            )
        )
        self._message_ids[n:] = [message_id]

    async def command_outcome(self) -> Outcome:
        """The stored result of this turn's command, with its files."""
        files = await self._write(lambda connection: deliveries.load_files(connection, self.turn.id))
        return command_outcome(self.turn, files)

    async def save_document_results(self, results: Sequence[Mapping[str, Any]]) -> None:
        """Save what has become so far of the files that came with the turn."""
        await self._write(lambda connection: states.save_file_results(connection, self.turn, results))

    async def start_answering(self, mode: str, adapter: str | None) -> bool:
        """Record that the answer begins, in which mode and with which composition; whether it is stopped already."""
        return await self._write(
            lambda connection: states.start_answering(connection, self.turn, mode=mode, adapter=adapter)
        )

    async def save_answer(self, answer: GeneratedAnswer) -> None:
        """Save a complete answer, before the last of it is shown."""
        if not self._stores_text:
            answer = GeneratedAnswer(
                "", answer.finish_reason, answer.prompt_tokens, answer.completion_tokens, timings=answer.timings
            )

        async def write(connection: PersonConnection) -> None:
            await states.save_answer(connection, self.turn, answer)
            if self._job is not None:
                await jobs.heartbeat(connection, [self._job.id])

        asked_at = time.monotonic()
        await self._write(write)
        self._saved_at = self._confirmed_at = asked_at

    async def finish(
        self,
        state: FinalState,
        *,
        error: str | None = None,
        answer: str | None = None,
        timings: Mapping[str, float] | None = None,
        tokens: int = 0,
    ) -> None:
        """End the turn and its job, and enqueue the session's next question, in one transaction.

        The files of a command and the text of an ephemeral one are deleted with it, and so is a person whom the command
        has erased.

        Args:
            tokens: of the prompt and the answer, for the budget of the API key that the turn came with.
        """
        transactions = 0
        answer = answer if self._stores_text else None

        async def write(connection: PersonConnection) -> None:
            nonlocal transactions
            transactions += 1
            waiting = await states.finish(connection, self.turn, state, error=error, answer=answer, timings=timings)
            if tokens and (key_id := self.turn.api_key) is not None:
                await api_keys.charge_tokens(connection, key_id, tokens)
            if self._job is not None:
                await jobs.complete(connection, self._job)
            if waiting is not None:
                pause = await joining.pause_left(connection, waiting)
                await jobs.enqueue(connection, answer_entrypoint(self._mind), waiting, connection.user_id, delay=pause)
            self.has_enqueued_next = waiting is not None
            if self.turn.kind == "command":
                await deliveries.delete_files(connection, self.turn.id)
            if is_ephemeral(self.turn):
                await forgetting.erase_turns(connection, [TurnErasure.of_all(self.turn.id)])
            if erases_person(self.turn):
                await personal_data.delete_person(connection)

        try:
            await self._write(write)
        except TurnLeaseLost:
            # The connection may have been lost after the commit: then the turn was ended by an earlier transaction.
            if transactions == 1 or not await self._is_finished():
                raise

    async def reschedule(self, delay: timedelta, *, failed: bool) -> None:
        """Release the turn, to be claimed again after `delay`; `failed` counts this attempt as a failed one."""

        async def write(connection: PersonConnection) -> None:
            await states.reschedule(connection, self.turn, count_as_failure=failed)
            if self._job is not None:
                await jobs.reschedule(connection, self._job, delay)

        await self._write(write)

    async def _write(self, write: Callable[[PersonConnection], Awaitable[T]], *, patience: float | None = None) -> T:
        """Run `write` in a transaction of the turn's person.

        Args:
            patience: seconds for which it is retried, where that is less than usual.

        Raises:
            TurnLeaseLost: another attempt has claimed the turn, or it has ended.
            DatabaseUnavailable: the database did not come back in time.
        """

        async def transaction() -> T:
            async with self._database.person_transaction(self.turn.user_id, by_key=True) as connection:
                return await write(connection)

        return await retry(
            transaction,
            on=DatabaseUnavailable,
            backoff=_RETRY_BACKOFF,
            give_up_after=self._database_timeout if patience is None else min(patience, self._database_timeout),
            before_sleep=self._log_retry,
        )

    def _log_retry(self, error: Exception, _delay: float) -> None:
        log.warning("turn.write_retried", turn=str(self.turn.id), reason=error)

    async def _is_finished(self) -> bool:
        """Whether this attempt has ended the turn."""
        try:
            async with self._database.person_transaction(self.turn.user_id) as connection:
                turn = await turns.get(connection, self.turn.id)
        except RecordNotFound:
            return erases_person(self.turn)
        return turn.ended and turn.attempts == self.turn.attempts


async def claim(
    database: Database,
    connection: PersonConnection,
    turn_id: UUID,
    process_id: UUID,
    mind: str,
    *,
    job: Job | None,
    database_timeout: float,
) -> TurnLease | None:
    """Claim a turn; None when it has ended: its job, if there is one, is complete then.

    Args:
        connection: of the turn's person. The lease holds once its transaction is committed.
    """
    turn = await states.claim(connection, turn_id, process_id)
    if turn is None:
        if job is not None:
            await jobs.complete(connection, job)
        return None
    return TurnLease(
        database,
        turn,
        message_ids=await deliveries.message_ids(connection, turn.id),
        mind=mind,
        job=job,
        database_timeout=database_timeout,
    )
