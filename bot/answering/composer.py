"""Turns a resolved mode into a composition: the mind's adapters, checked once, and the weights a mode leaves open."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

from bot.minds.grammar import resolve_band
from bot.minds.mind import Mind
from bot.minds.resolve import ResolvedMode
from inference.adapters.compatibility import check_compatible
from inference.adapters.composition import Composition
from inference.adapters.manifest import AdapterKind, AdapterManifest
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from inference.adapters.usage import AdapterRef
from inference.base_model import BaseModelSpec

if TYPE_CHECKING:
    from bot.minds.grammar import Term
    from inference.adapters.manifest import AdapterManifest


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


def effective_weights(terms: Sequence[Term], manifests: Mapping[str, AdapterManifest | None]) -> dict[str, float]:
    """The weight of every term, by adapter name.

    What a term says is kept. Otherwise a topic trained on this very core weighs 1, and so does the core under
    it, for they were fitted to be added; adapters trained apart weigh 1/√n each, n being the adapters of the
    mode, which keeps the sum of their deltas about as large as one of them. An adapter alone weighs 1.

    Args:
        terms: the resolved mode's terms.
        manifests: the adapters' manifests by name; None, or no entry, for an adapter without one.
    """
    found = {term.name: manifests.get(term.name) for term in terms}
    fitted: set[str] = set()
    for name, core in found.items():
        if core is not None and core.kind is AdapterKind.CORE:
            topics = {other for other, manifest in found.items() if manifest and manifest.trained_on == core.digest}
            fitted |= topics | {name} if topics else set()
    apart = 1 / math.sqrt(len(terms)) if terms else 1.0
    open_weights = {name: 1.0 if name in fitted else apart for name in found}
    return {term.name: open_weights[term.name] if term.weight is None else float(term.weight) for term in terms}
