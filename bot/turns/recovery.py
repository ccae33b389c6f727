"""Turns that nobody will take up by himself: those whose job is gone, and those whose process is."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from bot.core.conversation import load_conversation
from bot.core.errors import TurnInterrupted
from bot.turns.heartbeat import PROCESS_GONE_AFTER
from bot.turns.lease import claim
from bot.turns.memory_writer import MemoryWriter
from bot.turns.queue import answer_entrypoint, delivery_entrypoint
from db.errors import RecordNotFound, TurnLeaseLost
from db.infra.database import Database
from db.turns import admin_queries, jobs, turns
from db.turns.admin_queries import StrandedTurn

STRANDED_AFTER: Final = timedelta(seconds=30)
"""How long nothing must have happened to a turn."""

UNREMEMBERED_AFTER: Final = timedelta(minutes=2)
"""How long a turn must have ended for its process to have remembered it."""
UNREMEMBERED_BATCH_SIZE: Final = 50
"""Turns remembered in one round."""

log = structlog.get_logger(__name__)


async def recover_stranded(database: Database, mind: str, process_id: UUID) -> int:
    """Have stranded turns of a mind answered, or ended where there is nobody left to show an answer to; how many.

    Raises:
        DatabaseError: some may be left; the next round finds them.
    """
    async with database.anonymous_transaction() as connection:
        found = await admin_queries.list_stranded(connection, mind, STRANDED_AFTER, PROCESS_GONE_AFTER)
    for turn in found:
        log.warning("turn.stranded", turn=str(turn.id), shown_elsewhere=turn.shown_elsewhere)
        if turn.shown_elsewhere:
            await _requeue(database, mind, turn)
        else:
            await _interrupt(database, mind, turn, process_id)
    return len(found)


async def recover_unremembered(
    database: Database, mind: str, memory_writer: MemoryWriter, older_than: timedelta = UNREMEMBERED_AFTER
) -> int:
    """Have the turns remembered whose process went between the answer and that; how many.

    Several processes may do it at once: each turn is remembered once.

    Raises:
        DatabaseError: some may be left; the next round finds them.
    """
    async with database.anonymous_transaction() as connection:
        found = await admin_queries.list_unremembered(connection, mind, older_than, UNREMEMBERED_BATCH_SIZE)
    for turn_id, user_id in found:
        with suppress(RecordNotFound):
            async with database.person_transaction(user_id) as connection:
                turn = await turns.get(connection, turn_id)
                conversation = await load_conversation(connection, turn)
            memory_writer.enqueue_recovered(conversation, turn)
    return len(found)


async def _requeue(database: Database, mind: str, turn: StrandedTurn) -> None:
    entrypoint = delivery_entrypoint(mind) if turn.kind == "command" else answer_entrypoint(mind)
    async with database.anonymous_transaction() as connection:
        await jobs.enqueue(connection, entrypoint, turn.id, turn.user_id)


async def _interrupt(database: Database, mind: str, turn: StrandedTurn, process_id: UUID) -> None:
    async with database.person_transaction(turn.user_id) as connection:
        hold = await claim(database, connection, turn.id, process_id, mind, job=None, database_timeout=0)
    if hold is None:
        return
    try:
        await hold.finish("failed", error=str(TurnInterrupted()))
    except TurnLeaseLost:
        log.info("turn.recovered_elsewhere", turn=str(turn.id))
