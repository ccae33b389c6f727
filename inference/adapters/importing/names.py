"""What a tensor's name says, in the many ways in which trainers write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from inference.base_model import MODULE_PATHS

_WRAPPERS: Final = frozenset(
    {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_fpw_module", "_forward_module"}
)
"""Parts that DistributedDataParallel, torch.compile, FSDP and gradient checkpointing put into a name."""
_FACTOR = re.compile(r"(?P<path>.+)\.lora_(?P<factor>[AB])(?:\.(?P<adapter>[^.]+))?\.weight")
_MLX_FACTOR = re.compile(r"(?P<path>.+)\.lora_(?P<factor>[ab])")
_IN_LAYER = re.compile(r"(?P<prefix>(?:[A-Za-z_]\w*\.)*)layers\.(?P<layer>0|[1-9]\d{0,3})\.(?P<inner>.+)")
_SAVED_MODULE = re.compile(r"\.modules_to_save(?:\.[^.]+)?(?=\.(?:weight|bias)$)|\.base_layer(?=\.(?:weight|bias)$)")
_OTHER_SENSES = re.compile(r"(?:^|[._])(?:vision|visual|audio|image|speech|video|vit|mm|multi_modal\w*)(?:[._]|$)")
_TEXT_PREFIXES: Final = frozenset(
    {
        "", "model.", "model.model.", "language_model.", "language_model.model.", "model.language_model.",
        "model.language_model.model.", "text_model.", "model.text_model.",
    }
)  # fmt: skip
"""Where the language model's layers are, by version of transformers and by the class that was trained."""


class Beside(Enum):
    """What a tensor is that is no factor of a linear module in a layer."""

    WHOLE = "whole modules or biases"
    OUTER_LORA = "a LoRA of the head or of the embeddings"
    INNER_BIAS = "biases inside the products (lora_bias)"
    TOKENS = "embeddings of added tokens"
    OTHER_SENSE = "what images and sounds go through"
    ORIGINAL = "copies of the base model's own modules"
    DORA = "magnitudes (DoRA)"
    TORCHTUNE = "names of torchtune's own"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FactorName:
    """A factor of a linear module in a layer."""

    layer: int
    module: str
    """As in `MODULE_PATHS`."""
    factor: str
    """`A` or `B`."""
    path: str
    """The module's path in the model that was trained, as PEFT looks up patterns."""
    adapter: str = ""
    """The adapter's name, where it is left in."""


@dataclass(frozen=True, slots=True)
class BesideName:
    """Any other tensor."""

    kind: Beside
    key: str
    """Where the base model has such a tensor, its name there."""


_MODULES: Final = {path: module for module, path in MODULE_PATHS.items()}


def read_name(name: str, *, mlx: bool = False) -> FactorName | BesideName:
    """What the name of a tensor says.

    Args:
        mlx: whether it is one of mlx-lm, which writes `lora_a` and `lora_b`.
    """
    clean = ".".join(part for part in name.split(".") if part not in _WRAPPERS)
    while (shorter := clean.removeprefix("base_model.model.")) != clean:
        clean = shorter
    found = (_MLX_FACTOR if mlx else _FACTOR).fullmatch(clean)
    if not found:
        return BesideName(_classify(clean), _SAVED_MODULE.sub("", clean))
    path = found["path"]
    if _OTHER_SENSES.search(path):
        return BesideName(Beside.OTHER_SENSE, clean)
    place = _IN_LAYER.fullmatch(path)
    if place and place["prefix"] in _TEXT_PREFIXES and place["inner"] in _MODULES:
        adapter = "" if mlx else found["adapter"] or ""
        return FactorName(int(place["layer"]), _MODULES[place["inner"]], found["factor"].upper(), path, adapter)
    is_outer = path.rpartition(".")[2] in ("lm_head", "embed_tokens", "score", "output", "wte", "embed_out")
    return BesideName(Beside.OUTER_LORA if is_outer else Beside.UNKNOWN, clean)


def _classify(name: str) -> Beside:
    """What a tensor is whose name is no factor's."""
    for mark, kind in (
        (".original_module.", Beside.ORIGINAL),
        ("lora_magnitude_vector", Beside.DORA),
        ("lora_embedding_", Beside.OUTER_LORA),
        ("trainable_tokens", Beside.TOKENS),
        ("token_adapter", Beside.TOKENS),
    ):
        if mark in name:
            return kind
    if re.search(r"\.lora_B(\.[^.]+)?\.bias$", name):
        return Beside.INNER_BIAS
    if re.search(r"\.lora_[ab]\.weight$", name):
        return Beside.TORCHTUNE
    if "lora_" in name:
        return Beside.UNKNOWN
    if _OTHER_SENSES.search(name):
        return Beside.OTHER_SENSE
    return Beside.WHOLE if name.endswith((".weight", ".bias")) else Beside.UNKNOWN
