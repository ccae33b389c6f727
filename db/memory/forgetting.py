"""What is kept of a person's words, read to be searched, and what is deleted of it with a forgotten memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from db.infra.rows import JSONB, from_row, with_columns
from db.memory.memories import MemoryKind, Voice

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from db.infra.connection import PersonConnection


@dataclass(frozen=True, slots=True)
class TurnTexts:
    """A turn, and every text that is kept in it."""

    id: UUID
    session_id: UUID
    seq: int
    kind: Literal["question", "command"]
    is_over: bool
    """Whether it has ended: no process writes to it any more."""
    question: str
    answer: str | None
    error: str | None
    created_at: datetime
    voices: dict[str, Any] | None = field(metadata=JSONB)
    said: dict[str, Any] | None = field(metadata=JSONB)
    quotations: list[dict[str, Any]] | None = field(metadata=JSONB)
    recalled: list[str] = field(metadata=JSONB)
    rating_comment: str | None = None
    """What the person said of the answer."""


@dataclass(frozen=True, slots=True)
class MemoryTexts:
    """A memory without its vector."""

    id: UUID
    kind: MemoryKind
    content: str
    voice: Voice
    source_turn_id: UUID | None
    session_id: UUID | None
    title: str | None
    place: str | None
    valid_from: datetime


@dataclass(frozen=True, slots=True)
class KeptQuestion:
    """What is left of a turn's question, and what may be remembered of it."""

    question: str
    forgotten: bool
    """Whether its answer is to be kept out of memory."""
    remembered: bool
    """Whether the turn has been remembered, or is not to be."""


@dataclass(frozen=True, slots=True)
class TurnErasure:
    """What is deleted of a turn."""

    turn_id: UUID
    question: str | None
    """What is left of the question, or all of it; None: it stays as it is."""
    with_answer: bool
    """Whether the answer is deleted."""
    with_quotations: bool
    """Whether what the question quotes is deleted."""

    @classmethod
    def of_all(cls, turn_id: UUID) -> TurnErasure:
        """Of everything."""
        return cls(turn_id, "", with_answer=True, with_quotations=True)


LIST_TURNS: Final = with_columns(
    TurnTexts,
    """
    SELECT @columns FROM (
        SELECT *, state IN ('delivered', 'stopped', 'failed', 'dead') AS is_over FROM turns WHERE user_id = $1
    ) AS turns
    ORDER BY session_id, seq
    """,
)
LIST_MEMORIES: Final = with_columns(
    MemoryTexts, "SELECT @columns FROM memories WHERE user_id = $1 ORDER BY created_at, id"
)
ERASE_TURNS: Final = """
    UPDATE turns AS t
    SET question = coalesce(gone.question, t.question),
        answer = CASE WHEN gone.with_answer THEN NULL ELSE t.answer END,
        said = CASE WHEN gone.with_answer THEN NULL ELSE t.said END,
        voices = CASE WHEN gone.with_answer THEN NULL ELSE t.voices END,
        sources = CASE WHEN gone.with_answer THEN '[]' ELSE t.sources END,
        error = CASE WHEN gone.with_answer THEN NULL ELSE t.error END,
        routing = CASE WHEN gone.with_answer THEN NULL ELSE t.routing END,
        files = CASE WHEN gone.question = '' THEN NULL ELSE t.files END,
        taken = CASE WHEN gone.question = '' THEN NULL ELSE t.taken END,
        quotations = CASE WHEN gone.with_quotations THEN NULL ELSE t.quotations END,
        recalled = '[]', forgotten = true
    FROM unnest($2::uuid[], $3::text[], $4::boolean[], $5::boolean[])
        AS gone (id, question, with_answer, with_quotations)
    WHERE t.user_id = $1 AND t.id = gone.id AND t.state IN ('delivered', 'stopped', 'failed', 'dead')
"""
# Whoever answers it has read it already, and does not keep the answer (`db.turns.states`). The reply to a command is
# kept until it has been shown: it may have to be shown again.
ERASE_UNDER_WAY: Final = """
    UPDATE turns AS t
    SET question = CASE WHEN t.kind = 'command' THEN t.question ELSE coalesce(gone.question, t.question) END,
        quotations = CASE WHEN gone.with_quotations THEN NULL ELSE t.quotations END,
        recalled = '[]', forgotten = true
    FROM unnest($2::uuid[], $3::text[], $4::boolean[]) AS gone (id, question, with_quotations)
    WHERE t.user_id = $1 AND t.id = gone.id
        AND (t.state = 'answering' OR t.kind = 'question' AND t.state IN ('accepted', 'thinking'))
"""
# A question that no worker has claimed has left no trace yet.
EXCLUDE_TURNS: Final = """
    UPDATE turns SET forgotten = true, recalled = CASE WHEN id = ANY ($3) THEN '[]' ELSE recalled END
    WHERE user_id = $1 AND id = ANY ($2) AND kind = 'question' AND state <> 'accepted'
"""
# Nothing of these turns is to be remembered any more, not even the question.
EXCLUDE_ALL_TURNS: Final = """
    UPDATE turns SET forgotten = true, remembered = true, recalled = '[]'
    WHERE user_id = $1 AND kind = 'question' AND state <> 'accepted' AND NOT (forgotten AND remembered)
"""
DELETE_MEMORIES: Final = "DELETE FROM memories WHERE user_id = $1 AND id = ANY ($2)"
DELETE_ANSWERS_OF_TURNS: Final = """
    DELETE FROM memories
    WHERE user_id = $1 AND kind = 'episode' AND voice = 'mind' AND source_turn_id = ANY ($2)
"""
DELETE_SUMMARIES: Final = "DELETE FROM memories WHERE user_id = $1 AND kind = 'summary' AND session_id = ANY ($2)"
FIND_FORGOTTEN: Final = "SELECT id FROM turns WHERE user_id = $1 AND id = ANY ($2) AND forgotten"
LOCK_QUESTION: Final = with_columns(KeptQuestion, "SELECT @columns FROM turns WHERE user_id = $1 AND id = $2 FOR SHARE")
LOCK_TURNS: Final = "SELECT FROM turns WHERE user_id = $1 AND id = ANY ($2) ORDER BY id FOR SHARE"


