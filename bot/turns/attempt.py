"""One attempt at a turn: to an answer that is shown, to a sentence that says why not, or back for another attempt."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from bot.channels.errors import DeliveryError, DeliveryFailed
from bot.channels.port import Outcome, Reply
from bot.turns.afterwards import Afterwards
from bot.turns.conversation import Conversation
from bot.turns.documents.errors import NotFetched
from bot.turns.documents.fetching import Fetch
from bot.turns.documents.taking import Documents
from bot.turns.draft import Draft
from bot.turns.errors import GivenUp
from bot.turns.failures import failed, foreseen, may_pass
from bot.turns.hold import Hold
from bot.turns.metrics import tokens_spent, turn_ended, turn_put_back
from bot.turns.pipeline import Pipeline
from bot.turns.traces import trace_attempt, trace_put_back, trace_turn
from bot.turns.uninterrupted import to_its_end
from consilium.errors import ConsiliumError
from db.errors import DatabaseError, DatabaseUnreachable, TurnTaken
from db.turn_states import FinalState
from db.turns import Turn
from inference.engine.port import FinishReason

LONGEST_PAUSE: Final = 60.0
"""Seconds before another attempt, at most."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Persistence:
    """How long a turn is tried."""

    setbacks: int
    """After so many attempts that came to no end it is given up."""


