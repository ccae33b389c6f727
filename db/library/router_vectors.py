"""Vectors of the texts that `auto` compares messages with, by mind, embedder and the hash of the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from pgvector import HalfVector

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from db.infra.connection import Connection

FIND: Final = """
    SELECT digest, embedding FROM router_vectors WHERE mind = $1 AND embedder = $2 AND digest = ANY ($3::bytea[])
"""
SAVE: Final = """
    INSERT INTO router_vectors (mind, embedder, digest, embedding)
    SELECT $1, $2, new.digest, new.embedding FROM unnest($3::bytea[], $4::halfvec[]) AS new (digest, embedding)
    ORDER BY new.digest
    ON CONFLICT DO NOTHING
"""
PRUNE: Final = """
    DELETE FROM router_vectors
    WHERE mind = $1 AND (embedder <> $2 OR NOT digest = ANY ($3::bytea[]))
"""


async def find(
    connection: Connection, mind: str, embedder: str, digests: Collection[bytes]
) -> dict[bytes, NDArray[np.float32]]:
    """The vectors that are kept, by digest."""
    rows = await connection.fetch(FIND, mind, embedder, list(digests))
    return {row["digest"]: row["embedding"].to_numpy().astype(np.float32) for row in rows}


async def save(connection: Connection, mind: str, embedder: str, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
    """Keep vectors; those that another process has kept meanwhile stay. They are rounded to half precision."""
    halves = [HalfVector(vector) for vector in vectors.values()]
    await connection.execute(SAVE, mind, embedder, list(vectors), halves)


async def prune(connection: Connection, mind: str, embedder: str, kept: Collection[bytes]) -> int:
    """Delete the mind's vectors of other texts and embedders; how many there were."""
    return await connection.execute(PRUNE, mind, embedder, list(kept))
