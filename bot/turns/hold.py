"""One attempt's hold on a turn: all it writes, and nothing once another attempt has taken the turn up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog

from bot.channels.port import Outcome
from bot.turns.jobs import answer_jobs
from bot.turns.said import is_farewell, is_fleeting, said_by
from bot.turns.uninterrupted import to_its_end
from db import files, forgetting, holdings, jobs, parts, turn_states, turns
from db.connection import PersonConnection
from db.database import Database
from db.errors import DatabaseUnreachable, RecordGone, TurnTaken
from db.jobs import Job
from db.turn_states import Answered, FinalState
from db.turns import Turn

T = TypeVar("T")

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0

log = structlog.get_logger(__name__)


class Hold:
    """A turn that has been taken up, with its job if it has one, and the parts of its answer.

    A database that goes away is waited for: what has been generated and sent is not made again for its sake.
    """

    def __init__(
        self, database: Database, turn: Turn, known: Sequence[str], mind: str, job: Job | None, patience: float
    ) -> None:
        self.turn = turn
        self._database = database
        self._known = list(known)
        self._mind = mind
        self._job = job
        self._patience = patience

    @property
    def is_shown_here(self) -> bool:
        """Whether this process shows the answer itself, to somebody who waits for it."""
        return self._job is None

    @property
    def known(self) -> Sequence[str]:
        return tuple(self._known)

    async def record(self, n: int, message_id: str) -> None:
        """Write down that a message shows part `n` of the answer (`bot.channels.port.Parts`)."""
        # The message is there: an attempt that is cut off at this very moment still says so to the next one.
        await to_its_end(self._write(lambda connection: parts.record(connection, self.turn, n, message_id)))
        self._known[n:] = [message_id]

    async def said(self) -> Outcome:
        """What the command of this turn has said, with the files it hands over."""
        kept = await self._write(lambda connection: files.of_turn(connection, self.turn.id))
        return said_by(self.turn, kept)

    async def keep_taken(self, taken: Sequence[Mapping[str, Any]]) -> None:
        """Keep what has become so far of the files that came with the turn."""
        await self._write(lambda connection: turn_states.keep_taken(connection, self.turn, taken))

    async def start_answering(self, mode: str, adapter: str | None) -> None:
        """The answer begins to come."""
        await self._write(
            lambda connection: turn_states.start_answering(connection, self.turn, mode=mode, adapter=adapter)
        )

    async def keep(self, made: Answered) -> None:
        """Keep an answer that is made, before the last of it is shown."""
        await self._write(lambda connection: turn_states.keep_answer(connection, self.turn, made))

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
            waiting = await turn_states.finish(
                connection, self.turn, state, error=error, answer=answer, timings=timings
            )
            if self._job is not None:
                await jobs.done(connection, self._job)
            if waiting is not None:
                await jobs.enqueue(connection, answer_jobs(self._mind), waiting, connection.user_id)
            if self.turn.kind == "command":
                await files.drop(connection, self.turn.id)
            if is_fleeting(self.turn):
                await forgetting.erase(connection, [self.turn.id])
            if is_farewell(self.turn):
                await holdings.vanish(connection)

        await self._write(write)

    async def put_back(self, after: timedelta, *, setback: bool) -> None:
        """Let go of the turn, for somebody to take it up after a while."""

        async def write(connection: PersonConnection) -> None:
            await turn_states.put_back(connection, self.turn, setback=setback)
            if self._job is not None:
                await jobs.put_back(connection, self._job, after)

        await self._write(write)

    async def _write(self, write: Callable[[PersonConnection], Awaitable[T]]) -> T:
        until = time.monotonic() + self._patience
        pause = _FIRST_PAUSE
        unsure = False
        while True:
            try:
                async with self._database.person(self.turn.user_id) as connection:
                    return await write(connection)
            except DatabaseUnreachable as gone:
                if time.monotonic() + pause > until:
                    raise
                log.warning("turn.database_away", turn=str(self.turn.id), reason=str(gone))
            except TurnTaken:
                # The connection may have been lost after the commit: then it is our own end that we have found.
                if unsure and await self._has_ended():
                    return None  # type: ignore[return-value]  # only `finish` ends a turn, and it returns nothing
                raise
            unsure = True
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _has_ended(self) -> bool:
        try:
            async with self._database.person(self.turn.user_id) as connection:
                found = await turns.get(connection, self.turn.id)
        except RecordGone:
            return is_farewell(self.turn)
        return found.ended and found.attempts == self.turn.attempts


async def take_up(
    database: Database,
    connection: PersonConnection,
    turn_id: UUID,
    process_id: UUID,
    mind: str,
    *,
    job: Job | None,
    patience: float,
) -> Hold | None:
    """Take a turn up; None when it has ended: its job, if there is one, is over then.

    Args:
        connection: of the turn's person; the turn is held once its transaction is committed.
    """
    turn = await turn_states.claim(connection, turn_id, process_id)
    if turn is None:
        if job is not None:
            await jobs.done(connection, job)
        return None
    return Hold(database, turn, await parts.all_of(connection, turn.id), mind, job, patience)
