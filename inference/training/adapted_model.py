"""A base model in memory that puts on one package of adapters after another, to be measured with each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from inference.training.hardware import open_hardware
from inference.training.recipe import Recipe
from inference.training.trainable import load_base


def frozen_base(base: Path, device: str) -> Any:
    """A base model whose weights stay as they are (bfloat16 where the hardware computes in it); blocking.

    Args:
        device: as in the settings, such as `auto`.
    """
    with open_hardware(device) as hardware:
        return load_base(base, hardware, Recipe()).eval().requires_grad_(False)


class AdaptedModel:
    """One base model, loaded once (bfloat16). Blocking, and for one thread."""

    def __init__(self, base: Path, device: torch.device | None = None) -> None:
        """Load the model, on the processor unless another device is given."""
        self._model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16).eval()
        if device is not None:
            self._model = self._model.to(device)

    @contextmanager
    def wearing(self, package: Path | None) -> Iterator[Any]:
        """The model with a package while this is open; None for the bare base model."""
        if package is None:
            yield self._model
            return
        adapted = PeftModel.from_pretrained(self._model, package).eval()
        try:
            yield adapted
        finally:
            self._model = adapted.unload()
