"""An adapter merged into its base model: a checkpoint that stands for itself, written tensor by tensor.

A weight becomes W + B·A, computed in float32 and rounded once to the format W has. What is in memory at a time is some
rows of one weight beside the adapter's factors of one module, however large the model and its shards are.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from consilium.errors import N_
from inference.adapters.dtypes import Dtype, from_float32, to_float32
from inference.adapters.errors import AdapterError, WeightsOverflow
from inference.adapters.factors import read_factors
from inference.adapters.files import translate_write_errors, write_at
from inference.adapters.package import AdapterPackage, FactorPair
from inference.adapters.tensors import TensorReader
from inference.base_model import MODULE_PATHS, BaseModelSpec
from inference.model_files import check_weights

_BLOCK_BYTES: Final = 1 << 20
"""About how much of a tensor is worked on at a time."""
_WEIGHTS_FILE: Final = "model.safetensors"
_INDEX_FILE: Final = "model.safetensors.index.json"
_COPIED: Final = frozenset({".json", ".jinja", ".txt", ".model", ".tiktoken"})
"""Endings of the files beside the weights that belong to a checkpoint: configuration and tokenizer."""
_LARGEST: Final = {Dtype.F32: 3.4e38, Dtype.BF16: 3.38e38, Dtype.F16: 65504.0}
"""The largest number of a format."""


class BaseNotMergeable(AdapterError):
    """The base model's checkpoint has not got the weights that the adapter changes, in a form they can be added to."""

    sentence = N_("The adapter cannot be merged into the base model in {folder}: {reason}.")
    remedy = N_("Give the checkpoint as it was trained, in float32, bfloat16 or float16 and not quantized.")

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(folder=folder, reason=reason)


class DestinationOccupied(AdapterError):
    """There is something where a new folder is to be written."""

    sentence = N_("{folder} is there already, and is not overwritten.")
    remedy = N_("Choose a folder that does not exist yet.")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)


@dataclass(frozen=True, slots=True)
class _Weight:
    """One tensor of a shard."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    """First byte, counted from the start of the file."""
    size: int
    """Length in bytes."""


@dataclass(frozen=True, slots=True)
class MergedModel:
    """What was written."""

    shards: int
    weights: int
    """Weights that the adapter changed."""
    size: int
    """Bytes of all shards."""


def merge_into_base(package: AdapterPackage, base: BaseModelSpec, base_folder: Path, destination: Path) -> MergedModel:
    """Write the base model with the adapter's deltas added to its weights into the new folder `destination`; blocking.

    The shards are those of the base, with the same tensors at the same places; configuration and tokenizer are copied.

    Raises:
        ModelUnusable: the base's checkpoint is broken.
        BaseNotMergeable: it has not got the weights that the adapter changes, or has them quantized.
        DestinationOccupied: `destination` is there.
        PackageUnreadable, PackageChanged: the adapter cannot be read any more.
        WeightsOverflow: a weight would be larger than its format holds.
        DiskFull, WriteFailed: nothing half-written is left behind.
    """
    check_weights(base_folder)
    shards = {path: _read_header(path) for path in _find_shards(base_folder)}
    targets = _find_targets(package, base, base_folder, shards)
    if destination.exists():
        raise DestinationOccupied(destination)
    size = sum(path.stat().st_size for path in shards)
    making = destination.with_name(f".{destination.name}.making")
    with translate_write_errors(destination, size), suppress(FileNotFoundError):
        shutil.rmtree(making)
    try:
        with translate_write_errors(destination, size):
            making.mkdir(parents=True)
            for path, weights in shards.items():
                _write_shard(path, making / path.name, weights, targets, package)
            for path in base_folder.iterdir():
                if path.suffix in _COPIED and path.is_file():
                    shutil.copyfile(path, making / path.name)
            making.rename(destination)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return MergedModel(len(shards), len(targets), size)


def _find_shards(folder: Path) -> list[Path]:
    """The files that the checkpoint consists of: those of its index, else the one of the usual name, else all."""
    index = folder / _INDEX_FILE
    if index.is_file():
        return [folder / name for name in sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))]
    single = folder / _WEIGHTS_FILE
    return [single] if single.is_file() else sorted(folder.glob("*.safetensors"))


def _read_header(path: Path) -> list[_Weight]:
    """The tensors of a file whose header has been checked, in the order of their places."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entries: dict[str, Any] = json.loads(file.read(length))
    entries.pop("__metadata__", None)
    weights = [
        _Weight(name, entry["dtype"], tuple(entry["shape"]), 8 + length + begin, end - begin)
        for name, entry in entries.items()
        for begin, end in [entry["data_offsets"]]
    ]
    return sorted(weights, key=lambda weight: weight.start)


