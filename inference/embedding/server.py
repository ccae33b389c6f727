"""An embedder over HTTP: any server with OpenAI's `/v1/embeddings`."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import httpx
import numpy as np
import structlog
from blake3 import blake3

from consilium.error_texts import describe_exception
from consilium.errors import N_
from inference.embedding.cache import VectorCache
from inference.embedding.centring import centre_if_needed, to_unit_length
from inference.embedding.port import EmbedderStopped, LoadableEmbedder, Purpose, default_prefixes
from inference.errors import InferenceError
from inference.text import replace_lone_surrogates
from inference.tls import tls_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

log = structlog.get_logger(__name__)

BATCH_SIZE: Final = 64
"""Texts a request."""
MAX_CHARACTERS: Final = 8000
"""Of one text: a server may refuse what its model cannot hold, where a model in this process cuts it off."""
MAX_REPLY_BYTES: Final = 32 << 20
"""Of one reply."""
_RETRY_DELAYS: Final = (0.0, 0.5, 2.0)
"""Seconds before each try."""


class EmbeddingServerUnavailable(InferenceError):
    """The embedding server cannot be reached, fails, or takes too long."""

    sentence = N_("The embedding server at {url} does not answer: {reason}")
    remedy = N_("See that it runs, and that CONSILIUM_EMBEDDING_URL is its address.")
    personal = ("reason",)

    def __init__(self, *, url: str, reason: str) -> None:
        super().__init__(url=url, reason=reason)


class EmbeddingServerRefused(InferenceError):
    """The embedding server answers, and gives no vectors."""

    sentence = N_("The embedding server at {url} gives no vectors: {reason}")
    remedy = N_("Check CONSILIUM_EMBEDDING_MODEL and CONSILIUM_EMBEDDING_API_KEY.")
    personal = ("reason",)

    def __init__(self, *, url: str, reason: str) -> None:
        super().__init__(url=url, reason=reason)


def connect_embedder(url: str, model: str, api_key: str | None = None) -> LoadableEmbedder:
    """An embedder for a model of a server; nothing is asked yet."""
    return centre_if_needed(ServerEmbedder(url, model, api_key), model)


class ServerEmbedder:
    """An `Embedder` that asks a server. Its name is the model's: a server that changes what is behind a name has to
    be given another one."""

    def __init__(self, url: str, model: str, api_key: str | None = None, *, timeout: float = 30.0) -> None:
        """Set up, without asking anything.

        Args:
            url: the server's address, with or without `/v1`.
            timeout: how long one request may take.
        """
        self.url = url.rstrip("/").removesuffix("/v1")
        self._model = model
        self._prefixes = default_prefixes(model)
        self._timeout = timeout
        self._dimensions: int | None = None
        self._cache = VectorCache(lambda text: self._embed_many([text]))
        self._closed = False
        self._client = httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(None),
            verify=tls_context(),
            trust_env=False,
        )

    @property
    def name(self) -> str:
        return f"{self._model}@{blake3(repr(self._prefixes).encode()).hexdigest()[:12]}"

    @property
    def dimensions(self) -> int:
        """Known from the first vector on."""
        assert self._dimensions is not None, "the server has not been asked yet"
        return self._dimensions

    async def start(self) -> None:
        """See that the server gives vectors, and of what length.

        Raises:
            EmbeddingServerUnavailable, EmbeddingServerRefused: it does not.
        """
        await self.embed(["?"])

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        """See `Embedder.embed`.

        Raises:
            EmbeddingServerUnavailable: the server is away, also after some tries.
            EmbeddingServerRefused: it wants another key, does not know the model, or gives something else.
            EmbedderStopped: the embedder has been closed.
        """
        if self._closed:
            raise EmbedderStopped
        prefix: str = getattr(self._prefixes, purpose)
        written = [prefix + (replace_lone_surrogates(text)[:MAX_CHARACTERS] or " ") for text in texts]
        # One text is a question or what was said, and is soon asked for again; many are a document's.
        return await (self._cache.get(written[0]) if len(written) == 1 else self._embed_many(written))

    async def close(self) -> None:
        self._closed = True
        await self._client.aclose()

    async def _embed_many(self, texts: list[str]) -> NDArray[np.float32]:
        batches = [
            await self._request_with_retry(texts[start : start + BATCH_SIZE])
            for start in range(0, len(texts), BATCH_SIZE)
        ]
        if not batches:
            return np.empty((0, self._dimensions or 0), np.float32)
        return np.concatenate(batches)

    async def _request_with_retry(self, texts: list[str]) -> NDArray[np.float32]:
        reason = ""
        for wait in _RETRY_DELAYS:
            await asyncio.sleep(wait)
            if self._closed:
                raise EmbedderStopped
            try:
                async with asyncio.timeout(self._timeout):
                    status, body = await self._post(texts)
            except (TimeoutError, httpx.TransportError) as error:
                reason = describe_exception(error)
                continue
            except RuntimeError as error:  # the client's, for a request on one that was closed meanwhile
                raise EmbedderStopped from error
            if status in (408, 429) or status >= 500:
                reason = f"{_error_message(body)} ({status})"
                continue
            if status != 200:
                raise EmbeddingServerRefused(url=self.url, reason=f"{_error_message(body)} ({status})")
            return self._parse(body, len(texts))
        raise EmbeddingServerUnavailable(url=self.url, reason=reason)

    async def _post(self, texts: list[str]) -> tuple[int, bytes]:
        asked = {"model": self._model, "input": texts, "encoding_format": "float"}
        async with self._client.stream("POST", "/v1/embeddings", json=asked) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_REPLY_BYTES:
                    raise EmbeddingServerRefused(url=self.url, reason=f"a reply of over {MAX_REPLY_BYTES >> 20} MB")
            return response.status_code, bytes(body)

    def _parse(self, body: bytes, count: int) -> NDArray[np.float32]:
        """Vectors of unit length in the order they were asked for."""
        try:
            data: list[dict[str, Any]] = json.loads(body)["data"]
            by_place = {int(one["index"]): one["embedding"] for one in data}
            vectors = np.asarray([by_place[place] for place in range(count)], np.float32)
            if vectors.ndim != 2 or not np.isfinite(vectors).all():
                raise ValueError("not a vector of numbers for each text")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise EmbeddingServerRefused(url=self.url, reason=f"not embeddings ({error})") from error
        if self._dimensions not in (None, vectors.shape[1]):
            raise EmbeddingServerRefused(
                url=self.url, reason=f"vectors of {vectors.shape[1]} dimensions after some of {self._dimensions}"
            )
        if self._dimensions is None:
            self._dimensions = vectors.shape[1]
            log.info("embedder.connected", model=self.name, url=self.url, dimensions=self._dimensions)
        return to_unit_length(vectors)


def _error_message(body: bytes) -> str:
    """What a reply that is no success says."""
    try:
        said = json.loads(body)
        error = said.get("error", said.get("detail", said))
        return str(error.get("message", error) if isinstance(error, dict) else error)[:200]
    except (ValueError, AttributeError, RecursionError):
        return body[:200].decode("utf-8", "replace").strip() or "no reason given"
