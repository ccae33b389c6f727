"""Texts as vectors: the port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from consilium.errors import N_
from inference.errors import InferenceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

Purpose = Literal["passage", "query"]


class EmbedderStopped(InferenceError):
    """An embedder was asked for vectors after it was closed."""

    sentence = N_("The embedding model has been shut down.")
    remedy = N_("Send the message again once the service is back.")

    def __init__(self) -> None:
        super().__init__()


class Embedder(Protocol):
    """Turns texts into vectors whose dot products say how near the texts are in meaning."""

    @property
    def name(self) -> str:
        """Model and version. Kept with the vectors: those of different names cannot be compared."""
        ...

    @property
    def dimensions(self) -> int: ...

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        """Vectors of unit length, in the texts' order: float32 (texts, dimensions).

        `purpose` tells what is searched for (`query`) from what is searched (`passage`), where the model minds.
        A text too long for the model is read in windows, whose mean is its vector; an empty one is allowed.
        """
        ...

    async def close(self) -> None:
        """Release the model and its thread. Idempotent."""
        ...


class LoadableEmbedder(Embedder, Protocol):
    """An embedder that can be made ready before its first text."""

    async def start(self) -> None:
        """Load the model, or see that its server answers.

        Raises:
            InferenceError: it is missing or broken, or the server does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What a model wants written before a text, by its purpose."""

    passage: str = ""
    query: str = ""


E5 = Prefixes(passage="passage: ", query="query: ")


def default_prefixes(model: str) -> Prefixes:
    """What a model wants before its texts, by its name: E5's for one of that family, else nothing."""
    return E5 if "e5-" in model.lower() else Prefixes()