def _find_targets(
    package: AdapterPackage, base: BaseModelSpec, folder: Path, shards: Mapping[Path, list[_Weight]]
) -> dict[str, FactorPair]:
    """The factors for each weight that changes, by the weight's name.

    Raises:
        BaseNotMergeable: one of the weights is not there as it should be.
    """
    config = json.loads((folder / "config.json").read_text("utf-8"))
    if config.get("quantization_config"):
        raise BaseNotMergeable(folder, "it is quantized")
    found = {weight.name: weight for weights in shards.values() for weight in weights}
    targets = {}
    for layer, pairs in package.layers.items():
        for module, pair in pairs.items():
            name = f"{base.prefix}.{layer}.{MODULE_PATHS[module]}.weight"
            weight = found.get(name)
            if weight is None:
                raise BaseNotMergeable(folder, f"it has no “{name}”")
            if weight.dtype not in Dtype.__members__:
                raise BaseNotMergeable(folder, f"“{name}” is of format {weight.dtype}")
            if weight.shape != (pair.b.rows, pair.a.columns):
                raise BaseNotMergeable(folder, f"“{name}” has the shape {list(weight.shape)}")
            targets[name] = pair
    return targets


def _write_shard(
    source: Path, destination: Path, weights: list[_Weight], targets: Mapping[str, FactorPair], package: AdapterPackage
) -> None:
    """Write one shard: its header as it was, then tensor after tensor."""
    descriptor = os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with source.open("rb", buffering=0) as file, package.file.reader() as factors:
            shard = TensorReader(source, file.fileno())
            _copy(shard, descriptor, 0, weights[0].start if weights else source.stat().st_size)
            for weight in weights:
                if weight.name not in targets:
                    _copy(shard, descriptor, weight.start, weight.size)
                    continue
                for place, block in _merged_blocks(shard, factors, weight, targets[weight.name]):
                    write_at(descriptor, block, place)
    finally:
        os.close(descriptor)


def _copy(shard: TensorReader, descriptor: int, start: int, size: int) -> None:
    buffer = memoryview(bytearray(min(size, _BLOCK_BYTES)))
    for done in range(0, size, _BLOCK_BYTES):
        block = buffer[: min(_BLOCK_BYTES, size - done)]
        shard.read(start + done, [block])
        write_at(descriptor, block, start + done)


def _merged_blocks(
    shard: TensorReader, factors: TensorReader, weight: _Weight, pair: FactorPair
) -> Iterator[tuple[int, memoryview]]:
    """Where some rows of a weight go, and their bytes with the delta added."""
    rows, columns = weight.shape
    dtype = Dtype(weight.dtype)
    a, b = (factor.astype(np.float32) for factor in read_factors(factors, pair))
    at_a_time = max(1, _BLOCK_BYTES // (4 * columns))
    stored = np.empty((at_a_time, columns), dtype.storage)
    numbers = np.empty((at_a_time, columns), np.float32)
    for first in range(0, rows, at_a_time):
        count = min(at_a_time, rows - first)
        place = weight.start + first * columns * dtype.size
        shard.read(place, [stored[:count].data.cast("B")])
        to_float32(stored[:count], dtype, numbers[:count])
        numbers[:count] += b[first : first + count] @ a
        if np.abs(numbers[:count]).max() > _LARGEST[dtype]:
            raise WeightsOverflow(factors.path.parent)
        yield place, from_float32(numbers[:count], dtype).data.cast("B")
