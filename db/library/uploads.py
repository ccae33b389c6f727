"""Documents that came in a chat for a mind's library, as they were sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.infra.rows import from_row, with_columns
from db.library.embeddings import INDEX_BUILD_TIMEOUT

if TYPE_CHECKING:
    from datetime import datetime

    from db.infra.connection import Connection


@dataclass(frozen=True, slots=True)
class Upload:
    """One of them, without its content."""

    name: str
    """What it is known by in its mind: sent again under it, it takes the former's place."""
    digest: str
    received_at: datetime


LIST_ALL: Final = with_columns(Upload, "SELECT @columns FROM received WHERE mind = $1 ORDER BY name")
LOAD_CONTENT: Final = "SELECT content FROM received WHERE mind = $1 AND name = $2"
LOCK_DIGEST: Final = "SELECT digest FROM received WHERE mind = $1 AND name = $2 FOR UPDATE"
SAVE: Final = """
    INSERT INTO received (mind, name, digest, content) VALUES ($1, $2, $3, $4)
    ON CONFLICT (mind, name) DO UPDATE SET
        digest = excluded.digest, content = excluded.content, received_at = now()
"""
DELETE: Final = "DELETE FROM received WHERE mind = $1 AND name = $2"


async def list_all(connection: Connection, mind: str) -> list[Upload]:
    """Those of a mind, by name."""
    return [from_row(Upload, row) for row in await connection.fetch(LIST_ALL, mind)]


async def load_content(connection: Connection, mind: str, name: str) -> bytes | None:
    """What was sent; None when it is not there any more."""
    found: bytes | None = await connection.fetchval(LOAD_CONTENT, mind, name)
    return found


async def lock_digest(connection: Connection, mind: str, name: str) -> str | None:
    """Of the document that is there under a name, which stays it until this transaction ends; None if there is none."""
    found: str | None = await connection.fetchval(LOCK_DIGEST, mind, name)
    return found


async def save(connection: Connection, mind: str, name: str, digest: str, content: bytes) -> None:
    """Keep a document, in the place of the one that has its name."""
    await connection.execute(SAVE, mind, name, digest, content, deadline=INDEX_BUILD_TIMEOUT)


async def delete(connection: Connection, mind: str, name: str) -> bool:
    """Delete a document; False when it was not there."""
    return await connection.execute(DELETE, mind, name) > 0
