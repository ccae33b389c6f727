"""What an adapter holds beside the LoRA of its layers, and whether that may be left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open

from inference.adapters.importing.errors import MoreThanLora, NotConvertible
from inference.adapters.importing.names import Beside
from inference.adapters.importing.source import Source

_HARMLESS: Final = {
    Beside.OTHER_SENSE: "It adapts what images and sounds go through ({tensors}); texts do not, so that is left out.",
    Beside.ORIGINAL: "It holds copies of the base model's own modules ({tensors}), which are left out.",
}
_NEVER: Final = {
    Beside.DORA: "it is a DoRA, which also rescales the base model's own weights",
    Beside.TORCHTUNE: "it has torchtune's own names and order of rows; import the adapter_model file beside it",
    Beside.UNKNOWN: "it holds “{tensor}”, which is no factor of a linear module that can be adapted here",
}
_MAX_SHOWN = 3


class BaseWeights:
    """The tensors of the base model, read one at a time; none where its weights are not on this machine."""

    def __init__(self, folder: Path | None) -> None:
        self._files: dict[str, Path] = {}
        for path in sorted(folder.glob("*.safetensors")) if folder else ():
            try:
                with safe_open(path, framework="pt") as file:
                    self._files |= dict.fromkeys(file.keys(), path)
            except (SafetensorError, OSError):
                continue

    @property
    def are_here(self) -> bool:
        """Whether there is anything to compare with."""
        return bool(self._files)

    def equals(self, key: str, tensor: torch.Tensor) -> bool:
        """Whether the base model has this very tensor under this name, or under what the name means there."""
        own = self._read(key)
        return own is not None and own.shape == tensor.shape and torch.equal(own.float(), tensor.float())

    def _read(self, key: str) -> torch.Tensor | None:
        names = [key, f"model.{key}", key.removeprefix("model.")]
        if key.endswith("lm_head.weight"):
            # A head that shares the embeddings' weights is not in the checkpoint under its own name.
            names += [name for name in self._files if name.endswith("embed_tokens.weight")]
        for name in names:
            if name in self._files:
                with safe_open(self._files[name], framework="pt") as file:
                    tensor: torch.Tensor = file.get_tensor(name)
                    return tensor
        return None


def leave_out(
    source: Source,
    tensors: Mapping[Beside, Mapping[str, torch.Tensor]],
    base: BaseWeights,
    *,
    lora_part_only: bool,
) -> list[str]:
    """Tell what of `tensors` is left out, and why it may be.

    Raises:
        NotConvertible: something changes what the LoRA itself means.
        MoreThanLora: something was trained that cannot be composed, and is not to be left out.
    """
    for kind, reason in _NEVER.items():
        if tensors.get(kind):
            raise NotConvertible(source.folder, reason.format(tensor=next(iter(tensors[kind]))[:120]))
    told = [
        _HARMLESS[kind].format(tensors=_list(names)) for kind, names in tensors.items() if kind in _HARMLESS and names
    ]
    trained: defaultdict[Beside, list[str]] = defaultdict(list)
    same: list[str] = []
    for kind, found in tensors.items():
        for key, tensor in found.items() if kind not in _HARMLESS else ():
            is_base = kind is Beside.WHOLE and base.equals(key, tensor)
            is_zero = kind is Beside.INNER_BIAS and not bool(tensor.any())
            (same if is_base or is_zero else trained[kind]).append(key)
    if same:
        told.append(f"It holds {_list(same)} as the base model has them; they are left out, which changes nothing.")
    for kind, keys in trained.items():
        what = f"{kind.value} ({_list(keys)})"
        if not lora_part_only:
            unknown = (
                ""
                if base.are_here or kind is not Beside.WHOLE
                else (
                    "; the base model's weights are not on this machine, so nobody can tell whether they were trained"
                )
            )
            raise MoreThanLora(source.folder, what + unknown)
        told.append(f"Left out, as you asked: {what}. It will not answer quite as the whole did.")
    return told


def _list(names: Mapping[str, object] | Sequence[str]) -> str:
    shown = list(names)
    return ", ".join(name[:80] for name in shown[:_MAX_SHOWN]) + (
        f" and {len(shown) - _MAX_SHOWN} more" if len(shown) > _MAX_SHOWN else ""
    )
