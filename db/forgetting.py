"""What goes with a memory that is forgotten: the words it was told in, and all that may have been made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from db.rows import read, sql

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from db.connection import PersonConnection


@dataclass(frozen=True, slots=True)
class Wording:
    """Words that are kept of a person, in a turn or an episode, and where."""

    id: UUID
    content: str


# Words are looked for by their beginnings, and by enough of them: what is found is read more closely afterwards.
_HOLDS: Final = """
    (SELECT count(*) FROM unnest($2::text[]) AS w (beginning)
     WHERE strpos(translate(lower(content), 'ё', 'е'), beginning) > 0) >= $3
"""
TURNS: Final = sql(
    Wording,
    f"""
    SELECT @columns FROM (
        SELECT id, text AS content FROM turns,
            unnest(ARRAY[question, answer, voices::text, said::text]) AS text
        WHERE user_id = $1 AND text IS NOT NULL
    ) AS kept
    WHERE {_HOLDS}
    """,  # noqa: S608  # built of constants
)
EPISODES: Final = sql(
    Wording,
    f"SELECT @columns FROM memories WHERE user_id = $1 AND kind = 'episode' AND {_HOLDS}",  # noqa: S608
)
# What is being answered at this moment may have the memory before its eyes.
INFORMED: Final = """
    SELECT id FROM turns
    WHERE user_id = $1 AND kind = 'question' AND (
        state IN ('thinking', 'answering')
        OR EXISTS (SELECT FROM jsonb_array_elements_text(recalled) AS note WHERE strpos(note, $2) > 0)
    )
"""
SUMMED_UP: Final = """
    SELECT t.id FROM turns AS t JOIN turns AS last ON last.session_id = t.session_id AND t.seq <= last.seq
    WHERE last.id = $2 AND t.user_id = $1
"""
ERASE: Final = """
    UPDATE turns
    SET question = '', answer = NULL, said = NULL, voices = NULL, sources = '[]', recalled = '[]', files = NULL,
        taken = NULL, forgotten = true
    WHERE user_id = $1 AND id = ANY ($2) AND state IN ('delivered', 'stopped', 'failed')
"""
# Of a question that has not been taken up nothing is known to anybody yet.
KEEP_OUT: Final = """
    UPDATE turns AS t SET forgotten = true, recalled = CASE WHEN t.id = ANY ($2) THEN '[]' ELSE recalled END
    FROM (
        SELECT session_id, min(seq) AS first FROM turns
        WHERE user_id = $1 AND id = ANY ($2) AND kind = 'question'
        GROUP BY session_id
    ) AS since
    WHERE t.user_id = $1 AND t.session_id = since.session_id AND t.seq >= since.first
        AND t.kind = 'question' AND t.state <> 'accepted'
"""
KEEP_ALL_OUT: Final = """
    UPDATE turns SET forgotten = true, recalled = '[]'
    WHERE user_id = $1 AND kind = 'question' AND state <> 'accepted' AND NOT forgotten
"""
DROP_EPISODES: Final = """
    DELETE FROM memories
    WHERE user_id = $1 AND kind = 'episode'
        AND (
            id = ANY ($2) OR source_turn_id = ANY ($3)
            OR (voice = 'mind' AND source_turn_id IN (SELECT id FROM turns WHERE user_id = $1 AND forgotten))
        )
"""
DROP_SUMMARIES: Final = """
    DELETE FROM memories
    WHERE user_id = $1 AND kind = 'summary'
        AND session_id IN (SELECT session_id FROM turns WHERE user_id = $1 AND id = ANY ($2))
"""
IS_FORGOTTEN: Final = "SELECT id FROM turns WHERE user_id = $1 AND id = ANY ($2) AND forgotten"
HOLD: Final = "SELECT FROM turns WHERE user_id = $1 AND id = ANY ($2) ORDER BY id FOR SHARE"


async def turns_with(connection: PersonConnection, beginnings: Sequence[str], fewest: int) -> list[Wording]:
    """Words of the person's turns, whoever said them, in which at least `fewest` of these occur, in lower case."""
    rows = await connection.fetch(TURNS, connection.user_id, list(beginnings), fewest)
    return [read(Wording, row) for row in rows]


async def episodes_with(connection: PersonConnection, beginnings: Sequence[str], fewest: int) -> list[Wording]:
    """The same of what is remembered of his conversations."""
    rows = await connection.fetch(EPISODES, connection.user_id, list(beginnings), fewest)
    return [read(Wording, row) for row in rows]


async def informed_by(connection: PersonConnection, content: str) -> set[UUID]:
    """The person's turns that were answered with this memory, or may be at this moment."""
    return {row["id"] for row in await connection.fetch(INFORMED, connection.user_id, content)}


async def summed_up(connection: PersonConnection, last: UUID) -> set[UUID]:
    """The turns that a summary stands for, up to its last one."""
    return {row["id"] for row in await connection.fetch(SUMMED_UP, connection.user_id, last)}


async def erase(connection: PersonConnection, turn_ids: Collection[UUID]) -> None:
    """Delete what was said in turns; that there were such turns stays."""
    await connection.execute(ERASE, connection.user_id, list(turn_ids))


async def keep_out(connection: PersonConnection, turn_ids: Collection[UUID]) -> None:
    """Have no prompt, summary or memory made of these turns, nor of what followed them in their sessions, which was
    said with them in view."""
    await connection.execute(KEEP_OUT, connection.user_id, list(turn_ids))


async def keep_all_out(connection: PersonConnection) -> None:
    """Have nothing made any more of whatever was said so far."""
    await connection.execute(KEEP_ALL_OUT, connection.user_id)


async def drop_episodes(connection: PersonConnection, ids: Collection[UUID], turn_ids: Collection[UUID]) -> None:
    """Delete these episodes, those of the turns, and the answers of all turns that are kept out: they may say in other
    words what was before the model's eyes."""
    await connection.execute(DROP_EPISODES, connection.user_id, list(ids), list(turn_ids))


async def drop_summaries(connection: PersonConnection, turn_ids: Collection[UUID]) -> None:
    """Delete the summaries of the turns' sessions."""
    await connection.execute(DROP_SUMMARIES, connection.user_id, list(turn_ids))


async def is_forgotten(connection: PersonConnection, turn_ids: Collection[UUID]) -> bool:
    """Whether any of the turns is to be kept out of memory. Until the transaction ends none of them comes to be."""
    await connection.fetch(HOLD, connection.user_id, list(turn_ids))
    return bool(await connection.fetch(IS_FORGOTTEN, connection.user_id, list(turn_ids)))
