"""Forgets records: deletes them with everything that certainly says the same, and finds what may.

Facts, messages, answers, commands and their replies that say it lose their text, or the sentence that says it. An
answer that had it in its prompt may repeat it in other words. So the turns that said or used it, and those that were
answered with these before the model's eyes, leave the window: they are no longer shown to the model, remembered or
summarised, and the summaries of their sessions are written again without them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from bot.memory.forget_plan import ForgetPlan, plan_forgetting
from bot.memory.records import Record, RecordLine
from db.infra.connection import PersonConnection
from db.memory import forgetting
from db.memory import memories as rows
from db.memory.memories import Embedding

Embed = Callable[[str], Awaitable[Embedding | None]]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What has been deleted, and what may say the same."""

    facts: int = 0
    messages: int = 0
    answers: int = 0
    documents: int = 0
    unsure: Sequence[RecordLine] = ()
    """Records that the person is to be asked about; oldest first."""

    @property
    def total(self) -> int:
        """How many records have been deleted."""
        return self.facts + self.messages + self.answers + self.documents


NOTHING: Final = Forgotten()


async def forget(
    connection: PersonConnection,
    records: Collection[Record],
    embed: Embed,
    *,
    settled: Collection[Record] = (),
) -> Forgotten | None:
    """Delete records and what says the same, permanently. None if the person has none of them.

    Args:
        embed: the vector for what is left of an episode of which a part is deleted.
        settled: records that the person has been asked about already: they stay unless they are among `records`.
    """
    turns = await forgetting.list_turns(connection)
    memories = await forgetting.list_memories(connection)
    # Reading years of conversation takes a while.
    plan = await asyncio.to_thread(plan_forgetting, records, turns, memories, settled=settled)
    if plan is None:
        return None
    await _carry_out(connection, plan, embed)
    return Forgotten(plan.facts, plan.messages, plan.answers, plan.documents, tuple(plan.unsure))


async def forget_all(connection: PersonConnection) -> int:
    """Delete all memories permanently, and return their number. No earlier turn is shown to the model again."""
    await forgetting.exclude_all_turns(connection)
    return await rows.forget_all(connection)


async def _carry_out(connection: PersonConnection, plan: ForgetPlan, embed: Embed) -> None:
    await forgetting.exclude_turns(connection, plan.excluded_turns, plan.turns_using | plan.erasures.keys())
    await forgetting.erase_turns(connection, list(plan.erasures.values()))
    await forgetting.delete_memories(connection, plan.deleted_memories)
    for memory_id, content in plan.cut_memories.items():
        await rows.correct(connection, memory_id, content, await embed(content))
    await forgetting.delete_answers(connection, plan.excluded_turns)
    await forgetting.delete_summaries(connection, plan.summary_sessions)
