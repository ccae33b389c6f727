"""Texts as vectors: in this process, or by a server."""

from inference.embedding.bundled import (
    BUNDLED_EMBEDDING_MODELS,
    E5_MODEL,
    MINILM_MODEL,
    default_embedding_model,
    is_installed,
    knows_language,
)
from inference.embedding.local import SentenceTransformerEmbedder, open_embedder, resolve_embedding_model
from inference.embedding.port import E5, Embedder, EmbedderStopped, LoadableEmbedder, Prefixes, Purpose
from inference.embedding.server import ServerEmbedder, connect_embedder

__all__ = [
    "BUNDLED_EMBEDDING_MODELS",
    "E5",
    "E5_MODEL",
    "MINILM_MODEL",
    "Embedder",
    "EmbedderStopped",
    "LoadableEmbedder",
    "Prefixes",
    "Purpose",
    "SentenceTransformerEmbedder",
    "ServerEmbedder",
    "connect_embedder",
    "default_embedding_model",
    "is_installed",
    "knows_language",
    "open_embedder",
    "resolve_embedding_model",
]
