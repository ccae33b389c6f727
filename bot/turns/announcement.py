"""The first message of an answer that nobody works on yet: it says how many are before it."""

from __future__ import annotations

from collections.abc import Sequence

from db import parts
from db.database import Database
from db.turns import Turn


class QueuedTurnParts:
    """The parts of a turn that waits, for who has just taken it in (`bot.channels.port.Parts`)."""

    def __init__(self, database: Database, turn: Turn) -> None:
        self._database = database
        self._turn = turn

    @property
    def message_ids(self) -> Sequence[str]:
        return ()

    async def record(self, n: int, message_id: str) -> None:
        """Write down that a message is there; who takes the turn up goes on with it.

        Raises:
            TurnLeaseLost: the turn has been taken up meanwhile.
        """
        async with self._database.person_transaction(self._turn.user_id) as connection:
            await parts.record_message(connection, self._turn, n, message_id)
