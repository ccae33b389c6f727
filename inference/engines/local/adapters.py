"""The adapters a local model holds in memory."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import structlog
from peft import LoraConfig, PeftConfig
from peft.functional import delete_adapter, inject_adapter_in_model, set_adapter, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file

from inference.engines.errors import AdapterNotLoadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import torch

    from inference.adapters.usage import AdapterRef

log = structlog.get_logger(__name__)

_PREFIX = "base_model.model."
"""What PEFT writes before every module's name."""


class AdapterSlots:
    """Loads adapters into a model on demand and drops the least recently used ones. For one thread.

    Pinned ones stay. They never take the last place: there is always one for whatever else is asked for.
    """

    def __init__(self, model: Any, limit: int) -> None:
        self._model = model
        self._limit = limit
        self._slots: OrderedDict[str, str] = OrderedDict()
        """Adapter's name to the name PEFT knows it by; the most recently used last."""
        self._pinned: set[str] = set()
        self._numbers = count()

    @property
    def loaded(self) -> tuple[str, ...]:
        """Names in memory, the least recently used first."""
        return tuple(self._slots)

    @contextmanager
    def activated(self, adapter: AdapterRef | None) -> Iterator[None]:
        """Within the block the model answers with this adapter and no other; with None, as the base.

        Raises:
            AdapterNotLoadable: the package is missing, broken, or made for another model.
        """
        slot = None if adapter is None else self._slot(adapter)
        for layer in self._layers():
            layer.enable_adapters(slot is not None)
        if slot is not None:
            set_adapter(self._model, slot, inference_mode=True)
        yield

    def load(self, adapter: AdapterRef, *, pinned: bool = False) -> None:
        """Have it in memory, for good if `pinned`; beyond the places for pinned ones, like any other.

        Raises:
            AdapterNotLoadable: as `active`.
        """
        self._slot(adapter)
        if not pinned or adapter.name in self._pinned:
            return
        if len(self._pinned) < self._limit - 1:
            self._pinned.add(adapter.name)
        else:
            log.warning("adapter.pin_refused", adapter=adapter.name, pinned=len(self._pinned), limit=self._limit)

    def unload(self, name: str) -> None:
        """Drop it from memory, pinned or not, if it is there."""
        self._pinned.discard(name)
        if slot := self._slots.pop(name, None):
            self._delete_slot(slot)
            log.info("adapter.unloaded", adapter=name)

    def _slot(self, adapter: AdapterRef) -> str:
        if adapter.name not in self._slots:
            while len(self._slots) >= self._limit:
                self.unload(next(name for name in self._slots if name not in self._pinned))
            self._slots[adapter.name] = self._load(adapter)
            log.info("adapter.loaded", adapter=adapter.name, path=str(adapter.path))
        self._slots.move_to_end(adapter.name)
        return self._slots[adapter.name]

    def _load(self, adapter: AdapterRef) -> str:
        slot = f"slot_{next(self._numbers)}"
        try:
            config, tensors = _read_package(adapter.path)
            tensors = {name: tensor.to(self._model.device, self._model.dtype) for name, tensor in tensors.items()}
            inject_adapter_in_model(config, self._model, slot, low_cpu_mem_usage=True, state_dict=tensors)
            outcome = set_peft_model_state_dict(self._model, tensors, slot, low_cpu_mem_usage=True)
            if outcome.unexpected_keys:
                raise ValueError(f"the base model has no {outcome.unexpected_keys[0]}")
            if missing := [key for key in outcome.missing_keys if f".{slot}." in key]:
                raise ValueError(f"it lacks {missing[0].replace(f'.{slot}', '')}")
            for layer in self._layers():
                layer.eval()
        except Exception as error:  # PEFT has no common error for what can be wrong with a package
            self._delete_slot(slot)
            reason = str(error).strip().rstrip(".") or type(error).__name__
            raise AdapterNotLoadable(adapter=adapter.name, reason=" ".join(reason.split())) from error
        return slot

    def _delete_slot(self, slot: str) -> None:
        delete_adapter(self._model, slot, prefix="lora_", layer_cls=LoraLayer)
        getattr(self._model, "peft_config", {}).pop(slot, None)

    def _layers(self) -> Iterator[Any]:
        return (module for module in self._model.modules() if isinstance(module, LoraLayer))


def _read_package(folder: Path) -> tuple[PeftConfig, dict[str, torch.Tensor]]:
    """Configuration and tensors of a package, the tensors under the names their modules have in the base model."""
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        if not (folder / file).is_file():
            raise FileNotFoundError(f"{folder} has no {file}")
    config = PeftConfig.from_pretrained(str(folder))
    if not isinstance(config, LoraConfig):
        raise TypeError(f"it is not a LoRA but {config.peft_type}")
    config.inference_mode = True
    tensors = {
        name.removeprefix(_PREFIX): tensor for name, tensor in load_file(folder / "adapter_model.safetensors").items()
    }
    down = {name.removesuffix(".lora_A.weight") for name in tensors if name.endswith(".lora_A.weight")}
    up = {name.removesuffix(".lora_B.weight") for name in tensors if name.endswith(".lora_B.weight")}
    if down != up:
        raise ValueError(f"{min(down ^ up)} has only one of lora_A and lora_B")
    if 2 * len(down) != len(tensors):
        raise ValueError("it has other tensors than lora_A and lora_B")
    return config, tensors
