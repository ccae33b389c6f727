"""Which linear modules of a base model a LoRA is put on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from consilium.errors import N_
from inference.base_model import MODULE_PATHS, BaseModelSpec
from inference.training.errors import TrainingError

ATTENTION: Final = "attention"
ALL_LINEAR: Final = "all-linear"
_OF_ATTENTION: Final = ("self_attn.", "linear_attn.")
"""How the paths of attention's modules begin; in models of two kinds of layers, linear attention counts."""


class ModuleUnknown(TrainingError):
    """The base model has no module of that name that adapters can be composed of."""

    sentence = N_("A LoRA cannot be on “{name}”: {base} has no such module, or it cannot be composed.")
    remedy = N_("Write attention, all-linear, or names of these: {known}.")

    def __init__(self, name: str, base: str, known: Sequence[str]) -> None:
        super().__init__(name=name, base=base, known=", ".join(known))


def choose_modules(choice: Sequence[str], base: BaseModelSpec) -> tuple[str, ...]:
    """The names of modules that `choice` stands for, in the order of a layer.

    `all-linear` is every module that adapters are composed of. Experts of a mixture are none of them: their weights
    are one tensor a layer, and an adapter with them would be sixty times larger.

    Raises:
        ModuleUnknown
    """
    known = list(base.modules)
    chosen: set[str] = set()
    for name in choice:
        if name == ALL_LINEAR:
            chosen.update(known)
        elif name == ATTENTION:
            chosen.update(module for module in known if MODULE_PATHS[module].startswith(_OF_ATTENTION))
        elif name in known:
            chosen.add(name)
        else:
            raise ModuleUnknown(name, base.name, known)
    return tuple(name for name in known if name in chosen)
