"""Which linear modules the layers of each type of model have, and how wide they are by the model's configuration.

The names and formulas are those of transformers' models; a test builds each of them and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol

MODULE_PATHS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "conv.in_proj": "conv.in_proj",
        "conv.out_proj": "conv.out_proj",
        "w1": "feed_forward.w1",
        "w2": "feed_forward.w2",
        "w3": "feed_forward.w3",
        "in_proj_a": "linear_attn.in_proj_a",
        "in_proj_b": "linear_attn.in_proj_b",
        "in_proj_ba": "linear_attn.in_proj_ba",
        "in_proj_qkv": "linear_attn.in_proj_qkv",
        "in_proj_qkvz": "linear_attn.in_proj_qkvz",
        "in_proj_z": "linear_attn.in_proj_z",
        "linear_attn.out_proj": "linear_attn.out_proj",
        "down_proj": "mlp.down_proj",
        "gate_proj": "mlp.gate_proj",
        "gate_up_proj": "mlp.gate_up_proj",
        "up_proj": "mlp.up_proj",
        "k_proj": "self_attn.k_proj",
        "o_proj": "self_attn.o_proj",
        "self_attn.out_proj": "self_attn.out_proj",
        "q_proj": "self_attn.q_proj",
        "qkv_proj": "self_attn.qkv_proj",
        "v_proj": "self_attn.v_proj",
    }
)
"""Where each adaptable module sits inside a layer, in the order of its path.

A name is what PEFT looks for at the end of a module's path, so those that occur in several places tell theirs.
"""

Shape = tuple[int, int]
"""Input and output features."""


class Numbers(Protocol):
    """A model's configuration."""

    def number(self, key: str, default: int | None = None) -> int:
        """The positive integer at `key`."""
        ...

    def layer_kinds(self, default: Callable[[int], str]) -> list[str]:
        """What `layer_types` says of each layer; `default` says it where the configuration does not."""
        ...

    def option(self, key: str, default: float | None) -> float | None:
        """The number or truth value at `key`."""
        ...


@dataclass(frozen=True, slots=True)
class Attention:
    """The widths of a layer's attention."""

    hidden: int
    query: int
    key: int

    def separate(self, output: str = "o_proj", *, gated: bool = False) -> dict[str, Shape]:
        """q, k, v and the output; a gated query brings its gate along."""
        return {
            "q_proj": (self.hidden, self.query * (2 if gated else 1)),
            "k_proj": (self.hidden, self.key),
            "v_proj": (self.hidden, self.key),
            output: (self.query, self.hidden),
        }

    def fused(self) -> dict[str, Shape]:
        """q, k and v in one module, and the output."""
        return {"qkv_proj": (self.hidden, self.query + 2 * self.key), "o_proj": (self.query, self.hidden)}


