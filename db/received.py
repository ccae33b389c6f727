"""Documents that came in a chat for a mind's library, as they were sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.embeddings import PATIENCE
from db.rows import read, sql

if TYPE_CHECKING:
    from datetime import datetime

    from db.connection import Connection


@dataclass(frozen=True, slots=True)
class Received:
    """One of them, without its content."""

    name: str
    """What it is known by in its mind: sent again under it, it takes the former's place."""
    digest: str
    received_at: datetime


ALL: Final = sql(Received, "SELECT @columns FROM received WHERE mind = $1 ORDER BY name")
CONTENT: Final = "SELECT content FROM received WHERE mind = $1 AND name = $2"
DIGEST: Final = "SELECT digest FROM received WHERE mind = $1 AND name = $2 FOR UPDATE"
PUT: Final = """
    INSERT INTO received (mind, name, digest, content) VALUES ($1, $2, $3, $4)
    ON CONFLICT (mind, name) DO UPDATE SET
        digest = excluded.digest, content = excluded.content, received_at = now()
"""
DROP: Final = "DELETE FROM received WHERE mind = $1 AND name = $2"


async def all_of(connection: Connection, mind: str) -> list[Received]:
    """Those of a mind, by name."""
    return [read(Received, row) for row in await connection.fetch(ALL, mind)]


async def content(connection: Connection, mind: str, name: str) -> bytes | None:
    """What was sent; None when it is not there any more."""
    found: bytes | None = await connection.fetchval(CONTENT, mind, name)
    return found


async def digest(connection: Connection, mind: str, name: str) -> str | None:
    """Of the document that is there under a name, which stays it until this transaction ends; None if there is none."""
    found: str | None = await connection.fetchval(DIGEST, mind, name)
    return found


async def put(connection: Connection, mind: str, name: str, digest_of_it: str, sent: bytes) -> None:
    """Keep a document, in the place of the one that has its name."""
    await connection.execute(PUT, mind, name, digest_of_it, sent, deadline=PATIENCE)


async def drop(connection: Connection, mind: str, name: str) -> bool:
    """Delete a document; False when it was not there."""
    return await connection.execute(DROP, mind, name) > 0
