"""One adapter on disk: `adapter_config.json` and `adapter_model.safetensors`, opened, understood and checked."""

from __future__ import annotations

import os
import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from blake3 import blake3

from inference.adapters.config import AdapterConfig
from inference.adapters.dtypes import DTYPE_ORDER, Array, Dtype, max_magnitude
from inference.adapters.errors import (
    DigestMismatch,
    PackageUnreadable,
    PickledWeights,
    RankMismatch,
    TensorUnexpected,
    TensorUnpaired,
    WeightsDamaged,
    WeightsNotFinite,
)
from inference.adapters.files import open_in_folder
from inference.adapters.manifest import AdapterManifest, find_manifest
from inference.adapters.tensors import Tensor, TensorFile
from inference.base_model import MODULE_PATHS

WEIGHTS_FILE = "adapter_model.safetensors"

_PICKLE_FILES = ("adapter_model.bin", "adapter_model.pt", "adapter_model.pth", "adapter_model.pkl", "pytorch_model.bin")
_ZIP_MAGIC = b"PK\x03\x04"
_CHUNK_BYTES = 1 << 20
_MODULES = {path: module for module, path in MODULE_PATHS.items()}
_TENSOR_NAME = re.compile(
    r"base_model\.model\.((?:[A-Za-z_][A-Za-z0-9_]{0,39}\.){0,6}layers)\.(0|[1-9][0-9]{0,3})\.([a-z_]+\.[a-z0-9_]+)\.lora_([AB])\.weight"
)


@dataclass(frozen=True, slots=True)
class FactorPair:
    """The two factors of one module's delta: `scale · B @ A`."""

    module: str
    a: Tensor
    """rank × input features."""
    b: Tensor
    """Output features × rank."""
    scale: float

    @property
    def rank(self) -> int:
        return self.a.rows


@dataclass(frozen=True, slots=True)
class WeightScan:
    """What one pass over all the numbers tells."""

    digest: str
    max_magnitude: float
    """The largest magnitude of any number."""


