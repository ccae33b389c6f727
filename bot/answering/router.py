"""`auto`: routes a message to the adapter with the most similar dialogues."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from bot.minds.grammar import Sum, Term
from bot.minds.resolve import ResolvedMode, resolve_mode
from consilium.single_flight import SingleFlight
from inference.adapters.manifest import AdapterKind
from inference.training.dialogues import read_dialogues

if TYPE_CHECKING:
    from pathlib import Path

    from bot.minds.mind import Mind
    from inference.embedding import Embedder

NEAREST_EXAMPLES: Final = 3
"""How many of an adapter's most similar examples count."""
CENTROID_WEIGHT: Final = 0.3
"""Weight of the similarity to the centroid of the adapter's examples; the rest is that of the nearest ones."""
MAX_MESSAGE_CHARACTERS: Final = 2000
"""Of a message; later text hardly changes its subject, and embedders cut it off anyway."""

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RoutingResult:
    """The mode that `auto` chose for one message."""

    mode: ResolvedMode
    scores: Mapping[str, float]
    """Similarity of the message to each adapter's dialogues, -1 to 1."""


@dataclass(frozen=True, slots=True)
class _ExampleIndex:
    vectors: Vectors
    """(examples, dimensions), unit length."""
    centroid: Vectors
    """(dimensions,), unit length."""

    def similarity(self, message: Vectors) -> float:
        nearest = np.sort(self.vectors @ message)[-NEAREST_EXAMPLES:].mean()
        return float((1 - CENTROID_WEIGHT) * nearest + CENTROID_WEIGHT * (self.centroid @ message))


class Router:
    """Routes messages of one mind. The adapters' dialogues are embedded once, for the first message."""

    def __init__(self, embedder: Embedder, mind: Mind, out_of_service: Collection[str] = ()) -> None:
        """Set up for a mind.

        Args:
            out_of_service: names of adapters that no message is routed to.
        """
        self._embedder = embedder
        self._mind = mind
        self._out_of_service = out_of_service
        self._index: Mapping[str, _ExampleIndex] | None = None
        self._index_flight: SingleFlight[str, Mapping[str, _ExampleIndex]] = SingleFlight()

    async def route(self, message: str) -> RoutingResult:
        """The adapter most similar to `message`; the core if none is similar enough.

        Isolated adapters are candidates only if the mind's policies allow it, adapters without dialogues never.

        Raises:
            InvalidDialogues: an adapter's dialogues cannot be read.
            EmbeddingError: the embedder cannot answer.
        """
        index = await self._get_index()
        if not index:
            return RoutingResult(resolve_mode(Sum((Term(self._mind.core),)), self._mind), {})
        [vector] = await self._embedder.embed([message[:MAX_MESSAGE_CHARACTERS]], "query")
        scores = {name: examples.similarity(vector) for name, examples in index.items()}
        best = max(scores, key=scores.__getitem__)
        if scores[best] < self._mind.policies.auto_threshold:
            best = self._mind.core
        return RoutingResult(resolve_mode(Sum((Term(best),)), self._mind), scores)

    async def _get_index(self) -> Mapping[str, _ExampleIndex]:
        if self._index is None:
            self._index = await self._index_flight.run("index", self._build_index)
        return self._index

    async def _build_index(self) -> Mapping[str, _ExampleIndex]:
        questions = await asyncio.to_thread(_load_questions, self._dialogue_files())
        if not questions:
            return {}
        vectors = await self._embedder.embed([text for texts in questions.values() for text in texts], "query")
        index: dict[str, _ExampleIndex] = {}
        start = 0
        for name, texts in questions.items():
            examples = vectors[start : start + len(texts)]
            start += len(texts)
            centroid = examples.mean(axis=0)
            index[name] = _ExampleIndex(examples, centroid / max(float(np.linalg.norm(centroid)), 1e-9))
        return index

    def _dialogue_files(self) -> dict[str, Path]:
        include_isolated = self._mind.policies.auto_isolated
        return {
            name: adapter.dialogues
            for name, adapter in self._mind.adapters.items()
            if adapter.dialogues is not None
            and name not in self._out_of_service
            and (include_isolated or adapter.kind is not AdapterKind.ISOLATED)
        }


def _load_questions(sources: Mapping[str, Path]) -> dict[str, list[str]]:
    """The questions in each adapter's dialogues; adapters without any are left out."""
    questions = {
        name: [
            question[:MAX_MESSAGE_CHARACTERS] for dialogue in read_dialogues(path) for question in dialogue.questions
        ]
        for name, path in sources.items()
    }
    return {name: texts for name, texts in questions.items() if texts}