async def list_turns(connection: PersonConnection) -> list[TurnTexts]:
    """All turns of the person, by session and in their order."""
    return [from_row(TurnTexts, row) for row in await connection.fetch(LIST_TURNS, connection.user_id)]


async def list_memories(connection: PersonConnection) -> list[MemoryTexts]:
    """All memories of the person, also those that no longer hold, oldest first."""
    return [from_row(MemoryTexts, row) for row in await connection.fetch(LIST_MEMORIES, connection.user_id)]


async def erase_turns(connection: PersonConnection, erasures: Sequence[TurnErasure]) -> None:
    """Delete text of turns; the turns themselves stay. Of those that are under way the question goes at once, and the
    answer when it has been shown."""
    await connection.execute(
        ERASE_UNDER_WAY,
        connection.user_id,
        [erasure.turn_id for erasure in erasures],
        [erasure.question for erasure in erasures],
        [erasure.with_quotations for erasure in erasures],
    )
    await connection.execute(
        ERASE_TURNS,
        connection.user_id,
        [erasure.turn_id for erasure in erasures],
        [erasure.question for erasure in erasures],
        [erasure.with_answer for erasure in erasures],
        [erasure.with_quotations for erasure in erasures],
    )


async def exclude_turns(
    connection: PersonConnection, turn_ids: Collection[UUID], clear_recalled: Collection[UUID]
) -> None:
    """Exclude these turns from later prompts, summaries and memories.

    Args:
        clear_recalled: those of them whose list of recalled memories is deleted.
    """
    await connection.execute(EXCLUDE_TURNS, connection.user_id, list(turn_ids), list(clear_recalled))


async def exclude_all_turns(connection: PersonConnection) -> None:
    """Exclude everything said so far from later prompts, summaries and memories."""
    await connection.execute(EXCLUDE_ALL_TURNS, connection.user_id)


async def delete_memories(connection: PersonConnection, ids: Collection[UUID]) -> int:
    """Delete these memories, with the passages of documents; how many there were."""
    return await connection.execute(DELETE_MEMORIES, connection.user_id, list(ids))


async def delete_answers(connection: PersonConnection, turn_ids: Collection[UUID]) -> None:
    """Delete what is remembered of the answers of these turns: they may say in other words what was before the model's
    eyes."""
    await connection.execute(DELETE_ANSWERS_OF_TURNS, connection.user_id, list(turn_ids))


async def delete_summaries(connection: PersonConnection, session_ids: Collection[UUID]) -> None:
    """Delete the summaries of these sessions."""
    await connection.execute(DELETE_SUMMARIES, connection.user_id, list(session_ids))


async def lock_question(connection: PersonConnection, turn_id: UUID) -> KeptQuestion | None:
    """The question of a turn as it is now, and stays until the transaction ends; None if there is no such turn."""
    row = await connection.fetchrow(LOCK_QUESTION, connection.user_id, turn_id)
    return from_row(KeptQuestion, row) if row is not None else None


async def any_forgotten(connection: PersonConnection, turn_ids: Collection[UUID]) -> bool:
    """Whether any of the turns is to be kept out of memory. Until the transaction ends none of them comes to be."""
    await connection.fetch(LOCK_TURNS, connection.user_id, list(turn_ids))
    return bool(await connection.fetch(FIND_FORGOTTEN, connection.user_id, list(turn_ids)))
