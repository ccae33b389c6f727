"""Base models with random weights, and a core for one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.adapters.manifest import AdapterKind
from inference.training.recipe import Recipe
from inference.training.saving import save_adapter
from inference.training.trainer import train
from tests.fixtures.tiny_base import tiny_lesson, write_tiny_base


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers in the shape of Qwen3."""
    return write_tiny_base(tmp_path_factory.mktemp("tiny-base"))


@pytest.fixture(scope="session")
def tiny_core(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A core that was trained on it, with dropout."""
    recipe = Recipe(rank=4, epochs=1, dropout=0.2)
    folder = tmp_path_factory.mktemp("tiny-mind") / "core"
    trained = train(tiny_base, tiny_lesson(tiny_base, recipe), recipe)
    save_adapter(trained, folder, name="core", kind=AdapterKind.CORE, base_model="tiny", core_digest=None)
    return folder
