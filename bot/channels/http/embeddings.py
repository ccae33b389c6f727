"""The endpoint of embeddings: the vectors that the mind's own library and memories are compared with."""

from __future__ import annotations

import asyncio
import base64
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field
from starlette.requests import Request

from bot.channels.http.api import api_of
from bot.channels.http.api_client import client_of
from bot.channels.http.errors import BadRequest, EmbeddingsNotReady, ModelsTooSlow
from bot.channels.http.request_models import Identifier, RequestModel
from bot.channels.http.response_models import Embedding, EmbeddingList, EmbeddingUsage
from inference.embedding import Embedder

EMBEDDINGS_PATH: Final = "/v1/embeddings"
MAX_TEXTS: Final = 2048
"""Texts of one request, as with OpenAI."""
MAX_CHARACTERS: Final = 400_000
"""Characters of all texts of one request."""
_BATCH_SIZE: Final = 32
"""Texts embedded at once: between two batches others have their turn."""
_TIMEOUT: Final = 120.0
"""Seconds that one request may take, the loading of the model included."""

Text = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]
Texts = Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]


def _to_texts(given: object) -> object:
    return [given] if isinstance(given, str) else given


class EmbeddingsRequest(RequestModel):
    """Texts to be embedded. Fields that are not listed are ignored."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "embedder", "input": ["How do I rest?", "Как отдыхать?"]}]}
    )

    model: Annotated[str, Field(max_length=1000)]
    """Any name: the mind has one embedding model, which the response names."""
    input: Annotated[Texts, BeforeValidator(_to_texts, json_schema_input_type=Text | Texts)]
    """A text or several; token ids are refused, since they are another model's."""
    encoding_format: Literal["float", "base64"] | None = None
    """`base64`: little-endian 32-bit floats."""
    dimensions: Annotated[int, Field(ge=1)] | None = None
    """The vectors' length, which is the model's: any other is refused."""
    purpose: Literal["passage", "query"] = "passage"
    """Whether the texts are searched, or what is searched for: some models tell these apart."""
    user: Identifier | None = None
    """Ignored: nothing is kept."""


async def create_embeddings(request: Request, embeddings_request: EmbeddingsRequest) -> EmbeddingList:
    """Vectors of texts, of unit length, from the mind's embedding model.

    Raises:
        EmbeddingsNotReady: this process has no such model.
        ModelsTooSlow: it took too long.
        BadRequest: what is asked for is not the model's, or too much.
        DatabaseError: the tokens could not be counted.
    """
    api = api_of(request)
    embedder, engine = api.embedder, api.engine
    if embedder is None or engine is None:
        raise EmbeddingsNotReady
    texts = embeddings_request.input
    if sum(map(len, texts)) > MAX_CHARACTERS:
        raise BadRequest("input", f"all texts together may have {MAX_CHARACTERS} characters")
    try:
        async with asyncio.timeout(_TIMEOUT):
            await api.loading.wait()
            if embeddings_request.dimensions not in (None, embedder.dimensions):
                raise BadRequest("dimensions", f"the model's vectors have {embedder.dimensions} dimensions")
            vectors = await _embed(embedder, texts, embeddings_request.purpose)
            tokens = await asyncio.to_thread(lambda: sum(map(engine.tokenizer.count, texts)))
    except TimeoutError:
        raise ModelsTooSlow(_TIMEOUT) from None
    await api.clients.charge_tokens(client_of(request), tokens)
    is_base64 = embeddings_request.encoding_format == "base64"
    return EmbeddingList(
        data=[
            Embedding(index=n, embedding=_to_base64(vector) if is_base64 else vector.tolist())
            for n, vector in enumerate(vectors)
        ],
        model=embedder.name,
        usage=EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens),
    )


async def _embed(
    embedder: Embedder, texts: list[str], purpose: Literal["passage", "query"]
) -> list[np.ndarray[tuple[int], np.dtype[np.float32]]]:
    vectors: list[np.ndarray[tuple[int], np.dtype[np.float32]]] = []
    for start in range(0, len(texts), _BATCH_SIZE):
        vectors.extend(await embedder.embed(texts[start : start + _BATCH_SIZE], purpose))
    return vectors


def _to_base64(vector: np.ndarray[tuple[int], np.dtype[np.float32]]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
