"""Messages whose answers are shown by the process they came to: a terminal, an HTTP request that waits."""

from __future__ import annotations

from bot.channels.port import Incoming, Outcome, Reply
from bot.mind import Mind
from bot.turns.attempt import Attempts
from bot.turns.errors import Interrupted
from bot.turns.failures import failed
from bot.turns.hold import take_up
from bot.turns.inbox import Inbox, Receipt
from bot.turns.metrics import message_refused
from bot.turns.presence import Presence
from db.database import Database


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

    async def answer(self, incoming: Incoming, reply: Reply) -> Outcome:
        """Answer one message. Never raises for what can be said to the person instead."""
        try:
            receipt = await self.inbox.receive(incoming, self._presence.id)
            outcome = await self._answer(receipt, reply)
        except Exception as error:
            message_refused(type(error).__name__)
            outcome = self.inbox.refusal(incoming, error)
            await reply.finish(outcome)
        return outcome

    async def _answer(self, receipt: Receipt, reply: Reply) -> Outcome:
        turn, conversation = receipt.turn, receipt.conversation
        hold = await take_up(
            self._database,
            turn.user_id,
            turn.id,
            self._presence.id,
            self._mind.name,
            job=None,
            patience=self._patience,
        )
        outcome = None if hold is None else await self._attempts.run(hold, conversation, reply)
        if outcome is None:
            outcome = failed(Outcome(conversation.session.mode), Interrupted(), conversation.say)
        return outcome
