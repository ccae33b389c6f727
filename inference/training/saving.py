"""Writes a trained adapter as a folder: weights, PEFT's config, our manifest, and a picture of its losses."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file

from inference.adapters.manifest import AdapterKind, AdapterManifest, write_manifest
from inference.adapters.package import AdapterPackage
from inference.training.curves import draw_losses
from inference.training.outcome import TrainedAdapter

LOSSES_FILE: Final = "losses.png"
INPUTS: Final = "inputs"
"""Key of the manifest's recipe: digest of all that the adapter follows from."""


def save_adapter(
    trained: TrainedAdapter,
    folder: Path,
    *,
    name: str,
    kind: AdapterKind,
    base_model: str,
    core_digest: str | None,
    others: Sequence[TrainedAdapter] = (),
) -> AdapterManifest:
    """Write the adapter into `folder` in bfloat16, replacing what was there only once it is whole.

    Args:
        others: the same adapter trained from other seeds, to be drawn beside it.
    """
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
    figures = {
        "epochs": float(trained.best_epoch),
        "dialogues": float(trained.dialogues),
        "training_loss": round(trained.best.training_loss, 4),
        "validation_loss": round(trained.best.validation_loss, 4),
    }
    if trained.best.core_validation_loss is not None:
        figures["core_validation_loss"] = round(trained.best.core_validation_loss, 4)
    manifest = AdapterManifest(
        name=name,
        kind=kind,
        base_model=base_model,
        trained_on=core_digest,
        digest=AdapterPackage.open(unfinished).digest,
        recipe=trained.recipe.model_dump(mode="json") | {INPUTS: trained.inputs},
        figures=figures,
    )
    write_manifest(unfinished, manifest)
    draw_losses(unfinished / LOSSES_FILE, name, [trained, *others])
    if folder.exists():
        shutil.rmtree(folder)
    unfinished.rename(folder)
    return manifest
