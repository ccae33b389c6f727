"""Turns that nobody will take up by himself: those whose job is gone, and those whose process is."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from bot.turns.afterwards import Afterwards
from bot.turns.conversation import conversation_of
from bot.turns.errors import Interrupted
from bot.turns.hold import take_up
from bot.turns.jobs import answer_jobs, say_jobs
from bot.turns.presence import GONE
from db import jobs, oversight, turns
from db.database import Database
from db.errors import RecordGone, TurnTaken
from db.oversight import Stranded

QUIET: Final = timedelta(seconds=30)
"""How long nothing must have happened to a turn."""

SETTLED: Final = timedelta(minutes=2)
"""How long a turn must have ended for its process to have remembered it."""
MOST_LEFT: Final = 50
"""Turns remembered in one round."""

log = structlog.get_logger(__name__)


async def salvage(database: Database, mind: str, process_id: UUID) -> int:
    """Have stranded turns of a mind answered, or ended where there is nobody left to show an answer to; how many.

    Raises:
        DatabaseError: some may be left; the next round finds them.
    """
    async with database.nobody() as connection:
        found = await oversight.stranded(connection, mind, QUIET, GONE)
    for turn in found:
        log.warning("turn.stranded", turn=str(turn.id), shown_elsewhere=turn.shown_elsewhere)
        if turn.shown_elsewhere:
            await _requeue(database, mind, turn)
        else:
            await _interrupt(database, mind, turn, process_id)
    return len(found)


async def remember_left(database: Database, mind: str, afterwards: Afterwards, quiet: timedelta = SETTLED) -> int:
    """Have the turns remembered whose process went between the answer and that; how many.

    Several processes may do it at once: each turn is remembered once.

    Raises:
        DatabaseError: some may be left; the next round finds them.
    """
    async with database.nobody() as connection:
        found = await oversight.unremembered(connection, mind, quiet, MOST_LEFT)
    for turn_id, user_id in found:
        with suppress(RecordGone):
            async with database.person(user_id) as connection:
                turn = await turns.get(connection, turn_id)
                conversation = await conversation_of(connection, turn)
            afterwards.catch_up(conversation, turn)
    return len(found)


async def _requeue(database: Database, mind: str, turn: Stranded) -> None:
    entrypoint = say_jobs(mind) if turn.kind == "command" else answer_jobs(mind)
    async with database.nobody() as connection:
        await jobs.enqueue(connection, entrypoint, turn.id, turn.user_id)


async def _interrupt(database: Database, mind: str, turn: Stranded, process_id: UUID) -> None:
    async with database.person(turn.user_id) as connection:
        hold = await take_up(database, connection, turn.id, process_id, mind, job=None, patience=0)
    if hold is None:
        return
    try:
        await hold.finish("failed", error=str(Interrupted()))
    except TurnTaken:
        log.info("turn.salvaged_elsewhere", turn=str(turn.id))
