"""From a resolved mode to the composition that answers it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Self

from bot.mind.mind import Mind
from bot.modes.bands import resolve_band
from bot.modes.resolve import ResolvedMode
from bot.modes.weights import effective_weights
from inference.adapters.composition import Composition
from inference.adapters.fit import check_compatible
from inference.adapters.manifest import AdapterManifest
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from inference.base_model import BaseModelSpec
from inference.engine.port import AdapterRef


class Composer:
    """Composes the adapters of one mind for one base model."""

    def __init__(
        self,
        mind: Mind,
        base: BaseModelSpec,
        packages: Mapping[str, AdapterPackage],
        manifests: Mapping[str, AdapterManifest],
        store: CompositionStore,
        max_rank: int | None,
    ) -> None:
        self.mind = mind
        self.base = base
        self.packages = packages
        self.manifests = manifests
        self.store = store
        self.max_rank = max_rank

    @classmethod
    def open(cls, mind: Mind, base: BaseModelSpec, store: CompositionStore, max_rank: int | None = None) -> Self:
        """Open every adapter of the mind and check that it is sound and belongs to the base; blocking.

        Args:
            max_rank: compositions of a larger rank are cut to it; None when there is no limit.

        Raises:
            AdapterError: an adapter is broken, or another base's.
        """
        packages = {name: AdapterPackage.open(adapter.path) for name, adapter in mind.adapters.items()}
        manifests = {}
        for name, package in packages.items():
            check_compatible(package, base)
            # An adapter trained elsewhere has no manifest; what matters of it is known all the same.
            manifests[name] = package.manifest or AdapterManifest(
                name=name, kind=mind.adapters[name].kind, base_model=base.name, digest=package.digest
            )
        return cls(mind, base, packages, manifests, store, max_rank)

    def weights(self, mode: ResolvedMode) -> dict[str, float]:
        """The weight of every adapter of the mode, given or by rule."""
        return effective_weights(mode.terms, self.manifests)

    def parts(self, mode: ResolvedMode) -> list[Part]:
        """What the mode is composed of; empty for the bare base model.

        Raises:
            LayersOutOfRange: a band goes past the base model's layers.
        """
        weights = self.weights(mode)
        parts = []
        for term in mode.terms:
            layers = None
            if term.band is not None:
                band = resolve_band(term.band, self.base.layers)
                layers = range(band.first, band.last + 1)
            parts.append(Part(self.packages[term.name], weights[term.name], layers))
        return parts

    def validate(self, mode: ResolvedMode) -> None:
        """Refuse a mode that could not be composed, before anybody waits for it.

        Raises:
            LayersOutOfRange: a band goes past the base model's layers.
        """
        self.parts(mode)

    async def prepare(self, mode: ResolvedMode) -> AdapterRef | None:
        """The mode's composition to answer with, made now if it never was; None for the bare base model.

        Raises:
            AdapterRevoked: one of its adapters may not be used any more.
            AdapterError: it cannot be composed or written.
        """
        composition = await asyncio.to_thread(self.compose, mode)
        if composition is None:
            return None
        await asyncio.to_thread(composition.mark_used)
        return composition.ref

    def compose(self, mode: ResolvedMode) -> Composition | None:
        """As `ready`, but not to answer with it now: it does not count as used. Blocking."""
        parts = self.parts(mode)
        return self.store.get_or_compose(parts, self.base, max_rank=self.max_rank) if parts else None
