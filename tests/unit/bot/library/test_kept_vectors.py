"""Vectors that travel with a mind are found by their text, and nothing in the file can break the reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import save_file

from bot.library.kept_vectors import VECTORS_FILE, load_kept_vectors, save_kept_vectors

TEXTS = ["How much protein?", "Сколько белка?"]


def vectors(count: int = 2, dimensions: int = 3) -> list[NDArray[np.float16]]:
    return list(np.random.default_rng(1).standard_normal((count, dimensions)).astype(np.float16))


def test_a_text_gets_the_vector_that_was_written(tmp_path: Path) -> None:
    written = vectors()
    assert save_kept_vectors(tmp_path, "e5@1", TEXTS, written) == 2
    kept = load_kept_vectors(tmp_path, "e5@1", 3)
    assert len(kept) == 2
    for text, vector in zip(TEXTS, written, strict=True):
        found = kept.of(text)
        assert found is not None
        assert found.dtype == np.float32
        assert found.tolist() == vector.astype(np.float32).tolist()
    assert kept.of("How much protein") is None


def test_the_same_texts_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    written = vectors()
    save_kept_vectors(tmp_path, "e5@1", TEXTS, written)
    before = (tmp_path / VECTORS_FILE).read_bytes()
    save_kept_vectors(tmp_path, "e5@1", TEXTS[::-1], written[::-1])
    assert (tmp_path / VECTORS_FILE).read_bytes() == before


def test_without_a_file_or_with_another_embedder_there_are_none(tmp_path: Path) -> None:
    assert len(load_kept_vectors(tmp_path, "e5@1", 3)) == 0
    save_kept_vectors(tmp_path, "e5@1", TEXTS, vectors())
    assert len(load_kept_vectors(tmp_path, "e5@2", 3)) == 0
    assert len(load_kept_vectors(tmp_path, "e5@1", 4)) == 0, "they have another length"


def test_an_empty_library_has_no_vectors(tmp_path: Path) -> None:
    assert save_kept_vectors(tmp_path, "e5@1", [], []) == 0
    assert len(load_kept_vectors(tmp_path, "e5@1", 3)) == 0


@pytest.mark.parametrize(
    "tensors",
    [
        {"keys": np.zeros((2, 16), np.uint8)},
        {"keys": np.zeros((1, 16), np.uint8), "vectors": np.zeros((2, 3), np.float16)},
        {"keys": np.zeros((2, 8), np.uint8), "vectors": np.zeros((2, 3), np.float16)},
        {"keys": np.zeros(32, np.uint8), "vectors": np.zeros((2, 3), np.float16)},
        {"keys": np.zeros((2, 16), np.uint8), "vectors": np.zeros((2, 3), np.float32)},
        {"keys": np.zeros((2, 16), np.uint8), "vectors": np.full((2, 3), np.nan, np.float16)},
    ],
)
def test_what_does_not_fit_is_passed_over(tmp_path: Path, tensors: dict[str, NDArray[np.generic]]) -> None:
    save_file(tensors, tmp_path / VECTORS_FILE, {"embedder": "e5@1"})
    assert len(load_kept_vectors(tmp_path, "e5@1", 3)) == 0


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_never_raises(tmp_path: Path, data: st.DataObject) -> None:
    save_kept_vectors(tmp_path, "e5@1", TEXTS, vectors())
    path = tmp_path / VECTORS_FILE
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    load_kept_vectors(tmp_path, "e5@1", 3)
