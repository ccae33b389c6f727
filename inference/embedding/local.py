"""The embedder that runs in this process."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog
from blake3 import blake3

from inference.embedding.batching import MAX_PADDED_CHARACTERS, EmbeddingBatcher
from inference.embedding.bundled import BUNDLED_EMBEDDING_MODELS, resolve_bundled_model
from inference.embedding.cache import VectorCache
from inference.embedding.centring import centre_if_needed, to_unit_length
from inference.embedding.port import EmbedderStopped, LoadableEmbedder, Prefixes, Purpose, default_prefixes
from inference.embedding.tracing import trace_forward, untrace_forward
from inference.embedding.windows import Window, split_windows
from inference.model_files import (
    ModelUnknown,
    ModelUnusable,
    check_weights,
    download_model,
    is_hub_id,
)
from inference.model_loading import load_lock
from inference.text import replace_lone_surrogates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

log = structlog.get_logger(__name__)

_HUB_FILES = ("*.json", "*.safetensors", "*.txt", "*.model")
_BATCH_SIZE = 32
_TEXTS_PER_TURN = 64
"""Texts embedded before the next caller's turn, so that ingesting a library does not block a question."""
_FEW_TEXTS = 8
"""So many texts one core computes soonest, however long they are."""
_MAX_WINDOWS = 16
"""Windows of a long text that are read, from its beginning."""
_FINGERPRINT_BYTES = 1 << 20


def resolve_embedding_model(name_or_path: str | Path, cache_dir: Path, *, allow_download: bool = False) -> Path:
    """Folder of an embedding model: a folder as it is, a bundled model's, or a hub id's. Blocks while it is fetched.

    Raises:
        ModelMissing: it is not here and may not or cannot be fetched; the error says how to mend it.
        ModelUnusable: the folder lacks something, or its weights are cut off.
        ModelConversionFailed: a bundled model cannot be written to `cache_dir`.
    """
    name = str(name_or_path)
    folder = Path(name_or_path).expanduser()
    if not folder.is_dir():
        if name in BUNDLED_EMBEDDING_MODELS:
            folder = resolve_bundled_model(name, cache_dir)
        elif is_hub_id(name):
            folder = download_model(name, cache_dir, allow=allow_download, patterns=_HUB_FILES)
        else:
            known = ", ".join(BUNDLED_EMBEDDING_MODELS)
            raise ModelUnknown(name=name, example="intfloat/multilingual-e5-large", known=known)
    check_weights(folder)
    return folder


def open_embedder(name_or_path: str | Path, cache_dir: Path, *, allow_download: bool = False) -> LoadableEmbedder:
    """An embedder for what the settings name; see `resolve_embedding_model` for what that may be and what it raises."""
    folder = resolve_embedding_model(name_or_path, cache_dir, allow_download=allow_download)
    name = folder.name if Path(name_or_path).expanduser().is_dir() else str(name_or_path)
    return centre_if_needed(SentenceTransformerEmbedder(folder, name=name), name, cache_dir)


