"""The endpoint that searches the library."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import Query
from starlette.requests import Request

from bot.channels.http.api import api_of
from bot.channels.http.api_client import client_of
from bot.channels.http.errors import EmbeddingsNotReady, ModelsTooSlow
from bot.channels.http.own_objects import PassageList, PassageObject
from bot.library.passage import Passage
from bot.library.retriever import collections_for_mode
from bot.minds.resolve import check_access

_TIMEOUT: Final = 60.0
"""Seconds that a search may take, the loading of the models included."""
Searched = Annotated[
    str, Query(min_length=1, max_length=2000, description="A question, or words.", examples=["rest after a run"])
]
Mode = Annotated[
    str | None,
    Query(max_length=1000, description="The mode whose collections are searched; the default is the core's."),
]
Limit = Annotated[int, Query(ge=1, le=50, description="How many passages at most.")]


async def search_library(request: Request, query: Searched, mode: Mode = None, limit: Limit = 6) -> PassageList:
    """The passages of the library that are nearest to a question, best first, in the collections of a mode.

    Raises:
        ModelNotInScope: the client's key may not use the mode.
        ModeError: there is no such mode, or it is not open to everybody.
        EmbeddingsNotReady, ModelsTooSlow: they cannot be searched now.
    """
    api = api_of(request)
    resolved = api.resolve_mode(mode or api.mind.core)
    if resolved.is_auto:
        resolved = api.resolve_mode(api.mind.core)
    client_of(request).require_model(resolved.text)
    check_access(resolved, api.mind, ())
    if api.embedder is None:
        raise EmbeddingsNotReady
    try:
        async with asyncio.timeout(_TIMEOUT):
            await api.loading.wait()
            names = collections_for_mode(api.mind, resolved)
            found = await api.library.search(query, collections=names, limit=limit) if names else []
    except TimeoutError:
        raise ModelsTooSlow(_TIMEOUT) from None
    return PassageList(mode=resolved.text, data=[_passage_object(passage) for passage in found])


def _passage_object(passage: Passage) -> PassageObject:
    return PassageObject(
        title=passage.title,
        where=passage.where,
        quote=passage.quote,
        collection=passage.collection,
        trust=str(passage.trust),
        date=passage.dated.isoformat() if passage.dated else None,
        score=passage.score,
    )
