"""The tensors of an adapter to import, read without running anything, in a format that composing knows."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from typing import Final

import torch
from safetensors import SafetensorError, safe_open

from inference.adapters.errors import WeightsDamaged
from inference.adapters.importing.errors import NotConvertible
from inference.adapters.importing.source import MAX_BYTES, Source

_MAX_TENSORS: Final = 100_000
_KEPT: Final = (torch.float32, torch.bfloat16, torch.float16)
_WIDENED: Final = tuple(
    getattr(torch, name)
    for name in ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
    if hasattr(torch, name)
)


def read_tensors(source: Source) -> dict[str, torch.Tensor]:
    """All tensors by the names they have in the files.

    Raises:
        WeightsDamaged: a file is not whole, or holds something else than tensors.
    """
    tensors = _read_pickle(source) if source.is_pickle else _read_safetensors(source)
    if (
        len(tensors) > _MAX_TENSORS
        or sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) > MAX_BYTES
    ):
        raise WeightsDamaged(source.folder, "its tensors claim to be larger than an adapter is")
    return tensors


def _read_safetensors(source: Source) -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = {}
    for path in source.weights:
        try:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118 - it is no mapping
                    if name in tensors:
                        raise WeightsDamaged(path, f"“{name[:120]}” is in two of its parts")
                    tensors[name] = file.get_tensor(name)
        except (SafetensorError, OSError, RuntimeError) as error:
            raise WeightsDamaged(path, str(error)[:120]) from error
    return tensors


def _read_pickle(source: Source) -> dict[str, torch.Tensor]:
    """The tensors of a pickle: torch's reader for weights builds tensors and containers and calls nothing else."""
    (path,) = source.weights
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
                raise WeightsDamaged(path, "it claims to be larger than an adapter is")
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsDamaged(path, "it holds more than tensors, and was not opened") from error
    except Exception as error:  # torch has no common error for a file that is no checkpoint
        raise WeightsDamaged(path, str(error).partition("\n")[0][:120] or type(error).__name__) from error
    if not isinstance(loaded, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in loaded.items()
    ):
        raise WeightsDamaged(path, "it holds something else than tensors by their names")
    return dict(loaded)


def to_known_format(source: Source, name: str, tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in a format of numbers that composing knows.

    Raises:
        NotConvertible: its numbers are integers, so quantised or packed.
    """
    if tensor.dtype in _KEPT:
        return tensor
    if tensor.dtype is torch.float64 or tensor.dtype in _WIDENED:
        return tensor.to(torch.float32)
    raise NotConvertible(source.folder, f"“{name[:120]}” is quantised or packed ({tensor.dtype})")
