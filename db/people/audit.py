"""What was done that an operator may have to account for: who, what, when; no texts. Entries are never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from db.infra.rows import from_row, with_columns

if TYPE_CHECKING:
    from datetime import datetime

    from db.infra.connection import Connection, PersonConnection

Action = Literal[
    "access.changed",
    "link.requested",
    "link.agreed",
    "link.completed",
    "link.declined",
    "account.unlinked",
    "data.exported",
    "memory.erased",
    "person.erased",
    "backup.started",
    "backup.restored",
    "version.promoted",
    "version.rolled_back",
    "key.created",
    "key.revoked",
]


OPERATOR: Final = UUID(int=0)
"""The actor of what was done on the command line; no person has this id."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One action of a person."""

    id: int
    at: datetime
    actor: UUID
    """The person's id, also when the person has been deleted since; or `OPERATOR`."""
    action: str
    subject: str
    """What it was done to: an access rule, another person's id; often empty."""


RECORD: Final = "INSERT INTO audit_log (actor, action, subject) VALUES ($1, $2, $3)"
LATEST: Final = with_columns(Entry, "SELECT @columns FROM read_audit_log($1) ORDER BY id DESC")


async def record(connection: PersonConnection, action: Action, subject: str = "") -> None:
    """Add an entry about what the person of this transaction does; it stands if the transaction does."""
    await connection.execute(RECORD, connection.user_id, action, subject)


async def list_latest(connection: Connection, most: int) -> list[Entry]:
    """The latest entries of everybody, the newest first; for an operator."""
    return [from_row(Entry, row) for row in await connection.fetch(LATEST, most)]
