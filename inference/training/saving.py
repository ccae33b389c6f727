"""Writes what was trained as an adapter's folder: weights, PEFT's config and our manifest."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from inference.adapters.manifest import AdapterKind, AdapterManifest, write_manifest
from inference.adapters.package import AdapterPackage
from inference.training.recipe import Recipe
from inference.training.trainer import TrainedAdapter


def save_adapter(
    trained: TrainedAdapter,
    folder: Path,
    *,
    name: str,
    kind: AdapterKind,
    base_model: str,
    recipe: Recipe,
    core_digest: str | None,
) -> AdapterManifest:
    """Write the adapter into `folder` in bfloat16, replacing what was there only once it is whole."""
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    save_file(
        {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in trained.tensors.items()},
        unfinished / "adapter_model.safetensors",
        metadata={"format": "pt"},
    )
    config = trained.config
    # PEFT would write the folder the base was loaded from, which means nothing on another machine.
    config.base_model_name_or_path = base_model
    config.inference_mode = True
    config.save_pretrained(unfinished)
    best = trained.epochs[trained.best_epoch - 1]
    manifest = AdapterManifest(
        name=name,
        kind=kind,
        base_model=base_model,
        trained_on=core_digest,
        digest=AdapterPackage.open(unfinished).digest,
        recipe=recipe.model_dump(mode="json"),
        figures={
            "epochs": float(trained.best_epoch),
            "training_loss": round(best.training_loss, 4),
            "validation_loss": round(best.validation_loss, 4),
        },
    )
    write_manifest(unfinished, manifest)
    if folder.exists():
        shutil.rmtree(folder)
    unfinished.rename(folder)
    return manifest
