"""`adapter_config.json`: read with PEFT's meaning, refused where its meaning is not a plain sum of products."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from inference.adapters.errors import AdapterUnsupported
from inference.adapters.files import read_json

CONFIG_FILE = "adapter_config.json"

MAX_RANK = 4096

_MAX_PATTERN_LENGTH = 200
_MAX_PATTERNS = 1024
_MAX_BACKTRACKING_PATTERNS = 8
_MAX_QUANTIFIERS = 3
_Number = TypeVar("_Number", int, float)

_QUANTIFIER = re.compile(r"[*+?{]")
_GROUP = re.compile(r"[(|]")
_UNBOUNDED = re.compile(r"\)[*+?{]|\\[0-9gk]|\(\?(?!:)")

Rank = Annotated[int, Field(ge=1, le=MAX_RANK)]
Alpha = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]

Names = Annotated[frozenset[str], Field(strict=False)]
Layers = Annotated[frozenset[int], Field(strict=False), BeforeValidator(lambda v: [v] if type(v) is int else v)]

_PLAIN_LORA_VALUES: dict[str, tuple[object, str]] = {
    "use_dora": (False, "DoRA"),
    "modules_to_save": ((), "whole modules of its own (modules_to_save)"),
    "trainable_token_indices": ((), "added tokens (trainable_token_indices)"),
    "bias": ("none", "trained biases"),
    "lora_bias": (False, "a bias inside the product (lora_bias)"),
    "fan_in_fan_out": (False, "transposed layers (fan_in_fan_out)"),
    "layer_replication": ((), "repeated layers (layer_replication)"),
    "target_parameters": ((), "bare parameters (target_parameters)"),
    "alora_invocation_tokens": ((), "activation tokens (aLoRA)"),
    "use_qalora": (False, "QA-LoRA"),
    "use_bdlora": ((), "block-diagonal factors"),
    "arrow_config": ((), "Arrow routing"),
    "monteclora_config": ((), "sampled factors (MonteCLoRA)"),
    "kasa_config": ((), "singular values of its own (KaSA)"),
}
"""Settings that change what the weights mean: the value of plain LoRA, and how to name anything else."""

_BASE_CHANGING = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Initialisations that change the base model, so that the delta saved is not the whole difference from the base."""


