"""One attempt's hold on a turn: all it writes, and nothing once another attempt has taken the turn up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog

from bot.core.background import finish_despite_cancellation
from bot.core.messages import Outcome
from bot.turns.command_result import command_outcome, erases_person, is_ephemeral
from bot.turns.queue import answer_entrypoint
from db.errors import DatabaseUnreachable, RecordNotFound, TurnLeaseLost
from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.memory import forgetting
from db.people import personal_data
from db.turns import deliveries, jobs, states, turns
from db.turns.jobs import Job
from db.turns.states import FinalState, GeneratedAnswer
from db.turns.turns import Turn

T = TypeVar("T")

_INITIAL_DELAY: Final = 0.1
_MAX_DELAY: Final = 2.0

log = structlog.get_logger(__name__)


class TurnLease:
    """A turn that has been taken up, with its job if it has one, and the parts of its answer.

    A database that goes away is waited for: what has been generated and sent is not made again for its sake.
    """

    def __init__(
        self,
        database: Database,
        turn: Turn,
        message_ids: Sequence[str],
        mind: str,
        job: Job | None,
        database_timeout: float,
    ) -> None:
        self.turn = turn
        self._database = database
        self._message_ids = list(message_ids)
        self._mind = mind
        self._job = job
        self._database_timeout = database_timeout

    @property
    def is_inline(self) -> bool:
        """Whether this process shows the answer itself, to somebody who waits for it."""
        return self._job is None

    @property
    def message_ids(self) -> Sequence[str]:
        return tuple(self._message_ids)

    async def record(self, n: int, message_id: str) -> None:
        """Write down that a message shows part `n` of the answer (`bot.core.ports.Parts`)."""
        # The message is there: an attempt that is cut off at this very moment still says so to the next one.
        await finish_despite_cancellation(
            self._write(lambda connection: deliveries.record_message(connection, self.turn, n, message_id))
        )
        self._message_ids[n:] = [message_id]

    async def command_outcome(self) -> Outcome:
        """What the command of this turn has said, with the files it hands over."""
        kept = await self._write(lambda connection: deliveries.load_files(connection, self.turn.id))
        return command_outcome(self.turn, kept)

    async def save_document_results(self, results: Sequence[Mapping[str, Any]]) -> None:
        """Keep what has become so far of the files that came with the turn."""
        await self._write(lambda connection: states.save_file_results(connection, self.turn, results))

    async def start_answering(self, mode: str, adapter: str | None) -> None:
        """The answer begins to come."""
        await self._write(lambda connection: states.start_answering(connection, self.turn, mode=mode, adapter=adapter))

    async def save_answer(self, answer: GeneratedAnswer) -> None:
        """Keep an answer that is made, before the last of it is shown."""
        await self._write(lambda connection: states.save_answer(connection, self.turn, answer))

    async def finish(
        self,
        state: FinalState,
        *,
        error: str | None = None,
        answer: str | None = None,
        timings: Mapping[str, float] | None = None,
    ) -> None:
        """End the turn and its job, and have the session's next question answered, in one transaction.

        What a command hands over is kept no longer than this. With a farewell goes the person himself.
        """

        async def write(connection: PersonConnection) -> None:
            waiting = await states.finish(connection, self.turn, state, error=error, answer=answer, timings=timings)
            if self._job is not None:
                await jobs.complete(connection, self._job)
            if waiting is not None:
                await jobs.enqueue(connection, answer_entrypoint(self._mind), waiting, connection.user_id)
            if self.turn.kind == "command":
                await deliveries.delete_files(connection, self.turn.id)
            if is_ephemeral(self.turn):
                await forgetting.erase_turns(connection, [self.turn.id])
            if erases_person(self.turn):
                await personal_data.delete_person(connection)

        await self._write(write)

    async def reschedule(self, delay: timedelta, *, failed: bool) -> None:
        """Let go of the turn, for somebody to take it up after a while."""

        async def write(connection: PersonConnection) -> None:
            await states.reschedule(connection, self.turn, count_as_failure=failed)
            if self._job is not None:
                await jobs.reschedule(connection, self._job, delay)

        await self._write(write)

    async def _write(self, write: Callable[[PersonConnection], Awaitable[T]]) -> T:
        until = time.monotonic() + self._database_timeout
        pause = _INITIAL_DELAY
        unsure = False
        while True:
            try:
                async with self._database.person_transaction(self.turn.user_id) as connection:
                    return await write(connection)
            except DatabaseUnreachable as gone:
                if time.monotonic() + pause > until:
                    raise
                log.warning("turn.database_unavailable", turn=str(self.turn.id), reason=str(gone))
            except TurnLeaseLost:
                # The connection may have been lost after the commit: then it is our own end that we have found.
                if unsure and await self._is_already_finished():
                    return None  # type: ignore[return-value]  # only `finish` ends a turn, and it returns nothing
                raise
            unsure = True
            await asyncio.sleep(pause)
            pause = min(2 * pause, _MAX_DELAY)

    async def _is_already_finished(self) -> bool:
        try:
            async with self._database.person_transaction(self.turn.user_id) as connection:
                found = await turns.get(connection, self.turn.id)
        except RecordNotFound:
            return erases_person(self.turn)
        return found.ended and found.attempts == self.turn.attempts


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
    """Take a turn up; None when it has ended: its job, if there is one, is over then.

    Args:
        connection: of the turn's person; the turn is held once its transaction is committed.
    """
    turn = await states.claim(connection, turn_id, process_id)
    if turn is None:
        if job is not None:
            await jobs.complete(connection, job)
        return None
    return TurnLease(database, turn, await deliveries.message_ids(connection, turn.id), mind, job, database_timeout)