class Attempts:
    """Works on turns that have been taken up. Each ends here, or is let go for somebody else to take up."""

    def __init__(
        self,
        pipeline: Pipeline | None,
        persistence: Persistence,
        afterwards: Afterwards | None = None,
        documents: Documents | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._persistence = persistence
        self._afterwards = afterwards
        self._documents = documents

    @property
    def afterwards(self) -> Afterwards | None:
        """What remembers the turns; None in a process that answers no questions."""
        return self._afterwards

    async def run(
        self, hold: Hold, conversation: Conversation, reply: Reply, fetch: Fetch | None = None
    ) -> Outcome | None:
        """Answer the turn; None when it is somebody else's now. What a person can be told is not raised.

        Args:
            fetch: gives the files that came with the turn, where any can have.

        A cancelled attempt lets go of the turn at once, with nothing held against it. Of a turn that is shown here it
        is the end: nobody waits for the answer any more, and what there is of it is kept.
        """
        turn = hold.turn
        draft = Draft(turn.mode or turn.asked_mode or conversation.session.mode)
        with structlog.contextvars.bound_contextvars(turn=str(turn.id), session=str(turn.session_id)):
            try:
                return await self._run(hold, conversation, draft, reply, fetch)
            except TurnTaken:
                log.warning("turn.taken", attempt=turn.attempts)
                return None
            except asyncio.CancelledError:
                with suppress(DatabaseError):
                    await self._let_go(hold, draft)
                raise
            finally:
                trace_attempt(turn, draft)
                await reply.close()

    async def _run(
        self, hold: Hold, conversation: Conversation, draft: Draft, reply: Reply, fetch: Fetch | None
    ) -> Outcome | None:
        try:
            self._check_patience(hold)
            return await self._answer(hold, conversation, draft, reply, fetch)
        except TurnTaken:
            raise
        except Exception as error:
            failure = foreseen(error)
        if not hold.is_shown_here and may_pass(failure) and hold.turn.setbacks < self._persistence.setbacks:
            await self._try_later(hold, failure)
            return None
        return await self._give_up(hold, conversation, draft, reply, failure)

    def _check_patience(self, hold: Hold) -> None:
        turn = hold.turn
        late = turn.give_up_at is not None and turn.give_up_at < datetime.now(UTC)
        if late or turn.setbacks > self._persistence.setbacks:
            raise GivenUp(turn.setbacks - 1)

    async def _answer(
        self, hold: Hold, conversation: Conversation, draft: Draft, reply: Reply, fetch: Fetch | None
    ) -> Outcome:
        turn = hold.turn
        if turn.kind == "command":
            outcome = await hold.said()
        else:
            outcome = await self._make(hold, conversation, draft, reply, fetch)
        with draft.timed("deliver"):
            await reply.finish(outcome)
        await _ending(hold, self._end(hold, draft, outcome))
        if self._afterwards is not None and turn.kind == "question":
            self._afterwards.note(conversation, turn, draft)
        return outcome

    async def _make(
        self, hold: Hold, conversation: Conversation, draft: Draft, reply: Reply, fetch: Fetch | None
    ) -> Outcome:
        """Take in the documents that came with a question, if any did, and answer it, if there is one."""
        turn = hold.turn
        assert self._pipeline is not None
        if turn.files is not None and fetch is not None and not turn.is_answered:
            assert self._documents is not None
            with draft.timed("documents"):
                told = await self._documents.take(conversation, hold, reply, fetch)
            draft.pieces.append(f"{told.report}\n\n")
            if told.stopped or not turn.question:
                draft.mode = ""
                draft.finish = FinishReason.CANCELLED if told.stopped else FinishReason.STOP
                await hold.keep(draft.answered())
                return draft.outcome(turn)
        return await self._pipeline.answer(conversation, hold, draft, reply)

    async def _end(self, hold: Hold, draft: Draft, outcome: Outcome) -> None:
        turn = hold.turn
        shown = {"deliver": draft.timings["deliver"]}
        state: FinalState = "stopped" if outcome.stopped else "delivered"
        try:
            await hold.finish(state, timings=shown)
        except DatabaseError as error:
            if not hold.is_shown_here or isinstance(error, TurnTaken):
                raise
            log.warning("turn.end_not_saved", reason=str(error))
        turn_ended(state, turn, draft.timings, _age(turn))
        trace_turn(turn, state, draft)
        tokens_spent(outcome.usage)
        log.info("turn.ended", state=state, mode=outcome.mode, attempt=turn.attempts, **_rounded(draft.timings))

    async def _let_go(self, hold: Hold, draft: Draft) -> None:
        if not hold.is_shown_here:
            await hold.put_back(timedelta(0), setback=False)
            return
        if draft.text:
            draft.finish = draft.finish or FinishReason.CANCELLED
            await hold.keep(draft.answered())
        await hold.finish("stopped")
        turn_ended("stopped", hold.turn, draft.timings, _age(hold.turn))
        trace_turn(hold.turn, "stopped", draft)

    async def _try_later(self, hold: Hold, failure: ConsiliumError) -> None:
        pause = min(LONGEST_PAUSE, 2.0 ** (hold.turn.setbacks - 1)) * random.uniform(0.7, 1.3)  # noqa: S311
        if isinstance(failure, (DeliveryFailed, NotFetched)):
            pause = max(pause, failure.wait)
        log.warning("turn.put_back", error=type(failure).__name__, reason=str(failure), pause=round(pause, 1))
        turn_put_back(type(failure).__name__)
        trace_put_back(hold.turn, failure)
        # A database that is still away lets the job go stale, and it is taken up anew then.
        with suppress(DatabaseUnreachable):
            await hold.put_back(timedelta(seconds=pause), setback=True)

    async def _give_up(
        self, hold: Hold, conversation: Conversation, draft: Draft, reply: Reply, failure: ConsiliumError
    ) -> Outcome:
        log.warning("turn.failed", error=type(failure).__name__, reason=str(failure))
        outcome = failed(draft.outcome(hold.turn), failure, conversation.say)
        if not isinstance(failure, DeliveryError):
            try:
                await reply.finish(outcome)
            except DeliveryError as error:
                log.warning("turn.failure_not_shown", reason=str(error))
        await _ending(hold, self._fail(hold, draft, failure))
        return outcome

    async def _fail(self, hold: Hold, draft: Draft, failure: ConsiliumError) -> None:
        try:
            await hold.finish("failed", error=str(failure), answer=draft.text or None, timings=draft.timings)
        except DatabaseUnreachable as gone:
            # The turn stays unfinished in the database, which is the truth.
            log.warning("turn.failure_not_saved", reason=str(gone))
        turn_ended("failed", hold.turn, draft.timings, _age(hold.turn))
        trace_turn(hold.turn, "failed", draft, failure)


async def _ending(hold: Hold, work: Coroutine[None, None, None]) -> None:
    """Who asked may go as soon as he has the answer, and with him the task: that he has it is kept all the same."""
    await (to_its_end(work) if hold.is_shown_here else work)


def _age(turn: Turn) -> float:
    return (datetime.now(UTC) - turn.created_at).total_seconds()


def _rounded(timings: dict[str, float]) -> dict[str, float]:
    return {name: round(seconds, 4) for name, seconds in timings.items()}
