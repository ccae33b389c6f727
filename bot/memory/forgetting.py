"""What goes with a memory that a person has forgotten.

The memory itself, and what repeats it: turns and episodes that say it lose their words. What was made with it before
the model's eyes may say it in other words: such a turn, and what followed it in its session, leaves the window and is
not summed up or remembered any more, and summaries of such a session are drawn anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from uuid import UUID

from bot.memory.grounding import MIN_FACT_COVERAGE, content_words, word_coverage
from bot.memory.rendering import quoted_title
from db.infra.connection import PersonConnection
from db.memory import forgetting
from db.memory import memories as rows
from db.memory.forgetting import MatchingText


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
        beginnings, fewest = [_stem_prefix(word) for word in words], math.ceil(MIN_FACT_COVERAGE * len(words))
        saying = _ids_repeating(words, await forgetting.find_turns(connection, beginnings, fewest))
        episodes = _ids_repeating(words, await forgetting.find_episodes(connection, beginnings, fewest))
    shown = quoted_title(memory.content) if is_document else memory.content
    made_with = await forgetting.turns_using_memory(connection, shown)
    if memory.source_turn_id is not None:
        if memory.kind == "summary":
            made_with |= await forgetting.summarized_turns(connection, memory.source_turn_id)
        else:
            saying.add(memory.source_turn_id)
    await forgetting.exclude_turns(connection, saying | made_with)
    await forgetting.delete_episodes(connection, episodes, saying)
    await forgetting.delete_summaries(connection, saying | made_with)
    await forgetting.erase_turns(connection, saying)
    return await rows.forget(connection, memory_id)


async def forget_all(connection: PersonConnection) -> int:
    """Delete all memories for good; how many there were. What was said so far is before nobody's eyes any more."""
    await forgetting.exclude_all_turns(connection)
    return await rows.forget_all(connection)


def _ids_repeating(words: Sequence[str], found: Iterable[MatchingText]) -> set[UUID]:
    """Those that say it: they have most of its words in some form."""
    return {one.id for one in found if word_coverage(words, content_words(one.content)) >= MIN_FACT_COVERAGE}


def _stem_prefix(word: str) -> str:
    """What every form of a word begins with (`same_word`)."""
    return word[: max(len(word) - 3, min(3, len(word)))]
