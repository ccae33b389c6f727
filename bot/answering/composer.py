"""From a resolved mode to its composition, with the weights that the mode leaves open."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import structlog

from bot.minds.errors import AdapterOutOfService
from bot.minds.grammar import parse_expression, resolve_band
from bot.minds.mind import Mind
from bot.minds.resolve import MAX_SUGGESTIONS, ResolvedMode, resolve_mode
from inference.adapters.compatibility import check_compatible
from inference.adapters.composition import Composition
from inference.adapters.errors import AdapterError
from inference.adapters.manifest import AdapterKind, AdapterManifest
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from inference.adapters.usage import AdapterRef
from inference.base_model import BaseModelSpec

if TYPE_CHECKING:
    from bot.minds.grammar import Term

log = structlog.get_logger(__name__)


class Composer:
    """Composes the adapters of one mind for one base model.

    An adapter that is damaged or made for another base is out of service, alone: modes without it answer.
    """

    def __init__(
        self,
        mind: Mind,
        base: BaseModelSpec,
        packages: Mapping[str, AdapterPackage],
        manifests: Mapping[str, AdapterManifest],
        *,
        store: CompositionStore,
        max_rank: int | None,
        unfit: Mapping[str, AdapterError] = MappingProxyType({}),
    ) -> None:
        """Set up with opened adapters (`open` opens them).

        Args:
            packages: by adapter name.
            manifests: by adapter name.
            max_rank: compositions of a larger rank are cut to it; None: no limit.
            unfit: why an adapter of the mind is out of service, by its name.
        """
        self.mind = mind
        self.base = base
        self.packages = packages
        self.manifests = manifests
        self.store = store
        self.max_rank = max_rank
        self.unfit = unfit

    @classmethod
    def open(cls, mind: Mind, base: BaseModelSpec, store: CompositionStore, max_rank: int | None = None) -> Self:
        """Open every adapter of the mind and check that it is intact and fits the base model; blocking.

        One that is not is left out of service; `unfit` says why.

        Args:
            max_rank: compositions of a larger rank are cut to it; None: no limit.
        """
        packages, unfit = open_adapters(mind, base)
        for name, error in unfit.items():
            log.warning("adapter.out_of_service", mind=mind.name, adapter=name, reason=error)
        # An adapter trained elsewhere has no manifest; what is needed of it is known from the mind.
        manifests = {
            name: package.manifest
            or AdapterManifest(name=name, kind=mind.adapters[name].kind, base_model=base.name, digest=package.digest)
            for name, package in packages.items()
        }
        return cls(mind, base, packages, manifests, store=store, max_rank=max_rank, unfit=unfit)

    def is_in_service(self, mode: ResolvedMode) -> bool:
        """Whether every adapter of the mode can be used."""
        return not any(term.name in self.unfit for term in mode.terms)

    def weights(self, mode: ResolvedMode) -> dict[str, float]:
        """The weight of every adapter of the mode, given or by rule; the mind's strength is not in it."""
        return effective_weights(mode.terms, self.manifests)

    def parts(self, mode: ResolvedMode) -> list[Part]:
        """The adapters that the mode is composed of, at the mind's strength; empty for the bare base model.

        Raises:
            AdapterOutOfService: one of them is damaged, or is for another base model.
            LayersOutOfRange: a band goes past the base model's layers.
        """
        for term in mode.terms:
            if term.name in self.unfit:
                raise AdapterOutOfService(term.name, self._modes_in_service()) from self.unfit[term.name]
        weights, strength = self.weights(mode), self.mind.policies.adapter_strength
        parts = []
        for term in mode.terms:
            layers = None
            if term.band is not None:
                band = resolve_band(term.band, self.base.layers)
                layers = range(band.first, band.last + 1)
            is_core = self.mind.adapters[term.name].kind is AdapterKind.CORE
            parts.append(Part(self.packages[term.name], weights[term.name], layers, strength, is_core))
        return parts

    def validate(self, mode: ResolvedMode) -> None:
        """Check that a mode can be composed, before anybody waits for it.

        Raises:
            AdapterOutOfService, LayersOutOfRange: as `parts`.
        """
        self.parts(mode)

    def _modes_in_service(self) -> list[str]:
        """Modes that work, to be suggested instead of one that does not."""
        names = (*self.mind.adapters, *self.mind.modes)
        usable = [name for name in names if self.is_in_service(resolve_mode(parse_expression(name), self.mind))]
        return [*usable[: MAX_SUGGESTIONS - 1], "base"]

    async def prepare(self, mode: ResolvedMode) -> AdapterRef | None:
        """The mode's composition to answer with, composed now if it is new; None for the bare base model.

        Raises:
            AdapterRevoked: one of its adapters must not be used any more.
            AdapterError: it cannot be composed or written.
        """
        composition = await asyncio.to_thread(self.compose, mode)
        if composition is None:
            return None
        await asyncio.to_thread(composition.mark_used)
        return composition.ref

    def compose(self, mode: ResolvedMode) -> Composition | None:
        """As `prepare`, but the composition does not count as used. Blocking."""
        parts = self.parts(mode)
        if not parts:
            return None
        return self.store.get_or_compose(parts, self.base, max_rank=self.max_rank, merge=mode.merge)


def open_adapters(mind: Mind, base: BaseModelSpec | None) -> tuple[dict[str, AdapterPackage], dict[str, AdapterError]]:
    """The adapters of a mind that are sound and fit its base model, and why the others are out of service; blocking.

    Args:
        base: None to leave out whether they fit it.
    """
    packages: dict[str, AdapterPackage] = {}
    unfit: dict[str, AdapterError] = {}
    for name, adapter in mind.adapters.items():
        try:
            package = AdapterPackage.open(adapter.path)
            if base is None:
                package.verify()
            else:
                check_compatible(package, base)
        except AdapterError as error:
            unfit[name] = error
        else:
            packages[name] = package
    return packages, unfit


def effective_weights(terms: Sequence[Term], manifests: Mapping[str, AdapterManifest | None]) -> dict[str, float]:
    """The weight of every term, by adapter name.

    A weight in the term is kept. Otherwise a topic that was trained on this core weighs 1, and so does the core:
    they were trained to be added. Adapters trained separately weigh 1/√n each, where n is the number of adapters in
    the mode, so that the sum of their deltas is about as large as one of them. A single adapter weighs 1.

    Args:
        terms: the resolved mode's terms.
        manifests: the adapters' manifests by name; None, or no entry, for an adapter without one.
    """
    by_name = {term.name: manifests.get(term.name) for term in terms}
    fitted: set[str] = set()
    for name, core in by_name.items():
        if core is not None and core.kind is AdapterKind.CORE:
            topics = {other for other, manifest in by_name.items() if manifest and manifest.trained_on == core.digest}
            fitted |= topics | {name} if topics else set()
    shared = 1 / math.sqrt(len(terms)) if terms else 1.0
    open_weights = {name: 1.0 if name in fitted else shared for name in by_name}
    return {term.name: open_weights[term.name] if term.weight is None else float(term.weight) for term in terms}
