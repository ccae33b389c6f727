"""The base model as adapters see it: which linear modules it has, how wide, in how many layers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from consilium.errors import N_
from inference.base_families import FAMILIES, MODULE_PATHS, WRAPPERS
from inference.errors import InferenceError

__all__ = ["FAMILIES", "MODULE_PATHS", "WRAPPERS", "BaseConfigInvalid", "BaseModelSpec", "BaseNotAdaptable"]


class BaseConfigInvalid(InferenceError):
    """The base model's `config.json` cannot be read, or lacks a number the modules' shapes follow from."""

    sentence = N_("The base model's configuration {path} cannot be used: {problem}.")
    remedy = N_("Fetch config.json again from where the model came from.")

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(path=path, problem=problem)


class BaseNotAdaptable(InferenceError):
    """The base model is of a type whose linear modules are not the ones adapters are made of here."""

    sentence = N_("{path} is a model of type “{model_type}”, which adapters cannot be composed for.")
    remedy = N_("Use a base model of one of these types: {known}.")

    def __init__(self, path: Path, model_type: str, known: str) -> None:
        super().__init__(path=path, model_type=model_type, known=known)


@dataclass(frozen=True, slots=True)
class BaseModelSpec:
    """A base model's shape. Two bases with equal shape and name take the same adapters."""

    name: str
    layers: int
    modules: Mapping[str, tuple[int, int]] = field(hash=False)
    """Adaptable modules: name to (input, output) features."""
    prefix: str
    """Path of the list of layers in a checkpoint, `model.layers`."""
    context_length: int
    """Longest prompt and answer together, in tokens."""
    partial: Mapping[str, frozenset[int]] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """The layers of modules that not every layer has, in models with layers of several kinds."""

    @classmethod
    def from_config(cls, config_path: Path, name: str) -> Self:
        """Read the shape from a `config.json` as transformers writes it.

        Raises:
            BaseConfigInvalid: the file is missing, is not JSON, or lacks a needed number.
            BaseNotAdaptable: the model type has other modules.
        """
        config = _ConfigReader.from_file(config_path)
        prefix, model_type = "model.layers", config.text("model_type")
        if wrapper := WRAPPERS.get(model_type):
            prefix, config = wrapper.prefix, config.inner("text_config")
            model_type = config.text("model_type", wrapper.text_type)
        if model_type not in FAMILIES:
            raise BaseNotAdaptable(config_path, model_type, ", ".join(sorted(FAMILIES.keys() | WRAPPERS.keys())))
        family = FAMILIES[model_type]
        layers = config.number("num_hidden_layers")
        attention, mixer = family.attention_modules(config), family.mixer_modules(config) if family.mixer else {}
        partial: dict[str, frozenset[int]] = {}
        if mixer:
            attended = frozenset(family.attention_layers(config))
            partial = dict.fromkeys(attention, attended)
            partial |= dict.fromkeys(mixer, frozenset(range(layers)) - attended)
        return cls(
            name=name,
            layers=layers,
            modules=MappingProxyType(attention | mixer | family.mlp_modules(config)),
            prefix=prefix,
            context_length=config.number("max_position_embeddings", family.defaults.get("max_position_embeddings")),
            partial=MappingProxyType(partial),
        )

    def has_module(self, layer: int, module: str) -> bool:
        """Whether this layer has a module of this name."""
        return module in self.modules and (module not in self.partial or layer in self.partial[module])


class _ConfigReader:
    """A JSON object that says which key is missing or of the wrong kind."""

    def __init__(self, path: Path, values: dict[str, Any]) -> None:
        self.path = path
        self.values = values

    @classmethod
    def from_file(cls, path: Path) -> Self:
        try:
            values = json.loads(path.read_bytes())
        except OSError as error:
            raise BaseConfigInvalid(path, error.strerror or str(error)) from error
        except (ValueError, RecursionError) as error:
            raise BaseConfigInvalid(path, f"it is not JSON ({error})") from error
        if not isinstance(values, dict):
            raise BaseConfigInvalid(path, "it is not a JSON object")
        return cls(path, values)

    def inner(self, key: str) -> Self:
        """The object at `key`."""
        values = self.values.get(key)
        if not isinstance(values, dict):
            raise BaseConfigInvalid(self.path, f"“{key}” is missing")
        return type(self)(self.path, values)

    def layer_kinds(self, default: Callable[[int], str]) -> list[str]:
        """What `layer_types` says of each layer; `default` says it where the configuration does not."""
        count = self.number("num_hidden_layers")
        kinds = self.values.get("layer_types")
        if kinds is None:
            attended = self.values.get("full_attn_idxs")
            if isinstance(attended, list):
                return ["full_attention" if layer in attended else "" for layer in range(count)]
            return [default(layer) for layer in range(count)]
        if not isinstance(kinds, list) or len(kinds) != count:
            raise BaseConfigInvalid(self.path, "“layer_types” does not name the kind of each layer")
        return [str(kind) for kind in kinds]

    def option(self, key: str, default: float | None) -> float | None:
        """The number or truth value at `key`; null is kept, as it is by transformers."""
        value = self.values.get(key, default)
        if value is not None and not isinstance(value, int | float):
            raise BaseConfigInvalid(self.path, f"“{key}” is {json.dumps(value)[:40]} where a number belongs")
        return value

    def number(self, key: str, default: int | None = None) -> int:
        """The positive integer at `key`; null counts as missing, as it does in transformers."""
        value = self.values.get(key)
        if value is None and default is not None:
            value = default
        if value is None:
            raise BaseConfigInvalid(self.path, f"“{key}” is missing")
        if type(value) is not int or value < 1:
            raise BaseConfigInvalid(
                self.path, f"“{key}” is {json.dumps(value)[:40]} where a positive whole number belongs"
            )
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """The text at `key`."""
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise BaseConfigInvalid(self.path, f"“{key}” is missing")
        return value
