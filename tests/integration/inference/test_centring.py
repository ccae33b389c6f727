"""Vectors of two languages compared: each language's mean is taken off."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from inference.embedding import (
    E5_MODEL,
    MINILM_MODEL,
    EmbedderStopped,
    LoadableEmbedder,
    connect_embedder,
    knows_language,
)
from inference.embedding.centring import SENTENCES, CentredEmbedder, latin_share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from inference.embedding import Purpose

# Not among the sentences of the means.
PAIRS = (
    ("The heart pumps blood through the body.", "Сердце качает кровь по телу."),
    ("Squat twice a week and never on tired legs.", "Приседай два раза в неделю и никогда на усталых ногах."),
    ("An electron is lighter than a proton.", "Электрон легче протона."),
    ("He was born in a village near Moscow.", "Он родился в деревне под Москвой."),
    ("Violence cannot be ended by violence.", "Насилие нельзя прекратить насилием."),
    ("Sleep eight hours before a race.", "Спи восемь часов перед забегом."),
)


async def test_own_language_does_not_come_first(local_embedder: LoadableEmbedder) -> None:
    """Each text finds its translation before the other texts of its own language."""
    for asked, other in ((0, 1), (1, 0)):
        questions = await local_embedder.embed([pair[asked] for pair in PAIRS], "query")
        found = await local_embedder.embed([pair[other] for pair in PAIRS])
        own = await local_embedder.embed([pair[asked] for pair in PAIRS])
        for row, question in enumerate(questions):
            distractors = [question @ own[n] for n in range(len(PAIRS)) if n != row]
            assert question @ found[row] > max(distractors)


async def test_unrelated_texts_are_far_apart(local_embedder: LoadableEmbedder) -> None:
    questions = await local_embedder.embed([pair[0] for pair in PAIRS], "query")
    passages = await local_embedder.embed([pair[1] for pair in PAIRS])
    cosines = questions @ passages.T
    unrelated = cosines[~np.eye(len(PAIRS), dtype=bool)]
    assert np.median(unrelated) < 0.2
    assert np.median(np.diag(cosines)) > 0.5


@pytest.mark.parametrize(
    ("text", "share"),
    [("rest", 1.0), ("отдых", 0.0), ("", 0.5), ("12:30 🙂", 0.5), ("жим bench", 5 / 8), ("ß é ü", 1.0)],
)
def test_latin_share(text: str, share: float) -> None:
    assert latin_share(text) == pytest.approx(share)


class CountingEmbedder:
    """Vectors from a table of random ones; counts its calls, and may fail at first."""

    name = "random@1"
    dimensions = 8

    def __init__(self, failures: int = 0) -> None:
        self.calls = 0
        self.failures = failures
        self.closed = False

    async def start(self) -> None:
        await self.embed([""])

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> npt.NDArray[np.float32]:
        await asyncio.sleep(0)
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise EmbedderStopped
        rows = [np.random.default_rng(sum(map(ord, text + purpose))).normal(size=8) for text in texts]
        vectors = np.array(rows, np.float32).reshape(-1, 8)
        unit: npt.NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    async def close(self) -> None:
        self.closed = True


async def test_means_are_computed_once_however_many_ask() -> None:
    inner = CountingEmbedder()
    embedder = CentredEmbedder(inner)
    vectors = await asyncio.gather(*(embedder.embed([f"text {n}"]) for n in range(20)))
    assert inner.calls == 2 + 20
    assert all(np.linalg.norm(vector) == pytest.approx(1, abs=1e-5) for vector in vectors)
    assert (await embedder.embed([])).shape == (0, 8)
    assert embedder.name.startswith("random@1-")
    await embedder.close()
    assert inner.closed


async def test_failure_is_raised_and_the_next_call_tries_again() -> None:
    embedder = CentredEmbedder(CountingEmbedder(failures=1))
    with pytest.raises(EmbedderStopped):
        await embedder.embed(["text"])
    assert (await embedder.embed(["text"])).shape == (1, 8)


async def test_mean_of_each_language_is_near_zero(local_embedder: LoadableEmbedder) -> None:
    for purpose in ("passage", "query"):
        for language in zip(*SENTENCES, strict=True):
            vectors = await local_embedder.embed(language, purpose)
            assert np.linalg.norm(vectors.mean(axis=0)) < 0.1


def test_only_models_that_need_it_are_centred() -> None:
    assert isinstance(connect_embedder("http://127.0.0.1:9", E5_MODEL), CentredEmbedder)
    assert not isinstance(connect_embedder("http://127.0.0.1:9", "all-MiniLM-L6-v2"), CentredEmbedder)


@pytest.mark.parametrize(
    ("embedder", "text", "known"),
    [
        (f"{MINILM_MODEL}@62d675504429", "How deep should I squat?", True),
        (f"{MINILM_MODEL}@62d675504429", "Как глубоко приседать?", False),
        (f"{MINILM_MODEL}@62d675504429", "42", True),
        (f"{E5_MODEL}@ea55482802fb-c1", "Как глубоко приседать?", True),
        ("BAAI/bge-m3@1", "Как глубоко приседать?", True),
    ],
)
def test_language_of_an_embedder(embedder: str, text: str, known: bool) -> None:
    assert knows_language(embedder, text) is known


async def test_means_are_kept_between_starts(tmp_path: Path) -> None:
    first, second = CountingEmbedder(), CountingEmbedder()
    vectors = await CentredEmbedder(first, tmp_path).embed(["text"])
    assert (vectors == await CentredEmbedder(second, tmp_path).embed(["text"])).all()
    assert (first.calls, second.calls) == (3, 1)
    # A damaged file is as good as none.
    [file] = tmp_path.glob("*.npy")  # noqa: ASYNC240
    file.write_bytes(b"\x93NUMPY")
    third = CountingEmbedder()
    assert (vectors == await CentredEmbedder(third, tmp_path).embed(["text"])).all()
    assert third.calls == 3


async def test_means_need_no_place_to_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert (await CentredEmbedder(CountingEmbedder(), tmp_path / "file").embed(["text"])).shape == (1, 8)
