"""A loaded and checked mind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.minds.paths import matching_files

if TYPE_CHECKING:
    from bot.minds.schema import Adapter, Collection, Limits, LocalText, NamedMode, Policies, Thinking, Triggers
    from inference.engines.port import Sampling
    from inference.training.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Mind:
    """The content of one author's folder."""

    folder: Path
    """Absolute, as are all paths of the mind."""
    name: str
    title: LocalText
    base_model: str
    """The model the adapters are trained on: its name, folder or hub id."""
    languages: tuple[str, ...]
    """The languages it speaks; the first is the fallback."""
    quoted_languages: frozenset[str]
    """Those that its base model does not write: it answers in them with quotations from the library only."""
    core: str
    """The name of the core adapter."""
    adapters: Mapping[str, Adapter]
    """By name."""
    modes: Mapping[str, NamedMode]
    """By name."""
    default_mode: str
    policies: Policies
    limits: Limits
    """What newly trained adapters have to reach before they are promoted."""
    triggers: Triggers
    access: Mapping[str, tuple[str, ...]]
    """Roles that may use an adapter or mode. Whatever is not listed is open to everyone."""
    thinking: Thinking
    sampling: Sampling
    training: Recipe
    """How its adapters are trained, where they do not say otherwise."""
    collections: Mapping[str, Collection]
    """By name."""
    upload_collection: str
    """The collection for documents that owners and admins send in a chat."""
    names: Mapping[str, str]
    """Every name and alias as a key (`bot.minds.names.name_key`), and the adapter or named mode it stands for."""

    @property
    def prompts(self) -> Path:
        """The folder of the Jinja templates."""
        return self.folder / "prompts"

    def training_recipe(self, adapter: str, given: Mapping[str, object]) -> Recipe:
        """How an adapter is trained: by what is given, else by the adapter's own section, else by the mind's.

        Raises:
            pydantic.ValidationError: a value that is given cannot be used.
        """
        sections = (self.training, self.adapters[adapter].training)
        written: dict[str, object] = {}
        for section in sections:
            written |= section.model_dump(exclude_unset=True)
        return type(self.training).model_validate({**written, **given})

    def collection_files(self, collection: str) -> list[Path]:
        """The documents that a collection has now, sorted; blocking."""
        files = {path for pattern in self.collections[collection].path for path in matching_files(self.folder, pattern)}
        return sorted(files)

    def adapter_collections(self, adapter: str) -> tuple[str, ...]:
        """The collections that an adapter uses."""
        chosen = self.adapters[adapter].collections or tuple(self.collections)
        return tuple(name for name in chosen if self._is_open(name, adapter))

    def _is_open(self, collection: str, adapter: str) -> bool:
        allowed = self.collections[collection].adapters
        return not allowed or adapter in allowed
