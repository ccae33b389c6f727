"""The models that memory and library are compared by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bot.app.components import make_embedder, make_former_embedders, make_reranker
from bot.app.settings import Settings
from inference.embedding import Embedder
from inference.embedding.reranking import Reranker


@dataclass(frozen=True, slots=True)
class RetrievalModels:
    """What is there for comparing; in a process that answers nothing, nothing."""

    embedder: Embedder | None = None
    former: Sequence[Embedder] = ()
    """Those used before, for what has no vector of the present one yet."""
    reranker: Reranker | None = None


@asynccontextmanager
async def open_retrieval_models(settings: Settings, *, preload: bool = True) -> AsyncIterator[RetrievalModels]:
    """The models, closed on leaving. A former one is loaded only when there is something to compare by it.

    Args:
        preload: whether the others are loaded now and not when they are first needed.

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
        if preload:
            await embedder.start()
            if reranker is not None:
                await reranker.start()
        yield RetrievalModels(embedder, [one for one in former if one.name != embedder.name], reranker)
