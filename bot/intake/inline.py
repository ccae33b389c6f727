"""Messages whose answers are shown by the process they came to: a terminal, an HTTP request that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from bot.core.errors import MessageRefused, TurnInterrupted
from bot.core.messages import Incoming, Outcome
from bot.core.ports import Reply
from bot.intake.inbox import Inbox, Receipt
from bot.minds import Mind
from bot.turns.failures import failed_outcome
from bot.turns.heartbeat import Heartbeat
from bot.turns.lease import TurnLease, claim
from bot.turns.metrics import message_refused
from bot.turns.runner import TurnRunner
from consilium.errors import ConsiliumError
from db.errors import TurnLeaseLost
from db.infra.database import Database


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """A message that has been taken in and taken up, to be shown now."""

    receipt: Receipt
    lease: TurnLease | None
    """None when its turn has ended already."""


class InlineResponder:
    """Takes a message in and answers it here and now."""

    def __init__(
        self,
        inbox: Inbox,
        database: Database,
        mind: Mind,
        heartbeat: Heartbeat,
        runner: TurnRunner,
        database_timeout: float,
    ) -> None:
        self.inbox = inbox
        self._database = database
        self._mind = mind
        self._heartbeat = heartbeat
        self._runner = runner
        self._database_timeout = database_timeout
        self._active = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def drain(self, timeout_seconds: float) -> None:
        """Return once nothing is being answered, or the deadline for it has come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._idle.wait()

    async def answer(self, incoming: Incoming, reply: Reply) -> Outcome:
        """Answer one message. Never raises for what can be said to the person instead.

        Of a refusal that `is_silent` nothing is shown, as on every other channel; what it is comes back all the same.
        """
        try:
            return await self.answer_accepted(await self.accept(incoming), reply)
        except Exception as error:
            outcome = self.inbox.refusal_outcome(incoming, error)
            if isinstance(error, MessageRefused) and error.is_silent:
                await reply.close()
            else:
                await reply.finish(outcome)
        return outcome

    async def accept(self, incoming: Incoming) -> AcceptedMessage:
        """Take a message in, to be shown by `show` next.

        Cancelled in its midst it leaves nothing open: a message that has been taken in by then is stopped.

        Raises:
            MessageRefused: it is not taken in, and why.
            DatabaseError: nobody knows whether it is.
        """
        taking = asyncio.create_task(self._accept(incoming), name="take-in")
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            with suppress(ConsiliumError, TurnLeaseLost):
                taken = await taking
                if taken.lease is not None:
                    await taken.lease.finish("stopped")
            raise

    async def answer_accepted(self, accepted: AcceptedMessage, reply: Reply) -> Outcome:
        """Answer a message that has been taken in. Never raises for what can be said to the person instead."""
        conversation = accepted.receipt.conversation
        outcome = None
        if accepted.lease is not None:
            with self._tracked():
                outcome = await self._runner.run(accepted.lease, conversation, reply)
        if outcome is None:
            outcome = failed_outcome(Outcome(conversation.session.mode), TurnInterrupted(), conversation.say)
        return outcome

    @contextmanager
    def _tracked(self) -> Iterator[None]:
        self._active += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._active -= 1
            if not self._active:
                self._idle.set()

    async def _accept(self, incoming: Incoming) -> AcceptedMessage:
        try:
            receipt = await self.inbox.receive(incoming, self._heartbeat.id)
        except Exception as error:
            message_refused(type(error).__name__)
            raise
        turn = receipt.turn
        async with self._database.person_transaction(turn.user_id) as connection:
            hold = await claim(
                self._database,
                connection,
                turn.id,
                self._heartbeat.id,
                self._mind.name,
                job=None,
                database_timeout=self._database_timeout,
            )
        return AcceptedMessage(receipt, hold)
