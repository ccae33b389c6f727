"""`adapter_config.json`: read with PEFT's meaning, refused where its meaning is not a plain sum of products."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from inference.adapters.config_fields import BASE_CHANGING, INERT, PLAIN_INITIALISATIONS, PLAIN_VALUES
from inference.adapters.errors import AdapterUnsupported, SettingUnknown
from inference.adapters.files import read_json
from inference.adapters.patterns import find_pattern_problems, first_match

CONFIG_FILE = "adapter_config.json"

MAX_RANK = 4096

Rank = Annotated[int, Field(ge=1, le=MAX_RANK)]
Alpha = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]

Names = Annotated[frozenset[str], Field(strict=False)]
Layers = Annotated[frozenset[int], Field(strict=False), BeforeValidator(lambda v: [v] if type(v) is int else v)]


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
            SettingUnknown: it has a setting that is not known here.
            AdapterUnsupported: it describes more than low-rank products on linear modules.
        """
        config = read_json(folder, CONFIG_FILE, cls)
        config.check(folder)
        return config

    def check(self, folder: Path) -> None:
        """Refuse what is more than low-rank products on linear modules, or cannot be told to be no more.

        Raises:
            SettingUnknown, AdapterUnsupported: as `load`.
        """
        if self.peft_type.upper() != "LORA":
            raise AdapterUnsupported(folder, f"{self.peft_type[:40]} instead of LoRA")
        if unknown := self._unknown_settings():
            raise SettingUnknown(folder, unknown)
        for feature in self._unsupported_features():
            raise AdapterUnsupported(folder, feature)

    def _unknown_settings(self) -> list[str]:
        """Names of settings that are in no table; null is how a trainer writes that a setting is not used."""
        extra: dict[str, Any] = self.model_extra or {}
        return [key for key, value in extra.items() if value is not None and key not in INERT | PLAIN_VALUES.keys()]

    def _unsupported_features(self) -> Iterator[str]:
        """What the adapter uses that plain LoRA does not have."""
        extra: dict[str, Any] = self.model_extra or {}
        for key, (plain, feature) in PLAIN_VALUES.items():
            value = extra.get(key)
            if value and value != plain:
                yield feature
        start = str(self.init_lora_weights).lower()
        if start.startswith(BASE_CHANGING):
            yield f"an initialisation that changes the base model ({start[:20]})"
        elif start not in PLAIN_INITIALISATIONS:
            yield f"an initialisation that is not known here ({start[:40]})"
        yield from find_pattern_problems([*(self.rank_pattern or ()), *(self.alpha_pattern or ())])

    def rank_of(self, path: str) -> int:
        """The rank of the module at `path`, such as `model.layers.0.self_attn.q_proj`."""
        return first_match(self.rank_pattern, path, self.r)

    def scale_of(self, path: str) -> float:
        """What the module's product is multiplied by: alpha/rank, or alpha/sqrt(rank) for rsLoRA."""
        rank, alpha = self.rank_of(path), first_match(self.alpha_pattern, path, self.lora_alpha)
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
