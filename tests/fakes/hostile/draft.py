"""A sound package in the safe form, in memory: what mutations of hostile packages start from."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from inference.adapters.config import safe_form_config
from inference.adapters.dtypes import Array, Dtype
from inference.base_model import MODULE_PATHS, BaseModelSpec
from tests.fakes.adapters import ATTENTION, from_float32, tensor_name

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"

Header = dict[str, Any]


class Bar(StrEnum):
    """What must refuse a package; `check_safe` must refuse all."""

    SOUND = "open/check"
    """Opening it, or checking it against the base: it may not even be composed."""
    SAFE = "safe"
    """Only `check_safe`: it may be composed."""


class Draft:
    """A package that is about to be written.

    Attributes:
        tensors: float32 numbers and the format they are written in, by name.
        settings: `adapter_config.json`; `settings_text` in its place when that is set.
        header_edits: change the header of the weights, or return a text in its place.
        raw_edits: change the whole file of weights.
        tricks: change the folder once everything is in it.
    """

    def __init__(self, base: BaseModelSpec, chance: random.Random) -> None:
        self.base, self.chance = base, chance
        self.numbers = np.random.default_rng(chance.randrange(1 << 32))
        self.rank = chance.choice((1, 2, 4))
        self.dtype = chance.choice(list(Dtype))
        self.modules = list(chance.choice((ATTENTION, tuple(base.modules))))
        self.layers = sorted(chance.sample(range(base.layers), chance.randint(1, 3)))
        self.tensors: dict[str, tuple[Array, Dtype]] = {}
        for layer in self.layers:
            for module in self.modules:
                self.put(layer, module)
        self.settings: dict[str, Any] = {}
        self.settle()
        self.settings_text: bytes | None = None
        self.header_edits: list[Callable[[Header], Header | str | bytes | None]] = []
        self.raw_edits: list[Callable[[bytes], bytes]] = []
        self.tricks: list[Callable[[Path], object]] = []

    def put(self, layer: int, module: str, rank: int | None = None, base: BaseModelSpec | None = None) -> None:
        """Add both factors of a module, or replace them."""
        inputs, outputs = (base or self.base).modules[module]
        rank = rank or self.rank
        for factor, shape in (("A", (rank, inputs)), ("B", (outputs, rank))):
            values = (0.05 * self.numbers.standard_normal(shape)).astype(np.float32)
            self.tensors[tensor_name(layer, module, factor)] = values, self.dtype

    def drop(self, layer: int, module: str) -> None:
        for factor in "AB":
            del self.tensors[tensor_name(layer, module, factor)]

    def settle(self) -> None:
        """Write the settings of the safe form for the tensors as they are now."""
        present = {
            layer: {module for module in self.modules if tensor_name(layer, module, "A") in self.tensors}
            for layer in self.layers
        }
        modules = sorted(set().union(*present.values()))
        absent = [
            f"{self.base.prefix}.{layer}.{MODULE_PATHS[module]}"
            for layer, here in present.items()
            for module in modules
            if module not in here
        ]
        layers = self.layers if len(self.layers) < self.base.layers else None
        self.settings = json.loads(safe_form_config(self.base.name, self.rank, modules, layers, absent))

    def pick(self, factor: str = "") -> str:
        """The name of one of the tensors."""
        return self.chance.choice([name for name in self.tensors if f"lora_{factor}" in name])

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        settings = self.settings_text
        (folder / CONFIG).write_bytes(json.dumps(self.settings).encode() if settings is None else settings)
        (folder / WEIGHTS).write_bytes(self._weights())
        for trick in self.tricks:
            trick(folder)

    def _weights(self) -> bytes:
        header: Header = {}
        data = bytearray()
        for name, (values, dtype) in self.tensors.items():
            start = len(data)
            data += from_float32(values, dtype).tobytes()
            header[name] = {"dtype": dtype.value, "shape": list(values.shape), "data_offsets": [start, len(data)]}
        text: str | bytes = ""
        for edit in self.header_edits:
            edited = edit(header)
            if isinstance(edited, dict):
                header = edited
            elif edited is not None:
                text = edited
        raw = text or json.dumps(header, separators=(",", ":"))
        head = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
        weights = struct.pack("<Q", len(head)) + head + bytes(data)
        for change in self.raw_edits:
            weights = change(weights)
        return weights


Apply = Callable[[Draft], None]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way to spoil a package."""

    label: str
    bar: Bar
    apply: Apply


class Family:
    """Mutations of one part of a package; those of different families do not mend each other."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.mutations: list[Mutation] = []

    def mutation(self, bar: Bar) -> Callable[[Apply], Apply]:
        """Register a function as a mutation; its name is the label."""

        def register(apply: Apply) -> Apply:
            self.mutations.append(Mutation(apply.__name__.strip("_").replace("_", " "), bar, apply))
            return apply

        return register

    def add(self, label: str, bar: Bar, apply: Apply) -> None:
        self.mutations.append(Mutation(label, bar, apply))
