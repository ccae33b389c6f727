"""The settings that trainers write into `adapter_config.json`, and what each says of the weights.

Those of PEFT 0.2 to 0.21, of ms-swift, and of the Alpaca forks before there was PEFT. A setting that is in none of the
tables may change what the weights mean, so it is refused by its name.
"""

from __future__ import annotations

from typing import Final

INERT: Final = frozenset(
    {
        "auto_mapping", "corda_config", "ensure_weight_tying", "eva_config", "inference_mode", "layers_pattern",
        "loftq_config", "lora_dropout", "lora_dtype", "lora_ga_config", "lorap_emb_lr", "lorap_lr_ratio",
        "megatron_core", "merge_weights", "peft_version", "qalora_group_size", "revision", "runtime_config",
        "swift_type", "task_type", "velora_config",
    }
)  # fmt: skip
"""Settings of the training, or of how a trainer loads the file; the weights mean the same whatever they are.

`eva_config`, `corda_config`, `loftq_config` and `lora_ga_config` say how an initialisation goes, and
`init_lora_weights` whether there was one. VeLoRA only makes the backward pass cheaper.
"""

PLAIN_VALUES: Final[dict[str, tuple[object, str]]] = {
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
    "use_qa_lora": (False, "QA-LoRA"),
    "use_bdlora": ((), "block-diagonal factors"),
    "arrow_config": ((), "Arrow routing"),
    "monteclora_config": ((), "sampled factors (MonteCLoRA)"),
    "kasa_config": ((), "singular values of its own (KaSA)"),
    "megatron_config": ((), "layers split by Megatron (megatron_config)"),
    "enable_lora": ((), "parts of a merged layer (enable_lora)"),
    "use_merged_linear": (False, "parts of a merged layer (use_merged_linear)"),
    "model_key_mapping": ((), "modules under other names (model_key_mapping)"),
}
"""Settings that change what the weights mean: the value of plain LoRA, and how to name anything else."""

BASE_CHANGING: Final = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Initialisations that change the base model, so that the delta saved is not the whole difference from the base."""

PLAIN_INITIALISATIONS: Final = frozenset({"true", "false", "none", "gaussian", "eva", "orthogonal", "mica"})
"""Initialisations that leave the base as it is: they say where training began, and the weights where it ended."""
