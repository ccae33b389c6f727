"""Which files an adapter to import consists of: in a folder, or in a hub's cache, where files are links to blobs."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # has no types

from inference.adapters.config import CONFIG_FILE
from inference.adapters.errors import PackageUnreadable, PathOutsideFolder
from inference.adapters.importing.errors import SourceUnusable
from inference.adapters.package import WEIGHTS_FILE

MAX_BYTES: Final = 8 << 30
"""Of all weights together; they are held in memory. A LoRA of rank 256 on all modules of a 70B model has 6 GB."""

HUB_FILES: Final = (
    CONFIG_FILE,
    "adapter_model*.safetensors",
    "adapter_model*.json",
    "adapter_model.bin",
    "adapters.safetensors",
)
"""What of a hub's repository is fetched."""

_COPIES_HELD: Final = 2
_INDEX_FILE = f"{WEIGHTS_FILE}.index.json"
_MLX_WEIGHTS = "adapters.safetensors"
_PICKLES = ("adapter_model.bin", "adapter_model.pt", "adapter_model.pth")
_MAX_SHARDS = 256
_MAX_INDEX_BYTES = 16 << 20
_MAX_SHOWN = 5

_FOREIGN_FORMS: Final = (
    ("*.gguf", "it is a GGUF file, whose rows llama.cpp has put in an order of its own; import what it was made from"),
    ("*.nemo", "it is an archive of NeMo; export the adapter from NeMo in the form of Hugging Face first"),
    ("zero_to_fp32.py", "it is a checkpoint of DeepSpeed in parts; gather them, and save the adapter with PEFT"),
    ("global_step*", "it is a checkpoint of DeepSpeed in parts; gather them, and save the adapter with PEFT"),
    ("*.distcp", "it is a checkpoint of FSDP in parts; gather them, and save the adapter with PEFT"),
    ("adapter_[0-9]*.pt", "it is torchtune's own checkpoint; torchtune writes adapter_model.* beside it"),
    ("adapters.npz", "it is in the old form of mlx-lm; load and save it with a newer mlx-lm"),
    ("model*.safetensors", "it is a whole model, with the adapter merged into it or without one"),
    ("pytorch_model*.bin", "it is a whole model, with the adapter merged into it or without one"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """An adapter's files, with links followed; all of them are plain files inside one folder."""

    folder: Path
    """As it was named, for messages."""
    config: Path
    weights: tuple[Path, ...]
    is_pickle: bool = False
    manifest: Path | None = None


def find_source(path: Path) -> Source:
    """The files of the adapter at `path`: a folder, a file in it, or a repository in a hub's cache.

    Raises:
        SourceUnusable: there is no adapter, or one of a form nothing can be made of.
        PackageUnreadable, PathOutsideFolder: a file cannot be read, or is a link to somewhere else.
    """
    folder = _folder_of(path)
    root = _root_of(folder)
    if not os.path.lexists(folder / CONFIG_FILE):
        raise SourceUnusable(path, _explain_missing_config(folder))
    weights, is_pickle = _find_weights(folder, root)
    if not weights:
        raise SourceUnusable(path, _explain_foreign_form(folder) or "it has adapter_config.json and no weights")
    size = sum(file.stat().st_size for file in weights)
    if size > MAX_BYTES:
        raise SourceUnusable(path, f"its weights take more than {MAX_BYTES >> 30} GB")
    if _COPIES_HELD * size > psutil.virtual_memory().available:
        raise SourceUnusable(path, f"its weights take {size / 1e9:.1f} GB, for which too little memory is free")
    manifest = "manifest.json"
    return Source(
        folder,
        _resolve(folder, CONFIG_FILE, root),
        tuple(weights),
        is_pickle,
        _resolve(folder, manifest, root) if os.path.lexists(folder / manifest) else None,
    )


def _folder_of(path: Path) -> Path:
    if path.is_file():
        if path.suffix in (".gguf", ".nemo"):
            raise SourceUnusable(path, next(why for pattern, why in _FOREIGN_FORMS if pattern == f"*{path.suffix}"))
        return path.parent
    if not path.is_dir():
        raise SourceUnusable(path, "there is no such folder")
    if path.name.startswith("models--") and (path / "snapshots").is_dir():
        return _current_snapshot(path)
    return path


def _current_snapshot(repository: Path) -> Path:
    """The snapshot of a cached repository that `main` stands for, else the newest."""
    main = repository / "refs" / "main"
    if main.is_file():
        named = repository / "snapshots" / main.read_text("utf-8", "replace").strip()[:64]
        if named.parent == repository / "snapshots" and named.is_dir():
            return named
    snapshots = [folder for folder in (repository / "snapshots").iterdir() if folder.is_dir()]
    if not snapshots:
        raise SourceUnusable(repository, "it is a hub's cache without a snapshot")
    return max(snapshots, key=lambda folder: folder.stat().st_mtime)


def _root_of(folder: Path) -> Path:
    """What links of the folder's files may lead into: in a hub's cache, the repository with its blobs."""
    for parent in folder.absolute().parents:
        if parent.name.startswith("models--") and (parent / "blobs").is_dir():
            return parent
    return folder


def _resolve(folder: Path, name: str, root: Path) -> Path:
    path = folder / name
    try:
        resolved = path.resolve(strict=True)
        mode = resolved.stat().st_mode
    except (OSError, RuntimeError) as error:
        raise PackageUnreadable(path, getattr(error, "strerror", None) or "it is a link that leads nowhere") from error
    if not resolved.is_relative_to(root.resolve()):
        raise PathOutsideFolder(path)
    if not stat.S_ISREG(mode):
        raise PackageUnreadable(path, "it is not a plain file")
    return resolved


def _find_weights(folder: Path, root: Path) -> tuple[list[Path], bool]:
    """The files with tensors, and whether they are a pickle."""
    for name in (WEIGHTS_FILE, _MLX_WEIGHTS):
        if os.path.lexists(folder / name):
            return [_resolve(folder, name, root)], False
    if os.path.lexists(folder / _INDEX_FILE):
        return [_resolve(folder, name, root) for name in _shard_names(_resolve(folder, _INDEX_FILE, root))], False
    for name in _PICKLES:
        if os.path.lexists(folder / name):
            return [_resolve(folder, name, root)], True
    return [], False


def _shard_names(index: Path) -> list[str]:
    if index.stat().st_size > _MAX_INDEX_BYTES:
        raise SourceUnusable(index, "the list of its parts is too large")
    try:
        names = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceUnusable(index, "the list of its parts cannot be read") from error
    if len(names) > _MAX_SHARDS or not all(isinstance(name, str) and Path(name).name == name for name in names):
        raise SourceUnusable(index, "the list of its parts names what is no file beside it")
    return names


def _explain_missing_config(folder: Path) -> str:
    """Why a folder without a configuration is no adapter, as far as its files tell."""
    inner = sorted(config.parent.name for config in folder.glob(f"*/{CONFIG_FILE}"))
    if inner:
        return f"it holds several adapters or checkpoints; choose one of {_list(inner)}"
    return _explain_foreign_form(folder) or "it has no adapter_config.json"


def _explain_foreign_form(folder: Path) -> str | None:
    return next((why for pattern, why in _FOREIGN_FORMS if any(folder.glob(pattern))), None)


def _list(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:_MAX_SHOWN]) + (" …" if len(shown) > _MAX_SHOWN else "")