class AdapterConfig(BaseModel):
    """The settings that decide what the tensors beside them mean."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, protected_namespaces=())

    peft_type: str = "LORA"
    base_model_name_or_path: str | None = None
    r: Rank
    lora_alpha: Alpha
    use_rslora: bool = False
    rank_pattern: dict[str, Rank] | None = None
    alpha_pattern: dict[str, Alpha] | None = None
    target_modules: Names | str | None = None
    exclude_modules: Names | str | None = None
    layers_to_transform: Layers | None = None
    init_lora_weights: bool | str | None = True

    @classmethod
    def load(cls, folder: Path) -> AdapterConfig:
        """Read and judge the configuration of the package in `folder`.

        Raises:
            PackageUnreadable, PathOutsideFolder, DocumentInvalid: the file is not there or not such a file.
            AdapterUnsupported: it describes more than low-rank products on linear modules.
        """
        config = read_json(folder, CONFIG_FILE, cls)
        for feature in config._unsupported_features():
            raise AdapterUnsupported(folder, feature)
        return config

    def _unsupported_features(self) -> Iterator[str]:
        """What the adapter uses that plain LoRA does not have."""
        if self.peft_type.upper() != "LORA":
            yield f"{self.peft_type[:40]} instead of LoRA"
        extra: dict[str, Any] = self.model_extra or {}
        for key, (plain, feature) in _PLAIN_LORA_VALUES.items():
            value = extra.get(key)
            if value and value != plain:
                yield feature
        start = str(self.init_lora_weights).lower()
        if start.startswith(_BASE_CHANGING):
            yield f"an initialisation that changes the base model ({start[:20]})"
        patterns = [*(self.rank_pattern or ()), *(self.alpha_pattern or ())]
        if len(patterns) > _MAX_PATTERNS:
            yield f"more than {_MAX_PATTERNS} patterns"
        if sum(_can_backtrack(pattern) for pattern in patterns) > _MAX_BACKTRACKING_PATTERNS:
            yield f"more than {_MAX_BACKTRACKING_PATTERNS} patterns with choices in them"
        for pattern in patterns:
            if not _is_bounded(pattern):
                yield f"a pattern that is not safe to evaluate ({pattern[:40]})"

    def rank_of(self, path: str) -> int:
        """The rank of the module at `path`, such as `model.layers.0.self_attn.q_proj`."""
        return _first_match(self.rank_pattern, path, self.r)

    def scale_of(self, path: str) -> float:
        """What the module's product is multiplied by: alpha/rank, or alpha/sqrt(rank) for rsLoRA."""
        rank, alpha = self.rank_of(path), _first_match(self.alpha_pattern, path, self.lora_alpha)
        return float(alpha / rank**0.5 if self.use_rslora else alpha / rank)

    def targets(self, path: str, layer: int) -> bool:
        """Whether PEFT would adapt the module at `path`.

        A regular expression in place of the list of modules is not evaluated: the tensors say what was trained.
        """
        names = {path.split(".", skip)[-1] for skip in range(path.count(".") + 1)}
        if isinstance(self.exclude_modules, frozenset) and not names.isdisjoint(self.exclude_modules):
            return False
        if isinstance(self.target_modules, frozenset) and names.isdisjoint(self.target_modules):
            return False
        return not self.layers_to_transform or layer in self.layers_to_transform


def _first_match(patterns: dict[str, _Number] | None, path: str, default: _Number) -> _Number:
    """The value of the first pattern that matches the end of `path`, as PEFT looks it up."""
    for pattern, value in (patterns or {}).items():
        if _compile(pattern).match(path):
            return value
    return default


def _can_backtrack(pattern: str) -> bool:
    """Whether there is more than one way to match it, so that not matching it may take many tries."""
    return bool(_QUANTIFIER.search(pattern) or _GROUP.search(pattern))


def _is_bounded(pattern: str) -> bool:
    """Whether matching takes a bounded number of tries: nothing repeats a group, and there are few choices.

    Each further repetition or group multiplies the tries; nothing else about a pattern tells what they come to.
    """
    if len(pattern) > _MAX_PATTERN_LENGTH or _UNBOUNDED.search(pattern):
        return False
    if len(_QUANTIFIER.findall(pattern)) + pattern.count("(") > _MAX_QUANTIFIERS:
        return False
    try:
        _compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


@lru_cache(maxsize=_MAX_PATTERNS)
def _compile(pattern: str) -> re.Pattern[str]:
    """The pattern as PEFT looks for it: at the end of a module's path, from a dot on."""
    return re.compile(rf"(.*\.)?({pattern})$")


def safe_form_config(
    base_name: str, rank: int, modules: Sequence[str], layers: Sequence[int] | None, absent: Sequence[str]
) -> bytes:
    """The `adapter_config.json` of a package in the safe form: no setting PEFT and engines could read differently.

    Args:
        base_name: the base model.
        rank: of every module; `lora_alpha` equals it, so the scale is 1.
        modules: every module present in some layer.
        layers: the layers adapted, when they are not all.
        absent: paths of modules that some adapted layer has and others do not; PEFT would create them.
    """
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        "r": rank,
        "lora_alpha": rank,
        "target_modules": list(modules),
        "exclude_modules": list(absent) or None,
        "layers_to_transform": layers and list(layers),
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        "use_rslora": False,
        "use_dora": False,
        "modules_to_save": None,
        "rank_pattern": {},
        "alpha_pattern": {},
    }
    return json.dumps(settings).encode() + b"\n"
