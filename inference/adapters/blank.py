"""An adapter that changes nothing: it stands where one is to be trained, so that a mind can be used before that."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file

from inference.adapters.config import CONFIG_FILE, safe_form_config
from inference.adapters.errors import AdapterError
from inference.adapters.manifest import AdapterKind, AdapterManifest, find_manifest, write_manifest
from inference.adapters.package import WEIGHTS_FILE, AdapterPackage
from inference.base_families import MODULE_PATHS
from inference.base_model import BaseModelSpec

_MODULES: Final = ("q_proj", "k_proj", "v_proj")
"""What every engine takes together; the smallest adapter that is in the safe form."""
_BLANK: Final = "blank"
"""Key of the manifest's recipe."""


def write_blank_adapter(base: BaseModelSpec, folder: Path, *, name: str, kind: AdapterKind) -> None:
    """Write an adapter whose deltas are all zero, whole or not at all; blocking. A folder that is there is replaced."""
    modules = [module for module in _MODULES if module in base.modules] or [next(iter(base.modules))]
    tensors = {}
    for layer in range(base.layers):
        for module in modules:
            if not base.has_module(layer, module):
                continue
            inner, outer = base.modules[module]
            path = f"base_model.model.{base.prefix}.{layer}.{MODULE_PATHS[module]}"
            tensors[f"{path}.lora_A.weight"] = torch.zeros(1, inner, dtype=torch.bfloat16)
            tensors[f"{path}.lora_B.weight"] = torch.zeros(outer, 1, dtype=torch.bfloat16)
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    save_file(tensors, unfinished / WEIGHTS_FILE, metadata={"format": "pt"})
    layers = sorted({layer for layer in range(base.layers) if any(base.has_module(layer, each) for each in modules)})
    adapted = None if len(layers) == base.layers else layers
    (unfinished / CONFIG_FILE).write_bytes(safe_form_config(base.name, 1, modules, adapted, ()))
    digest = AdapterPackage.open(unfinished).digest
    recipe = {_BLANK: True}
    write_manifest(
        unfinished, AdapterManifest(name=name, kind=kind, base_model=base.name, digest=digest, recipe=recipe)
    )
    if folder.exists():
        shutil.rmtree(folder)
    unfinished.rename(folder)


def is_blank(folder: Path) -> bool:
    """Whether an adapter is one that `write_blank_adapter` wrote; blocking."""
    try:
        manifest = find_manifest(folder) if folder.is_dir() else None
    except AdapterError:
        return False
    return manifest is not None and manifest.recipe.get(_BLANK) is True
