"""Recovery of turns that nobody works on any more, because their job or their process is gone."""

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
"""A turn counts as stranded after so long without a change."""
UNREMEMBERED_AFTER: Final = timedelta(minutes=2)
"""A turn that ended so long ago should have been remembered by its process."""
UNREMEMBERED_BATCH_SIZE: Final = 50
"""Turns remembered in one round."""

log = structlog.get_logger(__name__)


async def recover_stranded(database: Database, mind: str, process_id: UUID) -> int:
    """Enqueue stranded turns of a mind again, or end those whose answer nobody waits for any more; how many there were.

    Raises:
        DatabaseError: some may be left; the next round finds them.
    """
    async with database.anonymous_transaction() as connection:
        stranded = await admin_queries.list_stranded(connection, mind, STRANDED_AFTER, PROCESS_GONE_AFTER)
    for turn in stranded:
        log.warning("turn.stranded", turn=str(turn.id), shown_elsewhere=turn.shown_elsewhere)
        if turn.shown_elsewhere:
            await _requeue(database, mind, turn)
        else:
            await _interrupt(database, mind, turn, process_id)
    return len(stranded)


async def recover_unremembered(
    database: Database, mind: str, memory_writer: MemoryWriter, older_than: timedelta = UNREMEMBERED_AFTER
) -> int:
    """Remember the turns whose process ended after the answer and before remembering it; how many there were.

    Several processes may do this at once: each turn is remembered once.

    Raises:
        DatabaseError: some may be left; the next round finds them.
    """
    async with database.anonymous_transaction() as connection:
        unremembered = await admin_queries.list_unremembered(connection, mind, older_than, UNREMEMBERED_BATCH_SIZE)
    for turn_id, user_id in unremembered:
        with suppress(RecordNotFound):
            async with database.person_transaction(user_id) as connection:
                turn = await turns.get(connection, turn_id)
                conversation = await load_conversation(connection, turn)
            memory_writer.enqueue_recovered(conversation, turn)
    return len(unremembered)


async def _requeue(database: Database, mind: str, turn: StrandedTurn) -> None:
    entrypoint = delivery_entrypoint(mind) if turn.kind == "command" else answer_entrypoint(mind)
    async with database.anonymous_transaction() as connection:
        await jobs.enqueue(connection, entrypoint, turn.id, turn.user_id)


async def _interrupt(database: Database, mind: str, turn: StrandedTurn, process_id: UUID) -> None:
    async with database.person_transaction(turn.user_id) as connection:
        lease = await claim(database, connection, turn.id, process_id, mind, job=None, database_timeout=0)
    if lease is None:
        return
    try:
        await lease.finish("failed", error=str(TurnInterrupted()))
    except TurnLeaseLost:
        log.info("turn.recovered_elsewhere", turn=str(turn.id))
