"""A mind, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.minds.paths import matching_files

if TYPE_CHECKING:
    from bot.minds.schema import Adapter, Collection, LocalText, NamedMode, Policies, Triggers
    from inference.engines.port import Sampling


@dataclass(frozen=True, slots=True)
class Mind:
    """One creator's folder."""

    folder: Path
    """Absolute, as are all paths in it."""
    name: str
    title: LocalText
    base_model: str
    """What the adapters were trained on: a model's name, as the settings know it."""
    languages: tuple[str, ...]
    """In which it speaks; the first is the one to fall back on."""
    core: str
    """Name of the core adapter."""
    adapters: Mapping[str, Adapter]
    """By name."""
    modes: Mapping[str, NamedMode]
    """By name."""
    default_mode: str
    policies: Policies
    triggers: Triggers
    access: Mapping[str, tuple[str, ...]]
    """Roles that may use an adapter or mode; what is not listed is open to all."""
    sampling: Sampling
    collections: Mapping[str, Collection]
    """By name."""
    upload_collection: str
    """The collection that takes documents which owners and admins send in a chat."""
    names: Mapping[str, str]
    """Every name and alias, as `bot.minds.names.name_key` writes it, to the adapter or named mode it stands for."""

    @property
    def prompts(self) -> Path:
        """Folder of the Jinja templates."""
        return self.folder / "prompts"

    def collection_files(self, collection: str) -> list[Path]:
        """The documents of a collection that are there now, sorted; blocking."""
        found = {path for pattern in self.collections[collection].path for path in matching_files(self.folder, pattern)}
        return sorted(found)

    def adapter_collections(self, adapter: str) -> tuple[str, ...]:
        """The collections an adapter draws on."""
        chosen = self.adapters[adapter].collections or tuple(self.collections)
        return tuple(name for name in chosen if self._is_open(name, adapter))

    def _is_open(self, collection: str, adapter: str) -> bool:
        allowed = self.collections[collection].adapters
        return not allowed or adapter in allowed
