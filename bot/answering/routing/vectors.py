"""Vectors of a mind's texts. They are kept in Postgres by the hash of the text: every process embeds only new ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
import structlog
from blake3 import blake3

from bot.answering.routing.features import Vectors
from db.library import router_vectors

if TYPE_CHECKING:
    from db.infra.database import Database
    from inference.embedding import Embedder, Purpose

log = structlog.get_logger(__name__)

Text = tuple["Purpose", str]
"""A text, and what it is embedded as."""


class VectorStore(Protocol):
    """Where vectors are kept between starts."""

    async def find(self, embedder: str, digests: Collection[bytes]) -> dict[bytes, Vectors]:
        """Those that are kept, by digest."""
        ...

    async def replace(self, embedder: str, new: Mapping[bytes, Vectors], kept: Collection[bytes]) -> None:
        """Keep new ones, and delete all that are not `kept`."""
        ...


class PostgresVectors:
    """The vectors of one mind."""

    def __init__(self, database: Database, mind: str) -> None:
        self._database = database
        self._mind = mind

    async def find(self, embedder: str, digests: Collection[bytes]) -> dict[bytes, Vectors]:
        """See `VectorStore.find`."""
        async with self._database.anonymous_transaction() as connection:
            return await router_vectors.find(connection, self._mind, embedder, digests)

    async def replace(self, embedder: str, new: Mapping[bytes, Vectors], kept: Collection[bytes]) -> None:
        """See `VectorStore.replace`."""
        async with self._database.anonymous_transaction() as connection:
            if new:
                await router_vectors.save(connection, self._mind, embedder, new)
            pruned = await router_vectors.prune(connection, self._mind, embedder, kept)
        log.info("router.index_saved", mind=self._mind, embedded=len(new), pruned=pruned)


async def embed_texts(texts: Collection[Text], embedder: Embedder, store: VectorStore | None) -> dict[Text, Vectors]:
    """The vector of each text, from the store or embedded now."""
    digests = {text: blake3("\0".join(text).encode("utf-8", "surrogatepass")).digest() for text in texts}
    known = {} if store is None else await store.find(embedder.name, digests.values())
    made: dict[bytes, Vectors] = {}
    for purpose in sorted({purpose for purpose, _ in texts}):
        new = [text for text in texts if text[0] == purpose and digests[text] not in known]
        if new:
            vectors = await embedder.embed([content for _, content in new], purpose)
            # As they come back from the store: all processes must choose alike.
            rounded = vectors.astype(np.float16).astype(np.float32)
            made |= {digests[text]: vector for text, vector in zip(new, rounded, strict=True)}
    if store is not None:
        await store.replace(embedder.name, made, digests.values())
    known |= made
    return {text: known[digest] for text, digest in digests.items()}
