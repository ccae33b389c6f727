"""The messages in which a queued turn is shown, before a worker takes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from consilium.retry import BackoffConfig, retry
from db.errors import DatabaseUnavailable, TurnLeaseLost
from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.turns import deliveries, turns
from db.turns.turns import Turn

T = TypeVar("T")

_RECORD_BACKOFF: Final = BackoffConfig(initial=0.1, maximum=2.0)
_RECORD_TIMEOUT: Final = 60.0
"""Seconds for which a message with a queue position is recorded again: until then nobody else knows of it."""


class QueuedTurnParts:
    """The messages of a turn that is queued, for the process that received it (`bot.core.ports.Parts`)."""

    def __init__(self, database: Database, turn: Turn) -> None:
        self._database = database
        self._turn = turn

    @property
    def message_ids(self) -> Sequence[str]:
        return ()

    async def ensure_held(self, *, now: bool = False) -> None:
        """Return when the turn still waits. What is shown here is sent once and never edited.

        Raises:
            TurnLeaseLost: the turn is being answered already.
            DatabaseUnavailable: the database did not come back in time.
        """
        if now and (await self._in_transaction(lambda person: turns.get(person, self._turn.id))).attempts:
            raise TurnLeaseLost

    async def record(self, n: int, message_id: str, *, patience: float | None = None) -> None:
        """Store that a message is shown; the process that answers the turn continues with it.

        Raises:
            TurnLeaseLost: the turn is being answered already.
            DatabaseUnavailable: the database did not come back in time.
        """
        await self._in_transaction(
            lambda person: deliveries.record_message(person, self._turn, n, message_id),
            _RECORD_TIMEOUT if patience is None else patience,
        )

    async def _in_transaction(
        self, work: Callable[[PersonConnection], Awaitable[T]], patience: float = _RECORD_TIMEOUT
    ) -> T:
        async def transaction() -> T:
            async with self._database.person_transaction(self._turn.user_id) as person:
                return await work(person)

        return await retry(transaction, on=DatabaseUnavailable, backoff=_RECORD_BACKOFF, give_up_after=patience)