class AdapterPackage:
    """An adapter whose structure has been checked; the numbers are read when they are needed.

    Attributes:
        folder: where it is.
        config: its `adapter_config.json`.
        manifest: its `manifest.json`, or None when it was trained elsewhere.
        prefix: path of the list of layers in the checkpoint it belongs to, `model.layers`.
        layers: of every adapted layer the factors by module, in the order of `MODULE_PATHS`.
        file: the weights.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not os.path.isdir(folder):  # noqa: PTH112 - pathlib's own raises where a name is too long
            raise PackageUnreadable(folder, "there is no such folder")
        self.config = AdapterConfig.load(folder)
        self.manifest: AdapterManifest | None = find_manifest(folder)
        self.file = _open_weights(folder)
        self.prefix, self.layers = self._pair_factors()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read configuration and header, and check that they make one sound adapter.

        Numbers are not looked at: `scan` does that.

        Raises:
            PackageUnreadable, PathOutsideFolder: a file is missing, or is not a file of this folder.
            PickledWeights: the weights are in a format that runs code.
            DocumentInvalid, SettingUnknown, AdapterUnsupported: the configuration is broken, or no plain LoRA's.
            WeightsDamaged, TensorUnexpected, TensorUnpaired, RankMismatch: the weights are not what they should be.
        """
        return cls(folder)

    def _pair_factors(self) -> tuple[str, Mapping[int, Mapping[str, FactorPair]]]:
        factors: dict[int, dict[tuple[str, str], Tensor]] = defaultdict(dict)
        prefixes: set[str] = set()
        for tensor in self.file.tensors.values():
            prefix, layer, module, factor = self._parse_tensor_name(tensor.name)
            prefixes.add(prefix)
            factors[layer][module, factor] = tensor
            if len(prefixes) > 1:
                raise TensorUnexpected(self.file.path, tensor.name, "belongs to another model than the rest")
        (prefix,) = prefixes
        return prefix, {
            layer: {pair.module: pair for pair in self._layer_pairs(prefix, layer, factors[layer])}
            for layer in sorted(factors)
        }

    def _parse_tensor_name(self, name: str) -> tuple[str, int, str, str]:
        """Prefix, layer, module and factor that a tensor's name tells."""
        found = _TENSOR_NAME.fullmatch(name)
        if not found:
            raise TensorUnexpected(self.file.path, name[:120], "is not a factor of a linear module in a layer")
        prefix, layer, path, factor = found.groups()
        if path not in _MODULES:
            raise TensorUnexpected(self.file.path, name[:120], f"is not of one of {', '.join(MODULE_PATHS)}")
        return prefix, int(layer), _MODULES[path], factor

    def _layer_pairs(self, prefix: str, layer: int, factors: Mapping[tuple[str, str], Tensor]) -> Iterator[FactorPair]:
        for module, inner in MODULE_PATHS.items():
            a, b = factors.get((module, "A")), factors.get((module, "B"))
            if a and b:
                path = f"{prefix}.{layer}.{inner}"
                yield self._build_pair(module, path, layer, a, b)
            elif one := a or b:
                other = {"A": "B", "B": "A"}["A" if a else "B"]
                missing = f"{one.name[: -len('A.weight')]}{other}.weight"
                raise TensorUnpaired(self.file.path, one.name, missing)

    def _build_pair(self, module: str, path: str, layer: int, a: Tensor, b: Tensor) -> FactorPair:
        if not self.config.targets(path, layer):
            raise TensorUnexpected(self.file.path, a.name, "is of a module its adapter_config.json does not adapt")
        if a.rows != b.columns:
            raise RankMismatch(self.file.path, path, a.rows, "its other factor", b.columns)
        if a.rows != (rank := self.config.rank_of(path)):
            raise RankMismatch(self.file.path, path, a.rows, "adapter_config.json", rank)
        return FactorPair(module, a, b, self.config.scale_of(path))

    def pairs(self) -> Iterator[FactorPair]:
        """The factors of every module of every layer."""
        for modules in self.layers.values():
            yield from modules.values()

    @property
    def base_name(self) -> str:
        """The base model it says it was trained on; empty when it does not say."""
        return self.manifest.base_model if self.manifest else self.config.base_model_name_or_path or ""

    @property
    def rank(self) -> int:
        """The largest rank of any module."""
        return max(pair.rank for pair in self.pairs())

    @cached_property
    def layer_groups(self) -> Mapping[int, int]:
        """A number for every adapted layer; layers of one number differ in nothing but place and weights."""
        known: dict[tuple[object, ...], int] = {}
        return {
            layer: known.setdefault(_layer_group_key(pairs.values()), len(known))
            for layer, pairs in self.layers.items()
        }

    @cached_property
    def layer_spans(self) -> Mapping[int, tuple[int, int]]:
        """First byte and length of the layers whose tensors lie side by side in the order of a sorted file."""
        spans = {}
        for layer, pairs in self.layers.items():
            tensors = [tensor for pair in pairs.values() for tensor in (pair.a, pair.b)]
            tensors.sort(key=lambda tensor: DTYPE_ORDER.index(tensor.dtype))
            ends = [tensor.start + tensor.size for tensor in tensors]
            if all(tensor.start == end for tensor, end in zip(tensors[1:], ends, strict=False)):
                spans[layer] = tensors[0].start, ends[-1] - tensors[0].start
        return spans

    @property
    def digest(self) -> str:
        """BLAKE3 of everything that decides what the adapter does: names, scales, shapes, formats and numbers.

        Raises:
            WeightsNotFinite, PackageUnreadable, PackageChanged: as `scan`.
        """
        return self.scan.digest

    def verify(self) -> None:
        """Check the numbers: finite, and those the manifest was written for.

        Raises:
            DigestMismatch: they are another training's.
            WeightsNotFinite, PackageUnreadable, PackageChanged: as `scan`.
        """
        found = self.digest
        if self.manifest and self.manifest.digest != found:
            raise DigestMismatch(self.folder, self.manifest.digest, found)

    @cached_property
    def scan(self) -> WeightScan:
        """Look at every number once; later asks are answered from memory.

        Raises:
            WeightsNotFinite: one is infinite or not a number.
            PackageUnreadable, PackageChanged: the file cannot be read any more, or is another one.
        """
        scales = {pair.a.name: pair.scale for pair in self.pairs()}
        tensors = sorted(self.file.tensors.values(), key=lambda tensor: (DTYPE_ORDER.index(tensor.dtype), tensor.name))
        facts = ["consilium adapter 1"]
        facts += [f"{t.name}\0{t.dtype}\0{t.rows}\0{t.columns}\0{scales.get(t.name, '')}" for t in tensors]
        hasher = blake3("".join(f"{fact}\n" for fact in facts).encode())
        largest = 0.0
        buffer = np.empty(_CHUNK_BYTES, np.uint8)
        with self.file.reader() as reader:
            for dtype, start, size in _chunks(tensors):
                chunk = buffer[:size]
                reader.read(start, [chunk.data])
                hasher.update(chunk.data)
                largest = max(largest, here := max_magnitude(chunk.view(dtype.storage), dtype))
                if here == float("inf"):
                    raise WeightsNotFinite(self.file.path, self._find_infinite_tensor(start, chunk, dtype))
        return WeightScan(hasher.hexdigest(), largest)

    def _find_infinite_tensor(self, start: int, chunk: Array, dtype: Dtype) -> str:
        magnitudes = chunk.view(f"<u{dtype.size}") & ((1 << (8 * dtype.size - 1)) - 1)
        at = start + int(np.argmax(magnitudes >= dtype.infinity_bits)) * dtype.size
        return next(t.name for t in self.file.tensors.values() if t.start <= at < t.start + t.size)


