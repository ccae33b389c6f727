"""Why an adapter cannot be imported."""

from __future__ import annotations

from pathlib import Path

from consilium.errors import N_
from inference.adapters.errors import AdapterError


class SourceUnusable(AdapterError):
    """What is to be imported is no adapter, or one of a form that nothing can be made of."""

    sentence = N_("There is no adapter to import in {path}: {reason}.")
    remedy = N_("Give the folder where a trainer saved a LoRA, a hub id, or a folder of the hub's cache.")

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class NotConvertible(AdapterError):
    """The adapter does what no sum of low-rank products on the base model's linear modules does."""

    sentence = N_("The adapter {path} cannot be brought into the safe form: {reason}.")
    remedy = N_("Train it as a plain LoRA on linear modules of the layers, and import that.")

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class MoreThanLora(AdapterError):
    """Beside its LoRA the adapter holds trained weights that cannot be composed."""

    sentence = N_("Beside the LoRA of its layers, the adapter {path} holds {what}.")
    remedy = N_(
        "To take the LoRA alone, which will not answer quite as the whole did: consilium adapters import {path} "
        "--lora-part-only"
    )

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(path=path, what=what)


class DestinationTaken(AdapterError):
    """There is something already where the imported adapter would go."""

    sentence = N_("{path} is there already.")
    remedy = N_("Choose another name with --as or another folder with --output, or remove it first.")

    def __init__(self, path: Path) -> None:
        super().__init__(path=path)
