"""Messages whose answers are shown by the process they came to: a terminal, an HTTP request that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from bot.channels.port import Incoming, Outcome, Reply
from bot.mind import Mind
from bot.turns.attempt import Attempts
from bot.turns.errors import Interrupted, MessageRefused
from bot.turns.failures import failed
from bot.turns.hold import Hold, take_up
from bot.turns.inbox import Inbox, Receipt
from bot.turns.metrics import message_refused
from bot.turns.presence import Presence
from consilium.errors import ConsiliumError
from db.database import Database


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that has been taken in and taken up, to be shown now."""

    receipt: Receipt
    hold: Hold | None
    """None when its turn has ended already."""


class Direct:
    """Takes a message in and answers it here and now."""

    def __init__(
        self, inbox: Inbox, database: Database, mind: Mind, presence: Presence, attempts: Attempts, patience: float
    ) -> None:
        self.inbox = inbox
        self._database = database
        self._mind = mind
        self._presence = presence
        self._attempts = attempts
        self._patience = patience
        self._answering = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def drain(self, seconds: float) -> None:
        """Return once nothing is being answered, or the deadline for it has come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    async def answer(self, incoming: Incoming, reply: Reply) -> Outcome:
        """Answer one message. Never raises for what can be said to the person instead.

        Of a refusal that `is_silent` nothing is shown, as on every other channel; what it is comes back all the same.
        """
        try:
            return await self.show(await self.take_in(incoming), reply)
        except Exception as error:
            outcome = self.inbox.refusal(incoming, error)
            if isinstance(error, MessageRefused) and error.is_silent:
                await reply.close()
            else:
                await reply.finish(outcome)
        return outcome

    async def take_in(self, incoming: Incoming) -> Taken:
        """Take a message in, to be shown by `show` next.

        Cancelled in its midst it leaves nothing open: a message that has been taken in by then is stopped.

        Raises:
            MessageRefused: it is not taken in, and why.
            DatabaseError: nobody knows whether it is.
        """
        taking = asyncio.create_task(self._take_in(incoming), name="take-in")
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            with suppress(ConsiliumError):
                taken = await taking
                if taken.hold is not None:
                    await taken.hold.finish("stopped")
            raise

    async def show(self, taken: Taken, reply: Reply) -> Outcome:
        """Answer a message that has been taken in. Never raises for what can be said to the person instead."""
        conversation = taken.receipt.conversation
        outcome = None
        if taken.hold is not None:
            with self._counted():
                outcome = await self._attempts.run(taken.hold, conversation, reply)
        if outcome is None:
            outcome = failed(Outcome(conversation.session.mode), Interrupted(), conversation.say)
        return outcome

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._answering += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._answering -= 1
            if not self._answering:
                self._idle.set()

    async def _take_in(self, incoming: Incoming) -> Taken:
        try:
            receipt = await self.inbox.receive(incoming, self._presence.id)
        except Exception as error:
            message_refused(type(error).__name__)
            raise
        turn = receipt.turn
        async with self._database.person(turn.user_id) as connection:
            hold = await take_up(
                self._database,
                connection,
                turn.id,
                self._presence.id,
                self._mind.name,
                job=None,
                patience=self._patience,
            )
        return Taken(receipt, hold)
