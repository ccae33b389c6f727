"""Deletes a memory and everything that repeats it.

Turns and episodes with the same content lose their text. An answer that had the memory in its prompt may repeat it in
other words. So such a turn and all later turns of its session leave the window: they are no longer shown to the model,
remembered or summarised, and the session's summary is written again without them.
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
    """Delete one memory and what repeats it, permanently. False if the person has no such memory."""
    memory = await rows.find(connection, memory_id)
    if memory is None:
        return False
    # Turns that used a document have its name in quotation marks. The words of the name alone may mean anything.
    is_document = memory.kind == "document"
    words = [] if is_document else content_words(memory.content)
    repeating_turns, repeating_episodes = set[UUID](), set[UUID]()
    if words:
        prefixes, min_words = [_stem_prefix(word) for word in words], math.ceil(MIN_FACT_COVERAGE * len(words))
        repeating_turns = _ids_repeating(words, await forgetting.find_turns(connection, prefixes, min_words))
        repeating_episodes = _ids_repeating(words, await forgetting.find_episodes(connection, prefixes, min_words))
    prompt_text = quoted_title(memory.content) if is_document else memory.content
    using_turns = await forgetting.turns_using_memory(connection, prompt_text)
    if memory.source_turn_id is not None:
        if memory.kind == "summary":
            using_turns |= await forgetting.summarized_turns(connection, memory.source_turn_id)
        else:
            repeating_turns.add(memory.source_turn_id)
    await forgetting.exclude_turns(connection, repeating_turns | using_turns)
    await forgetting.delete_episodes(connection, repeating_episodes, repeating_turns)
    await forgetting.delete_summaries(connection, repeating_turns | using_turns)
    await forgetting.erase_turns(connection, repeating_turns)
    return await rows.forget(connection, memory_id)


async def forget_all(connection: PersonConnection) -> int:
    """Delete all memories permanently, and return their number. No earlier turn is shown to the model again."""
    await forgetting.exclude_all_turns(connection)
    return await rows.forget_all(connection)


def _ids_repeating(words: Sequence[str], texts: Iterable[MatchingText]) -> set[UUID]:
    """Ids of the texts that have most of the words, in any form."""
    return {text.id for text in texts if word_coverage(words, content_words(text.content)) >= MIN_FACT_COVERAGE}


def _stem_prefix(word: str) -> str:
    """The beginning that all forms of a word have (`is_same_word_form`)."""
    return word[: max(len(word) - 3, min(3, len(word)))]
