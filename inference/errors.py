"""The branch of the error tree that grows from models and adapters."""

from __future__ import annotations

from consilium.errors import ConsiliumError


class InferenceError(ConsiliumError):
    """Root of what goes wrong with engines, adapters, embeddings and training."""
