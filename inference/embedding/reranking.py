"""Question and passage read together: slower than vectors, and a better judge of a few."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import structlog

from inference.model_files import ModelUnusable, check_weights, download_model
from inference.model_loading import load_lock
from inference.text import replace_lone_surrogates

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = structlog.get_logger(__name__)

_HUB_FILES = ("*.json", "*.safetensors", "*.txt", "*.model")
_BATCH_SIZE = 16


class Reranker(Protocol):
    """Tells how well each of a few passages answers a question."""

    async def scores(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """A score for each passage, the higher the better; they order one answer and mean nothing else."""
        ...

    async def close(self) -> None:
        """Release the model and its thread. Idempotent."""
        ...


def open_reranker(name_or_path: str | Path, cache_dir: Path, *, allow_download: bool = False) -> CrossEncoderReranker:
    """A reranker from a folder or a hub id; blocks while downloading.

    Raises:
        ModelMissing, ModelUnusable: it is not here, or broken.
    """
    folder = Path(name_or_path).expanduser()
    if not folder.is_dir():
        folder = download_model(str(name_or_path), cache_dir, allow=allow_download, patterns=_HUB_FILES)
    check_weights(folder)
    return CrossEncoderReranker(folder)


class CrossEncoderReranker:
    """A `Reranker` over sentence-transformers. The model lives in a thread of its own; the first question loads it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reranker")

    async def start(self) -> None:
        """Load the model now instead of with the first question.

        Raises:
            ModelUnusable: it cannot be loaded.
        """
        await self.scores("?", ["?"])

    async def scores(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """See `Reranker.scores`.

        Raises:
            ModelUnusable: the model cannot be loaded.
        """
        pairs = [(replace_lone_surrogates(question), replace_lone_surrogates(passage)) for passage in passages]
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._predict, pairs)

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)
        self.__dict__.pop("_model", None)

    def _predict(self, pairs: list[tuple[str, str]]) -> NDArray[np.float32]:
        if not pairs:
            return np.empty(0, np.float32)
        found: NDArray[np.float32] = self._model.predict(
            pairs, batch_size=_BATCH_SIZE, show_progress_bar=False, convert_to_numpy=True
        )
        return found.astype(np.float32)

    @cached_property
    def _model(self) -> Any:
        with load_lock:
            import sentence_transformers

            import inference.library_logging  # noqa: F401

            log.info("reranker.load_started", model=self._folder.name)
            try:
                return sentence_transformers.CrossEncoder(str(self._folder), device="cpu", local_files_only=True)
            except Exception as error:  # whatever is wrong with a checkpoint, in the words of three libraries
                raise ModelUnusable(folder=self._folder, reason=str(error).partition("\n")[0]) from error