def _chunks(tensors: Iterable[Tensor]) -> Iterator[tuple[Dtype, int, int]]:
    """Format, start and size of pieces to read one after the other: neighbours together, the large in parts."""
    joined: list[tuple[Dtype, int, int]] = []
    for tensor in tensors:
        if joined and joined[-1][0] is tensor.dtype and sum(joined[-1][1:]) == tensor.start:
            joined[-1] = tensor.dtype, joined[-1][1], joined[-1][2] + tensor.size
        else:
            joined.append((tensor.dtype, tensor.start, tensor.size))
    for dtype, start, size in joined:
        for done in range(0, size, _CHUNK_BYTES):
            yield dtype, start + done, min(_CHUNK_BYTES, size - done)


def _layer_group_key(pairs: Iterable[FactorPair]) -> tuple[object, ...]:
    return tuple((p.module, p.scale, p.rank, p.a.columns, p.b.rows, p.a.dtype, p.b.dtype) for p in pairs)


def _open_weights(folder: Path) -> TensorFile:
    weights = folder / WEIGHTS_FILE
    if not os.path.lexists(weights):
        for name in _PICKLE_FILES:
            if os.path.lexists(folder / name):
                raise _pickle_error(folder / name, weights)
    try:
        return TensorFile(folder, WEIGHTS_FILE)
    except WeightsDamaged:
        with os.fdopen(open_in_folder(folder, WEIGHTS_FILE), "rb") as file:
            head = file.read(4)
        if head == _ZIP_MAGIC or (head[:1] == b"\x80" and head[1:2] in b"\2\3\4\5"):
            raise _pickle_error(weights, weights) from None
        raise


def _pickle_error(pickle: Path, weights: Path) -> PickledWeights:
    tensors = f"torch.load({str(pickle)!r}, map_location='cpu', weights_only=True)"
    saving = f"save_file({{k: v.contiguous() for k, v in {tensors}.items()}}, {str(weights)!r})"
    code = f"import torch; from safetensors.torch import save_file; {saving}"
    return PickledWeights(pickle, shlex.join(["python", "-c", code]))
