"""Answers messages in the process that received them: of a terminal, or of an HTTP request that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from bot.core.errors import MessageRefused, TurnInterrupted
from bot.core.fair_slots import FairSlots
from bot.core.messages import Incoming, Outcome
from bot.core.ports import FetchFile, Reply
from bot.core.quotations import quotations_to_json
from bot.intake.inbox import Inbox, Receipt
from bot.intake.rate_limits import share_of
from bot.minds import Mind
from bot.turns.failures import failed_outcome
from bot.turns.heartbeat import Heartbeat
from bot.turns.lease import TurnLease, claim
from bot.turns.metrics import message_refused
from bot.turns.runner import TurnRunner
from consilium.errors import ConsiliumError
from db.errors import TurnLeaseLost
from db.infra.database import Database

ACCEPTED_AT_ONCE: Final = 8
"""Messages that are stored at the same time: fewer than the database has connections."""


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """A message that is stored and whose turn is claimed, to be answered now."""

    receipt: Receipt
    lease: TurnLease | None
    """None when the turn has ended already, or the message was received before."""


class InlineResponder:
    """Receives a message and answers it at once, without the queue.

    Messages are accepted by turns of those who send them, so that nobody waits for all that another sends at once.

    Args:
        heartbeat: of this process, which claims the turns.
        database_timeout: seconds that one database operation of a turn may take.
    """

    def __init__(
        self,
        *,
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
        self._accepting = FairSlots(ACCEPTED_AT_ONCE)
        self._active = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def drain(self, timeout_seconds: float) -> None:
        """Wait until nothing is being answered, but no longer than `timeout_seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._idle.wait()

    async def answer(self, incoming: Incoming, reply: Reply) -> Outcome:
        """Receive and answer one message. Errors are shown to the person and not raised.

        A refusal that `is_silent` is returned but not shown, as on every other channel.
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
        """Store a message and claim its turn, to be answered with `answer_accepted` next.

        When this is cancelled, nothing stays open: a message that is stored by then is stopped.

        Raises:
            MessageRefused: the message is not accepted, and why.
            DatabaseError: it is not known whether it is stored.
        """
        async with self._accepting.slot(share_of(incoming), incoming.person):
            accepting = asyncio.create_task(self._accept(incoming), name="accept-message")
            try:
                return await asyncio.shield(accepting)
            except asyncio.CancelledError:
                with suppress(ConsiliumError, TurnLeaseLost):
                    accepted = await accepting
                    if accepted.lease is not None:
                        await accepted.lease.finish("stopped")
                raise

    async def answer_accepted(self, accepted: AcceptedMessage, reply: Reply, fetch: FetchFile | None = None) -> Outcome:
        """Answer a message that was accepted. Errors are shown to the person and not raised.

        Args:
            fetch: gives the content of the files that came with it, if any did.
        """
        conversation = accepted.receipt.conversation
        outcome = None
        if accepted.lease is not None:
            with self._tracked():
                outcome = await self._runner.run(accepted.lease, conversation, reply, fetch)
        if outcome is None:
            outcome = failed_outcome(Outcome(conversation.session.mode), TurnInterrupted(), conversation.say)
        return outcome

    @contextmanager
    def _tracked(self) -> Iterator[None]:
        """Count an answer as active, for `drain`."""
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
        if not receipt.is_new:
            # Whoever received it first answers it, or has.
            return AcceptedMessage(receipt, None)
        async with self._database.person_transaction(turn.user_id) as connection:
            lease = await claim(
                self._database,
                connection,
                turn.id,
                self._heartbeat.id,
                self._mind.name,
                job=None,
                database_timeout=self._database_timeout,
            )
        client = incoming.client_conversation
        if lease is not None and client is not None and client.is_stateless:
            lease.keep_text_out(incoming.text, quotations_to_json(incoming.quotations))
        return AcceptedMessage(receipt, lease)
