"""The bundled embedding model, for real."""

from __future__ import annotations

import asyncio
import gc
import shutil
import weakref
from typing import TYPE_CHECKING

import numpy as np
import pytest

from inference.embedding import (
    MINILM_MODEL,
    EmbedderStopped,
    LoadableEmbedder,
    Prefixes,
    SentenceTransformerEmbedder,
    open_embedder,
    resolve_embedding_model,
)
from inference.model_files import ModelUnusable

if TYPE_CHECKING:
    from pathlib import Path


async def test_vectors_have_unit_length_and_the_texts_order(local_embedder: LoadableEmbedder) -> None:
    texts = [f"athlete number {number} rests" for number in range(70)]
    vectors = await local_embedder.embed(texts)
    assert vectors.shape == (70, local_embedder.dimensions) == (70, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    [one] = await local_embedder.embed([texts[66]])
    assert np.abs(vectors[66] - one).max() < 1e-5


async def test_near_in_meaning_is_near(local_embedder: LoadableEmbedder) -> None:
    texts = [
        "How should I recover after a hard workout?",
        "Rest well when training was heavy.",
        "Atoms have electrons.",
    ]
    question, near, far = await local_embedder.embed(texts)
    assert question @ near > question @ far + 0.3


@pytest.mark.parametrize("text", ["", " ", "word " * 3_000, "odd \ud83d", "🙂", "\0"])
async def test_no_text_is_refused(local_embedder: SentenceTransformerEmbedder, text: str) -> None:
    [vector] = await local_embedder.embed([text])
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


async def test_no_texts_are_no_vectors(local_embedder: LoadableEmbedder) -> None:
    assert (await local_embedder.embed([])).shape == (0, 384)


async def test_many_may_ask_at_once(local_embedder: LoadableEmbedder) -> None:
    alone = [await local_embedder.embed([text]) for text in "abc"]
    together = await asyncio.gather(*(local_embedder.embed([text]) for text in "abc"))
    assert all(np.abs(a - b).max() < 1e-5 for a, b in zip(alone, together, strict=True))


async def test_prefixes_are_the_models_own_affair(tmp_path: Path) -> None:
    folder = resolve_embedding_model(MINILM_MODEL, tmp_path)
    embedder = SentenceTransformerEmbedder(folder, prefixes=Prefixes(passage="passage: ", query="query: "))
    try:
        plain = await embedder.embed(["rest"])
        question = await embedder.embed(["rest"], "query")
        written = await embedder.embed(["query: rest"], "passage")
    finally:
        await embedder.close()
    assert plain[0] @ question[0] < 0.99
    assert written[0] @ question[0] < 0.999


async def test_after_closing_nothing_is_embedded(tmp_path: Path) -> None:
    embedder = open_embedder(MINILM_MODEL, tmp_path)
    await embedder.close()
    await embedder.close()
    with pytest.raises(EmbedderStopped):
        await embedder.embed(["text"])


async def test_a_broken_model_is_told(tmp_path: Path) -> None:
    folder = shutil.copytree(resolve_embedding_model(MINILM_MODEL, tmp_path), tmp_path / "broken")
    (folder / "tokenizer.json").write_text("{")
    embedder = SentenceTransformerEmbedder(folder)
    with pytest.raises(ModelUnusable, match="broken"):
        await embedder.embed(["text"])
    await embedder.close()


async def test_a_closed_embedder_leaves_no_model_in_memory(tmp_path: Path) -> None:
    embedder = open_embedder(MINILM_MODEL, tmp_path)
    await embedder.start()
    model = weakref.ref(embedder._model)
    gc.disable()  # it is not to wait for the garbage
    try:
        await embedder.close()
        assert model() is None
    finally:
        gc.enable()