@dataclass(frozen=True, slots=True)
class Family:
    """How the layers of a type of model are built."""

    attention: str = "separate"
    """`separate`, `fused`, `gated`, or `out_proj` where the output is called so."""
    mlp: str = "separate"
    """`separate`, `fused`, `w123`, or `none` where it is experts, or otherwise not adaptable."""
    mixer: str = ""
    """What layers that have no attention have instead: `delta_fused`, `delta` or `conv`."""
    defaults: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Numbers that a configuration may leave out, and that do not follow from others."""

    def attention_modules(self, config: Numbers) -> dict[str, Shape]:
        """The modules of a layer's attention."""
        hidden, heads = config.number("hidden_size"), self._number(config, "num_attention_heads")
        head = config.number("head_dim", self.defaults.get("head_dim", hidden // heads))
        keys = config.number("num_key_value_heads", self.defaults.get("num_key_value_heads", heads))
        attention = Attention(hidden, heads * head, keys * head)
        if self.attention == "fused":
            return attention.fused()
        output = "self_attn.out_proj" if self.attention == "out_proj" else "o_proj"
        return attention.separate(output, gated=self.attention == "gated")

    def mlp_modules(self, config: Numbers) -> dict[str, Shape]:
        """The modules of a layer's MLP."""
        if self.mlp == "none":
            return {}
        hidden = config.number("hidden_size")
        if self.mlp == "w123":
            inner = _lfm2_width(config)
            return {"w1": (hidden, inner), "w3": (hidden, inner), "w2": (inner, hidden)}
        inner = config.number("intermediate_size")
        if self.mlp == "fused":
            return {"gate_up_proj": (hidden, 2 * inner), "down_proj": (inner, hidden)}
        return {"gate_proj": (hidden, inner), "up_proj": (hidden, inner), "down_proj": (inner, hidden)}

    def mixer_modules(self, config: Numbers) -> dict[str, Shape]:
        """The modules that stand for attention in the other layers."""
        hidden = config.number("hidden_size")
        if self.mixer == "conv":
            return {"conv.in_proj": (hidden, 3 * hidden), "conv.out_proj": (hidden, hidden)}
        keys = config.number("linear_num_key_heads", 16) * config.number("linear_key_head_dim", 128)
        heads = config.number("linear_num_value_heads", 32)
        values = heads * config.number("linear_value_head_dim", 128)
        output = {"linear_attn.out_proj": (values, hidden)}
        if self.mixer == "delta_fused":
            return output | {"in_proj_qkvz": (hidden, 2 * keys + 2 * values), "in_proj_ba": (hidden, 2 * heads)}
        return output | {
            "in_proj_qkv": (hidden, 2 * keys + values),
            "in_proj_z": (hidden, values),
            "in_proj_b": (hidden, heads),
            "in_proj_a": (hidden, heads),
        }

    def attention_layers(self, config: Numbers) -> Iterator[int]:
        """The layers with attention; all, unless there is a mixer."""
        if not self.mixer:
            yield from range(config.number("num_hidden_layers"))
            return
        attention = "full_attention"
        interval = config.number("full_attention_interval", 4)
        kinds = config.layer_kinds(
            lambda layer: attention if self.mixer == "conv" or not (layer + 1) % interval else "linear_attention"
        )
        yield from (layer for layer, kind in enumerate(kinds) if kind == attention)

    def _number(self, config: Numbers, key: str) -> int:
        return config.number(key, self.defaults.get(key))


def _lfm2_width(config: Numbers) -> int:
    """The inner width of LFM2's MLP, which is rounded up to a multiple."""
    inner = config.number("block_ff_dim", config.number("intermediate_size", 12288))
    if not config.option("block_auto_adjust_ff_dim", 1.0):
        return inner
    inner = int(2 * inner / 3)
    factor = config.option("block_ffn_dim_multiplier", 1.0)
    if factor is None:
        return inner
    multiple = config.number("block_multiple_of", 256)
    return multiple * -(-int(factor * inner) // multiple)


def _with_head(head_dim: int, **more: int) -> Mapping[str, int]:
    return MappingProxyType({"head_dim": head_dim, **more})


_DENSE: Final = Family()
_NO_MLP: Final = Family(mlp="none")

FAMILIES: Final[Mapping[str, Family]] = MappingProxyType(
    dict.fromkeys(
        ("cohere", "exaone4", "granite", "llama", "ministral", "mistral", "olmo", "olmo2", "olmo3", "qwen2", "smollm3"),
        _DENSE,
    )
    | dict.fromkeys(("apertus", "mixtral", "olmoe", "qwen2_moe", "qwen3_moe", "starcoder2"), _NO_MLP)
    | {
        "cohere2": Family(defaults=_with_head(128)),
        "ernie4_5": Family(defaults=_with_head(128)),
        "gemma": Family(defaults=_with_head(256)),
        "gemma2": Family(defaults=_with_head(256)),
        "gemma3_text": Family(
            defaults=_with_head(256, num_attention_heads=8, num_key_value_heads=4, max_position_embeddings=131072)
        ),
        "glm": Family(mlp="fused", defaults=_with_head(128)),
        "glm4": Family(mlp="fused", defaults=_with_head(128)),
        "gpt_oss": Family(mlp="none", defaults=_with_head(64)),
        "lfm2": Family(attention="out_proj", mlp="w123", mixer="conv"),
        "ministral3": Family(defaults=_with_head(128)),
        "phi3": Family(attention="fused", mlp="fused"),
        "qwen3": Family(defaults=_with_head(128)),
        "qwen3_5_text": Family(attention="gated", mixer="delta", defaults=_with_head(256)),
        "qwen3_next": Family(attention="gated", mlp="none", mixer="delta_fused", defaults=_with_head(256)),
        "seed_oss": Family(defaults=_with_head(128)),
    }
)
"""By the `model_type` of a configuration."""


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A model of several kinds of input, with the language model inside."""

    text_type: str
    """The type of the language model where `text_config` does not say it."""
    prefix: str
    """Path of the language model's layers, in the class that transformers answers texts with."""


WRAPPERS: Final[Mapping[str, Wrapper]] = MappingProxyType(
    {
        "gemma3": Wrapper("gemma3_text", "model.language_model.layers"),
        "mistral3": Wrapper("mistral", "model.language_model.layers"),
        "qwen3_5": Wrapper("qwen3_5_text", "model.layers"),
    }
)
"""By the `model_type` of a configuration that has the language model's in `text_config`."""
