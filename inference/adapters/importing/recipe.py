"""What the configuration of an adapter to import says, in the dialect of PEFT or of mlx-lm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import pydantic

from inference.adapters.config import CONFIG_FILE, AdapterConfig, Alpha, Rank
from inference.adapters.errors import DocumentInvalid, SettingUnknown
from inference.adapters.files import read_json
from inference.adapters.importing.errors import MoreThanLora, NotConvertible
from inference.adapters.importing.source import Source

_SETTLED_BY_TENSORS: Final = ("bias", "lora_bias", "modules_to_save", "trainable_token_indices", "fan_in_fan_out")
"""Settings that only say what else is in the weights file, or nothing for linear modules."""

_MLX_RUN_SETTINGS: Final = frozenset(
    {
        "adapter_path", "alpha", "batch_size", "beta", "clear_cache_threshold", "config", "data", "delta",
        "dpo_cpo_loss_type", "epochs", "fine_tune_type", "gradient_accumulation_steps", "grad_accumulation_steps",
        "grad_checkpoint", "group_size", "iters", "learning_rate", "load_in_4bits", "load_in_6bits", "load_in_8bits",
        "lora_layers", "lora_parameters", "lr_schedule", "mask_prompt", "max_seq_length", "model", "num_layers",
        "optimizer", "optimizer_config", "project_name", "prompt_feature", "reference_model_path", "report_to",
        "resume_adapter_file", "save_every", "seed", "steps_per_eval", "steps_per_report", "temperature", "test",
        "test_batches", "text_feature", "train", "train_mode", "train_type", "use_dora", "val_batches", "wandb",
    }
)  # fmt: skip
"""What mlx-lm writes beside its `lora_parameters`: the options of the run."""


class _Settings(pydantic.RootModel[dict[str, Any]]):
    """A configuration as it was written."""


class _MlxParameters(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")

    rank: Rank
    scale: Alpha
    alpha: Annotated[float | None, pydantic.Field(gt=0, le=1e6)] = None
    dropout: float = 0.0
    keys: list[str] | None = None


@dataclass(frozen=True)
class Recipe:
    """What the tensors of an adapter mean."""

    base_name: str
    """The base model it says it was trained on; empty when it does not say."""
    rank_of: Callable[[str], int]
    scale_of: Callable[[str], float]
    targets: Callable[[str, int], bool]
    is_mlx: bool = False
    adapts_every_layer: bool = False
    """Whether the trainer adapted each layer that the model had."""
    changes: list[str] = field(default_factory=list)


def read_recipe(source: Source, *, lora_part_only: bool) -> Recipe:
    """Read `adapter_config.json`.

    Raises:
        DocumentInvalid: it is not one.
        SettingUnknown: it has a setting that is not known here.
        AdapterUnsupported, NotConvertible: it is no LoRA, or one that is more than low-rank products.
        MoreThanLora: added tokens were trained, and are not to be left out.
    """
    folder, name = source.config.parent, source.config.name
    settings = read_json(folder, name, _Settings).root
    if "peft_type" not in settings and settings.keys() & {"lora_parameters", "fine_tune_type", "lora_layers"}:
        return _read_mlx(source, settings)
    # Read once as it stands: that tells the line of a wrong value.
    read_json(folder, name, AdapterConfig)
    config = AdapterConfig.model_validate(
        {key: value for key, value in settings.items() if key not in _SETTLED_BY_TENSORS}
    )
    config.check(source.folder)
    changes = []
    if settings.get("trainable_token_indices"):
        if not lora_part_only:
            raise MoreThanLora(source.folder, "embeddings of added tokens (trainable_token_indices)")
        changes.append("Left out, as you asked: the embeddings of added tokens (trainable_token_indices).")
    if settings.get("fan_in_fan_out"):
        changes.append("fan_in_fan_out is dropped: it means nothing for linear modules, and PEFT drops it as well.")
    if config.init_lora_weights not in (True, None) and str(config.init_lora_weights).lower() != "true":
        changes.append(f"It began from the initialisation “{config.init_lora_weights}”, which left the base as it is.")
    return Recipe(
        config.base_model_name_or_path or "",
        config.rank_of,
        config.scale_of,
        config.targets,
        adapts_every_layer=_adapts_every_layer(config),
        changes=changes,
    )


def _adapts_every_layer(config: AdapterConfig) -> bool:
    names = config.target_modules
    chooses = config.layers_to_transform or config.exclude_modules or config.rank_pattern
    return not chooses and isinstance(names, frozenset) and not any("layers." in name for name in names)


def _read_mlx(source: Source, settings: dict[str, Any]) -> Recipe:
    kind = settings.get("fine_tune_type", "dora" if settings.get("use_dora") else "lora")
    if kind != "lora":
        raise NotConvertible(source.folder, f"it is “{str(kind)[:40]}” of mlx-lm and no LoRA")
    try:
        parameters = _MlxParameters.model_validate(settings.get("lora_parameters"))
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, ("lora_parameters", *first["loc"])))
        raise DocumentInvalid(source.folder / CONFIG_FILE, 1, f"“{place}”: {first['msg']}") from error
    unknown = [key for key, value in settings.items() if value is not None and key not in _MLX_RUN_SETTINGS]
    unknown += [f"lora_parameters.{key}" for key in parameters.model_extra or {}]
    if unknown:
        raise SettingUnknown(source.folder, unknown)
    # At first, mlx-lm had an alpha beside the scale, and multiplied the scale by alpha/rank.
    scale = parameters.scale * (parameters.alpha / parameters.rank if parameters.alpha else 1)
    model = settings.get("model")
    return Recipe(
        model if isinstance(model, str) else "",
        lambda _path: parameters.rank,
        lambda _path: scale,
        lambda _path, _layer: True,
        is_mlx=True,
        changes=["It is in the form of mlx-lm: its factors are transposed and named as PEFT names them."],
    )
