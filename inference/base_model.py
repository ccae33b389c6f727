"""The base model as adapters see it: which linear modules it has, how wide, in how many layers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from consilium.errors import N_
from inference.errors import InferenceError

MODULE_PATHS: Mapping[str, str] = MappingProxyType(
    {
        "down_proj": "mlp.down_proj",
        "gate_proj": "mlp.gate_proj",
        "up_proj": "mlp.up_proj",
        "k_proj": "self_attn.k_proj",
        "o_proj": "self_attn.o_proj",
        "q_proj": "self_attn.q_proj",
        "v_proj": "self_attn.v_proj",
    }
)
"""Where each adaptable module sits inside a layer, in the order of its path."""

DENSE_MODELS = frozenset(
    {
        "cohere", "cohere2", "ernie4_5", "exaone4", "gemma", "gemma2", "gemma3_text", "granite", "llama", "ministral",
        "mistral", "olmo", "olmo2", "olmo3", "qwen2", "qwen3", "seed_oss", "smollm3",
    }
)  # fmt: skip
"""Model types whose layers hold exactly the seven modules of `MODULE_PATHS`."""

ATTENTION_ONLY_MODELS = frozenset(
    {"apertus", "glm", "glm4", "mixtral", "olmoe", "qwen2_moe", "qwen3_moe", "starcoder2"}
)
"""Model types with the four attention modules and an MLP that is not adaptable: experts, or fused."""


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
    """Adaptable modules of every layer: name to (input, output) features."""
    prefix: str
    """Path of the list of layers in a checkpoint, `model.layers`."""
    context_length: int
    """Longest prompt and answer together, in tokens."""

    @classmethod
    def from_config(cls, config_path: Path, name: str) -> Self:
        """Read the shape from a `config.json` as transformers writes it.

        Raises:
            BaseConfigInvalid: the file is missing, is not JSON, or lacks a needed number.
            BaseNotAdaptable: the model type has other modules.
        """
        config = _ConfigReader(config_path)
        model_type = config.text("model_type")
        known = DENSE_MODELS | ATTENTION_ONLY_MODELS
        if model_type not in known:
            raise BaseNotAdaptable(config_path, model_type, ", ".join(sorted(known)))
        hidden, heads = config.number("hidden_size"), config.number("num_attention_heads")
        head = config.number("head_dim", hidden // heads)
        query, key = heads * head, config.number("num_key_value_heads", heads) * head
        modules = {
            "q_proj": (hidden, query),
            "k_proj": (hidden, key),
            "v_proj": (hidden, key),
            "o_proj": (query, hidden),
        }
        if model_type in DENSE_MODELS:
            inner = config.number("intermediate_size")
            modules |= {"gate_proj": (hidden, inner), "up_proj": (hidden, inner), "down_proj": (inner, hidden)}
        return cls(
            name=name,
            layers=config.number("num_hidden_layers"),
            modules=MappingProxyType(modules),
            prefix="model.layers",
            context_length=config.number("max_position_embeddings"),
        )


class _ConfigReader:
    """A JSON object that says which key is missing or of the wrong kind."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            values = json.loads(path.read_bytes())
        except OSError as error:
            raise BaseConfigInvalid(path, error.strerror or str(error)) from error
        except (ValueError, RecursionError) as error:
            raise BaseConfigInvalid(path, f"it is not JSON ({error})") from error
        if not isinstance(values, dict):
            raise BaseConfigInvalid(path, "it is not a JSON object")
        self.values: dict[str, Any] = values

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

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str):
            raise BaseConfigInvalid(self.path, f"“{key}” is missing")
        return value
