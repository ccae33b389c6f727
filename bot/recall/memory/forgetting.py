"""What goes with a memory that a person has forgotten.

The memory itself, and what repeats it: turns and episodes that say it lose their words. What was made with it before
the model's eyes may say it in other words: such a turn, and what followed it in its session, leaves the window and is
not summed up or remembered any more, and summaries of such a session are drawn anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from uuid import UUID

from bot.recall.memory.notes import title_in_notes
from bot.recall.memory.support import ENOUGH, content_words, coverage
from db import forgetting
from db import memory as rows
from db.connection import PersonConnection
from db.forgetting import Wording


async def forget(connection: PersonConnection, memory_id: UUID) -> bool:
    """Delete one memory for good, with what goes with it; False when the person has no such memory."""
    memory = await rows.find(connection, memory_id)
    if memory is None:
        return False
    # A document is told apart by its name in what was made with it; its title's words may be anybody's.
    is_document = memory.kind == "document"
    words = [] if is_document else content_words(memory.content)
    saying, episodes = set[UUID](), set[UUID]()
    if words:
        beginnings, fewest = [_beginning(word) for word in words], math.ceil(ENOUGH * len(words))
        saying = _repeating(words, await forgetting.turns_with(connection, beginnings, fewest))
        episodes = _repeating(words, await forgetting.episodes_with(connection, beginnings, fewest))
    shown = title_in_notes(memory.content) if is_document else memory.content
    made_with = await forgetting.informed_by(connection, shown)
    if memory.source_turn_id is not None:
        if memory.kind == "summary":
            made_with |= await forgetting.summed_up(connection, memory.source_turn_id)
        else:
            saying.add(memory.source_turn_id)
    await forgetting.keep_out(connection, saying | made_with)
    await forgetting.drop_episodes(connection, episodes, saying)
    await forgetting.drop_summaries(connection, saying | made_with)
    await forgetting.erase(connection, saying)
    return await rows.forget(connection, memory_id)


async def forget_all(connection: PersonConnection) -> int:
    """Delete all memories for good; how many there were. What was said so far is before nobody's eyes any more."""
    await forgetting.keep_all_out(connection)
    return await rows.forget_all(connection)


def _repeating(words: Sequence[str], found: Iterable[Wording]) -> set[UUID]:
    """Those that say it: they have most of its words in some form."""
    return {one.id for one in found if coverage(words, content_words(one.content)) >= ENOUGH}


def _beginning(word: str) -> str:
    """What every form of a word begins with (`same_word`)."""
    return word[: max(len(word) - 3, min(3, len(word)))]
