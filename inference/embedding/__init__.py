"""Texts as vectors: in this process, or by a server."""

from inference.embedding.local import (
    BUNDLED_EMBEDDING_MODEL,
    SentenceTransformerEmbedder,
    open_embedder,
    resolve_embedding_model,
)
from inference.embedding.port import E5, Embedder, EmbedderStopped, Prefixes, Purpose
from inference.embedding.server import ServerEmbedder

__all__ = [
    "BUNDLED_EMBEDDING_MODEL",
    "E5",
    "Embedder",
    "EmbedderStopped",
    "Prefixes",
    "Purpose",
    "SentenceTransformerEmbedder",
    "ServerEmbedder",
    "open_embedder",
    "resolve_embedding_model",
]
