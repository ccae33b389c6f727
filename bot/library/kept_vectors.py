"""Vectors of a mind's library that travel with it, so that another machine need not compute them again.

Reading five thousand answers for the first time takes two processor cores more than two minutes, all of it for vectors
that are the same everywhere. They are found by the text that they belong to and the embedder that made them: one that
is missing, or of a text that has changed, is computed as usual.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from consilium.files import write_atomically

VECTORS_FILE: Final = "vectors.safetensors"
"""In the mind's folder."""
_MAX_BYTES: Final = 1 << 30
_KEY_BYTES: Final = 16

log = structlog.get_logger(__name__)


class KeptVectors:
    """The vectors that came with a mind."""

    def __init__(self, vectors: Mapping[bytes, NDArray[np.float16]]) -> None:
        self._vectors = vectors

    def __len__(self) -> int:
        return len(self._vectors)

    def of(self, text: str) -> NDArray[np.float32] | None:
        """The vector of a text (dimensions,); None if it has none."""
        found = self._vectors.get(_key(text))
        return None if found is None else found.astype(np.float32)


def load_kept_vectors(mind: Path, embedder: str, dimensions: int) -> KeptVectors:
    """The vectors in a mind's folder that an embedder has made; none where there are none. Blocking.

    A file that cannot be read is logged and passed over: the vectors are computed then.
    """
    path = mind / VECTORS_FILE
    try:
        if not path.is_file():
            return KeptVectors({})
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("it is too large")
        with safe_open(path, framework="numpy") as file:
            if (file.metadata() or {}).get("embedder") != embedder:
                log.info("library.vectors_of_other_embedder", path=str(path), embedder=embedder)
                return KeptVectors({})
            keys, vectors = file.get_tensor("keys"), file.get_tensor("vectors")
        if keys.dtype != np.uint8 or keys.ndim != 2 or keys.shape[1] != _KEY_BYTES:
            raise ValueError("its keys are not those of its vectors")
        if vectors.dtype != np.float16 or vectors.shape != (len(keys), dimensions) or not np.isfinite(vectors).all():
            raise ValueError(f"its vectors are not {dimensions} numbers each")
    except (OSError, ValueError, SafetensorError) as error:
        log.warning("library.vectors_not_read", path=str(path), reason=error)
        return KeptVectors({})
    return KeptVectors({key.tobytes(): vector for key, vector in zip(keys, vectors, strict=True)})


def save_kept_vectors(mind: Path, embedder: str, texts: Sequence[str], vectors: Sequence[NDArray[np.float16]]) -> int:
    """Write the vectors of texts into a mind's folder, instead of those in it; how many. The same texts give the same
    bytes. Blocking.

    Raises:
        OSError: the file cannot be written.
    """
    by_key = dict(sorted((_key(text), vector) for text, vector in zip(texts, vectors, strict=True)))
    tensors = {
        "keys": np.frombuffer(b"".join(by_key), np.uint8).reshape(-1, _KEY_BYTES),
        "vectors": np.stack(list(by_key.values())) if by_key else np.empty((0, 0), np.float16),
    }
    write_atomically(mind / VECTORS_FILE, save(tensors, {"embedder": embedder}))
    return len(by_key)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:_KEY_BYTES]
