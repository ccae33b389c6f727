"""Dead letters: updates that could not be stored and jobs that could not be read, set aside for the operator.

They hold names and reasons, and nothing of what anybody said. Turns that are given up are not among them: they keep
their row, in the state `dead`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from db.infra.rows import from_row, with_columns

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from db.infra.connection import Connection

DeadLetterKind = Literal["update", "job"]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What was set aside."""

    id: UUID
    kind: DeadLetterKind
    source: str
    """The platform of an update, the entrypoint of a job."""
    reference: str
    """What the platform calls the update; the dedupe key of a job, which is its turn's id."""
    reason: str
    priority: int
    created_at: datetime


BURY: Final = """
    INSERT INTO dead_letters (kind, source, reference, reason, payload, priority) VALUES ($1, $2, $3, $4, $5, $6)
"""
LIST: Final = with_columns(DeadLetter, "SELECT @columns FROM dead_letters ORDER BY created_at DESC, id LIMIT $1")
FIND_BY_ID_PREFIX: Final = with_columns(
    DeadLetter, "SELECT @columns FROM dead_letters WHERE starts_with(id::text, $1) LIMIT 2"
)
COUNT: Final = "SELECT kind, count(*) AS letters FROM dead_letters GROUP BY kind"
TAKE_PAYLOAD: Final = "DELETE FROM dead_letters WHERE id = $1 RETURNING payload"


async def bury(
    connection: Connection,
    kind: DeadLetterKind,
    *,
    source: str,
    reference: str,
    reason: str,
    payload: bytes | None = None,
    priority: int = 0,
) -> None:
    """Set something aside.

    Args:
        reason: why, without anything of its content.
        payload: of a job.
    """
    await connection.execute(BURY, kind, source, reference, reason, payload, priority)


async def list_latest(connection: Connection, limit: int) -> list[DeadLetter]:
    """The latest dead letters, newest first."""
    return [from_row(DeadLetter, row) for row in await connection.fetch(LIST, limit)]


async def find_by_id_prefix(connection: Connection, id_prefix: str) -> list[DeadLetter]:
    """Dead letters whose id begins so; two at most, which is one too many."""
    return [from_row(DeadLetter, row) for row in await connection.fetch(FIND_BY_ID_PREFIX, id_prefix)]


async def count_by_kind(connection: Connection) -> dict[str, int]:
    """How many there are of each kind."""
    return {row["kind"]: int(row["letters"]) for row in await connection.fetch(COUNT)}


async def take_payload(connection: Connection, letter_id: UUID) -> bytes | None:
    """Remove a dead letter, to be processed after all; the payload of its job."""
    payload: bytes | None = await connection.fetchval(TAKE_PAYLOAD, letter_id)
    return payload
