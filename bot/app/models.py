"""The models that memory and library are compared by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bot.app.components import make_embedder, make_former_embedders, make_reranker
from bot.app.settings import Settings
from inference.embedding import Embedder, SentenceTransformerEmbedder, ServerEmbedder
from inference.embedding.reranking import CrossEncoderReranker


@dataclass(frozen=True, slots=True)
class RetrievalModels:
    """The models that texts are compared with; none in a process that answers no questions."""

    embedder: SentenceTransformerEmbedder | ServerEmbedder | None = None
    former: Sequence[Embedder] = ()
    """Those used before, for what has no vector of the present one yet. Each is loaded when it is first needed."""
    reranker: CrossEncoderReranker | None = None

    async def load(self) -> None:
        """Load the embedder and the reranker now instead of when they are first needed.

        Raises:
            ConsiliumError: what is missing or broken, and how to mend it.
        """
        if self.embedder is not None:
            await self.embedder.start()
        if self.reranker is not None:
            await self.reranker.start()


@asynccontextmanager
async def open_retrieval_models(settings: Settings) -> AsyncIterator[RetrievalModels]:
    """The models, closed on leaving. Their files are checked here; `RetrievalModels.load` reads them.

    A server's model has been asked for a vector: only from that is its length known.

    Raises:
        ConsiliumError: what is missing or broken, and how to mend it.
    """
    async with AsyncExitStack() as stack:
        embedder = await asyncio.to_thread(make_embedder, settings)
        stack.push_async_callback(embedder.close)
        former = await asyncio.to_thread(make_former_embedders, settings)
        for one in former:
            stack.push_async_callback(one.close)
        reranker = await asyncio.to_thread(make_reranker, settings)
        if reranker is not None:
            stack.push_async_callback(reranker.close)
        if settings.embedding_url is not None:
            await embedder.start()
        yield RetrievalModels(embedder, [one for one in former if one.name != embedder.name], reranker)
