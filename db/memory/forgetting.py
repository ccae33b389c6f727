"""What is deleted with a forgotten memory: the words that said it, and everything derived from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from db.infra.rows import from_row, with_columns

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from db.infra.connection import PersonConnection


@dataclass(frozen=True, slots=True)
class MatchingText:
    """Words that are kept of a person, in a turn or an episode, and where."""

    id: UUID
    content: str


# Words are looked for by their beginnings, and by enough of them: what is found is read more closely afterwards.
_CONTAINS_PREFIXES: Final = """
    (SELECT count(*) FROM unnest($2::text[]) AS w (beginning)
     WHERE strpos(translate(lower(content), 'ё', 'е'), beginning) > 0) >= $3
"""
FIND_TURNS: Final = with_columns(
    MatchingText,
    f"""
    SELECT @columns FROM (
        SELECT id, text AS content FROM turns,
            unnest(ARRAY[question, answer, voices::text, said::text]) AS text
        WHERE user_id = $1 AND text IS NOT NULL
    ) AS kept
    WHERE {_CONTAINS_PREFIXES}
    """,  # noqa: S608  # built of constants
)
FIND_EPISODES: Final = with_columns(
    MatchingText,
    f"SELECT @columns FROM memories WHERE user_id = $1 AND kind = 'episode' AND {_CONTAINS_PREFIXES}",  # noqa: S608
)
# What is being answered at this moment may have the memory before its eyes.
TURNS_USING_MEMORY: Final = """
    SELECT id FROM turns
    WHERE user_id = $1 AND kind = 'question' AND (
        state IN ('thinking', 'answering')
        OR EXISTS (SELECT FROM jsonb_array_elements_text(recalled) AS note WHERE strpos(note, $2) > 0)
    )
"""
SUMMARIZED_TURNS: Final = """
    SELECT t.id FROM turns AS t JOIN turns AS last ON last.session_id = t.session_id AND t.seq <= last.seq
    WHERE last.id = $2 AND t.user_id = $1
"""
ERASE_TURNS: Final = """
    UPDATE turns
    SET question = '', answer = NULL, said = NULL, voices = NULL, sources = '[]', recalled = '[]', files = NULL,
        taken = NULL, routing = NULL, forgotten = true
    WHERE user_id = $1 AND id = ANY ($2) AND state IN ('delivered', 'stopped', 'failed', 'dead')
"""
# A question that no worker has claimed has left no trace yet.
EXCLUDE_TURNS: Final = """
    UPDATE turns AS t SET forgotten = true, recalled = CASE WHEN t.id = ANY ($2) THEN '[]' ELSE recalled END
    FROM (
        SELECT session_id, min(seq) AS first FROM turns
        WHERE user_id = $1 AND id = ANY ($2) AND kind = 'question'
        GROUP BY session_id
    ) AS since
    WHERE t.user_id = $1 AND t.session_id = since.session_id AND t.seq >= since.first
        AND t.kind = 'question' AND t.state <> 'accepted'
"""
EXCLUDE_ALL_TURNS: Final = """
    UPDATE turns SET forgotten = true, recalled = '[]'
    WHERE user_id = $1 AND kind = 'question' AND state <> 'accepted' AND NOT forgotten
"""
DELETE_EPISODES: Final = """
    DELETE FROM memories
    WHERE user_id = $1 AND kind = 'episode'
        AND (
            id = ANY ($2) OR source_turn_id = ANY ($3)
            OR (voice = 'mind' AND source_turn_id IN (SELECT id FROM turns WHERE user_id = $1 AND forgotten))
        )
"""
DELETE_SUMMARIES: Final = """
    DELETE FROM memories
    WHERE user_id = $1 AND kind = 'summary'
        AND session_id IN (SELECT session_id FROM turns WHERE user_id = $1 AND id = ANY ($2))
"""
FIND_FORGOTTEN: Final = "SELECT id FROM turns WHERE user_id = $1 AND id = ANY ($2) AND forgotten"
LOCK_TURNS: Final = "SELECT FROM turns WHERE user_id = $1 AND id = ANY ($2) ORDER BY id FOR SHARE"


async def find_turns(connection: PersonConnection, prefixes: Sequence[str], min_matches: int) -> list[MatchingText]:
    """Texts of the person's turns, by any speaker, that contain at least `fewest` of these lower-case words."""
    rows = await connection.fetch(FIND_TURNS, connection.user_id, list(prefixes), min_matches)
    return [from_row(MatchingText, row) for row in rows]


async def find_episodes(connection: PersonConnection, prefixes: Sequence[str], min_matches: int) -> list[MatchingText]:
    """The same for what is remembered of their conversations."""
    rows = await connection.fetch(FIND_EPISODES, connection.user_id, list(prefixes), min_matches)
    return [from_row(MatchingText, row) for row in rows]


async def turns_using_memory(connection: PersonConnection, content: str) -> set[UUID]:
    """The person's turns that were answered with this memory, or may be at this moment."""
    return {row["id"] for row in await connection.fetch(TURNS_USING_MEMORY, connection.user_id, content)}


async def summarized_turns(connection: PersonConnection, last_turn_id: UUID) -> set[UUID]:
    """The turns that a summary covers, up to its last one."""
    return {row["id"] for row in await connection.fetch(SUMMARIZED_TURNS, connection.user_id, last_turn_id)}


async def erase_turns(connection: PersonConnection, turn_ids: Collection[UUID]) -> None:
    """Delete the text of turns; the turns themselves stay."""
    await connection.execute(ERASE_TURNS, connection.user_id, list(turn_ids))


async def exclude_turns(connection: PersonConnection, turn_ids: Collection[UUID]) -> None:
    """Exclude these turns, and what followed them in their sessions, from later prompts, summaries and memories."""
    await connection.execute(EXCLUDE_TURNS, connection.user_id, list(turn_ids))


async def exclude_all_turns(connection: PersonConnection) -> None:
    """Exclude everything said so far from later prompts, summaries and memories."""
    await connection.execute(EXCLUDE_ALL_TURNS, connection.user_id)


async def delete_episodes(connection: PersonConnection, ids: Collection[UUID], turn_ids: Collection[UUID]) -> None:
    """Delete these episodes, those of the turns, and the answers of all turns that are kept out: they may say in other
    words what was before the model's eyes."""
    await connection.execute(DELETE_EPISODES, connection.user_id, list(ids), list(turn_ids))


async def delete_summaries(connection: PersonConnection, turn_ids: Collection[UUID]) -> None:
    """Delete the summaries of the turns' sessions."""
    await connection.execute(DELETE_SUMMARIES, connection.user_id, list(turn_ids))


async def any_forgotten(connection: PersonConnection, turn_ids: Collection[UUID]) -> bool:
    """Whether any of the turns is to be kept out of memory. Until the transaction ends none of them comes to be."""
    await connection.fetch(LOCK_TURNS, connection.user_id, list(turn_ids))
    return bool(await connection.fetch(FIND_FORGOTTEN, connection.user_id, list(turn_ids)))