class SentenceTransformerEmbedder:
    """An `Embedder` over sentence-transformers. The model lives in a thread of its own; the first text loads it."""

    def __init__(self, folder: Path, *, name: str | None = None, prefixes: Prefixes | None = None) -> None:
        """Set up, without reading the weights.

        Args:
            folder: as `resolve_embedding_model` gives it.
            name: what to call it in `self.name`; the folder's name if not given.
            prefixes: E5's if the name says that it is one of that family, else none.

        Raises:
            ModelUnusable: the folder's config is missing or broken.
        """
        called = name or folder.name
        self._folder = folder
        self._prefixes = prefixes or default_prefixes(called)
        self._dimensions = _read_dimensions(folder)
        self._name = f"{called}@{_fingerprint(folder, self._prefixes)}"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedder")
        self._batcher = EmbeddingBatcher(self._thread, self._encode)
        self._cache = VectorCache(self._embed_one)
        self._closed = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimensions(self) -> int:
        return self._dimensions

    async def start(self) -> None:
        """Load the model now instead of with the first text."""
        await self.embed([""])

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        """See `Embedder.embed`.

        Raises:
            ModelUnusable: the model cannot be loaded.
            EmbedderStopped: the embedder has been closed.
        """
        if self._closed:
            raise EmbedderStopped
        prefix = getattr(self._prefixes, purpose)
        written = [prefix + replace_lone_surrogates(text) for text in texts]
        # One text is a question or what was said, and is soon asked for again; many are a document's.
        if len(written) != 1:
            return await self._embed_many(written)
        return await self._cache.get(written[0], partial(self._embed_one, urgent=purpose == "query"))

    async def close(self) -> None:
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown)
        model = self.__dict__.pop("_model", None)
        if model is not None:
            # It would refer to itself, and stay until the garbage is collected, which so few objects do not bring about
            # however large they are.
            untrace_forward(model)
            model.model_card_data.model = None

    async def _embed_one(self, text: str, *, urgent: bool = False) -> NDArray[np.float32]:
        if self._closed:
            raise EmbedderStopped
        return await self._batcher.embed(text, urgent=urgent)

    async def _embed_many(self, texts: list[str]) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), self._dimensions), np.float32)
        # Texts of a length together: a batch takes as long as its longest text.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(texts), _TEXTS_PER_TURN):
            if self._closed:
                raise EmbedderStopped
            rows = order[start : start + _TEXTS_PER_TURN]
            some = [texts[row] for row in rows]
            vectors[rows] = await asyncio.get_running_loop().run_in_executor(self._thread, self._encode, some)
        return vectors

    def _encode(self, texts: list[str]) -> NDArray[np.float32]:
        model = self._model
        windows = [self._split(text) for text in texts]
        flat = [window for some in windows for window in some]
        # Little text one core computes soonest: several wait for each other longer than they compute, and where other
        # processes compute as well, thirty times as long.
        padded = len(flat) * max((len(window.text) for window in flat), default=0)
        is_little = len(flat) <= _FEW_TEXTS or padded <= MAX_PADDED_CHARACTERS
        with _limit_torch_threads(1 if is_little else None):
            encoded: NDArray[np.float32] = model.encode(
                [window.text for window in flat],
                batch_size=_BATCH_SIZE,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        if len(flat) == len(texts):
            return encoded
        weighted = encoded * np.array([[window.tokens] for window in flat], np.float32)
        starts = np.cumsum([0, *(len(some) for some in windows[:-1])])
        return to_unit_length(np.add.reduceat(weighted, starts, axis=0))

    def _split(self, text: str) -> Sequence[Window]:
        """The text, in windows if it is longer than the model reads; each begins with the text's prefix."""
        most = self._model.max_seq_length
        if most is None:
            return [Window(text, 1)]
        prefixes = (self._prefixes.passage, self._prefixes.query)
        prefix = next((prefix for prefix in prefixes if prefix and text.startswith(prefix)), "")
        return split_windows(text, prefix, self._model.tokenizer, most, _MAX_WINDOWS)

    @cached_property
    def _model(self) -> Any:
        """Loaded when first asked for, which only the embedder's thread does."""
        with load_lock:
            import sentence_transformers

            import inference.library_logging  # noqa: F401

            log.info("embedder.load_started", model=self._name)
            try:
                model = sentence_transformers.SentenceTransformer(
                    str(self._folder), device="cpu", local_files_only=True
                )
            except Exception as error:  # whatever is wrong with a checkpoint, in the words of three libraries
                raise ModelUnusable(folder=self._folder, reason=str(error).partition("\n")[0]) from error
        if (found := model.get_embedding_dimension()) != self._dimensions:
            raise ModelUnusable(
                folder=self._folder, reason=f"its vectors have {found} dimensions, its config says {self._dimensions}"
            )
        trace_forward(model)
        log.info("embedder.loaded", model=self._name)
        return model


@contextmanager
def _limit_torch_threads(count: int | None) -> Iterator[None]:
    """Torch computes with so many threads in here, where the caller computes; with as many as it likes when None."""
    import torch

    usual = torch.get_num_threads()
    if count is None or count >= usual:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(usual)


def _read_dimensions(folder: Path) -> int:
    """Length of the vectors: the last dense layer's, or the transformer's own."""
    try:
        modules = folder / "modules.json"
        dense = [
            folder / module["path"]
            for module in (json.loads(modules.read_text("utf-8")) if modules.is_file() else [])
            if module["type"].endswith(".Dense")
        ]
        source, key = (dense[-1], "out_features") if dense else (folder, "hidden_size")
        return int(json.loads((source / "config.json").read_text("utf-8"))[key])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelUnusable(folder=folder, reason=f"its config does not tell the vectors' length ({error})") from error


def _fingerprint(folder: Path, prefixes: Prefixes) -> str:
    """Twelve hex digits that tell a model's versions apart, from the ends of its files: training changes them all."""
    digest = blake3(repr(prefixes).encode())
    for file in sorted([*folder.rglob("*.json"), *folder.rglob("*.safetensors")]):
        size = file.stat().st_size
        digest.update(f"{file.relative_to(folder).as_posix()} {size}\n".encode())
        with file.open("rb") as content:
            digest.update(content.read(_FINGERPRINT_BYTES))
            content.seek(max(0, size - _FINGERPRINT_BYTES))
            digest.update(content.read(_FINGERPRINT_BYTES))
    return digest.hexdigest()[:12]
