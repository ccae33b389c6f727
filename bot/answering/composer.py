"""From a resolved mode to its composition, with the weights that the mode leaves open."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import structlog

from bot.answering.adapter_sets import AdapterSet, open_earlier_set, open_live_set
from bot.answering.composition_gate import Asked, Gate, GateVerdict, MeasuredModes, served
from bot.minds.errors import AdapterOutOfService
from bot.minds.grammar import parse_expression, resolve_band
from bot.minds.mind import Mind
from bot.minds.resolve import MAX_SUGGESTIONS, ResolvedMode, resolve_mode
from bot.minds.versions import live_state
from inference.adapters.composition import Composition
from inference.adapters.errors import AdapterError, PackageChanged, PackageUnreadable
from inference.adapters.manifest import AdapterKind, AdapterManifest
from inference.adapters.merging.settings import Merge
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part, curve_over_layers
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
        measured: MeasuredModes | None = None,
    ) -> None:
        """Set up with opened adapters (`open` opens them).

        Args:
            packages: by adapter name.
            manifests: by adapter name.
            max_rank: compositions of a larger rank are cut to it; None: no limit.
            unfit: why an adapter of the mind is out of service, by its name.
            measured: what is known of modes besides what their weights tell; None for nothing.
        """
        self.mind = mind
        self.base = base
        self.store = store
        self.max_rank = max_rank
        self._live = AdapterSet(packages, manifests, unfit)
        self._live_state: tuple[object, ...] | None = None
        self._earlier: dict[str, AdapterSet | None] = {}
        self._reading = threading.Lock()
        policy = mind.policies.gate
        self._gate = None if policy is None else Gate(policy, store, base, measured)

    @classmethod
    def open(
        cls,
        mind: Mind,
        base: BaseModelSpec,
        store: CompositionStore,
        max_rank: int | None = None,
        measured: MeasuredModes | None = None,
    ) -> Self:
        """Open every adapter of the mind and check that it is intact and fits the base model; blocking.

        One that is not is left out of service; `unfit` says why.

        Args:
            max_rank: compositions of a larger rank are cut to it; None: no limit.
            measured: what is known of modes besides what their weights tell; None for nothing.
        """
        live, state = open_live_set(mind, base)
        composer = cls(
            mind,
            base,
            live.packages,
            live.manifests,
            store=store,
            max_rank=max_rank,
            unfit=live.unfit,
            measured=measured,
        )
        composer._live_state = state
        composer._log_unfit()
        return composer

    @property
    def live(self) -> AdapterSet:
        """The adapters in use, as they were when `refresh` last looked."""
        return self._live

    @property
    def packages(self) -> Mapping[str, AdapterPackage]:
        """The adapters in use, by name."""
        return self._live.packages

    @property
    def manifests(self) -> Mapping[str, AdapterManifest]:
        """Their manifests, by name."""
        return self._live.manifests

    @property
    def unfit(self) -> Mapping[str, AdapterError]:
        """Why an adapter of the mind is out of service, by its name."""
        return self._live.unfit

    def refresh(self) -> None:
        """Notice that other adapters have come into use; cheap when none have. Blocking.

        A composer that was set up with opened adapters keeps them.
        """
        with self._reading:
            if self._live_state is None or live_state(self.mind) == self._live_state:
                return
            former = self._live.digest
            self._live, self._live_state = open_live_set(self.mind, self.base)
            self._earlier.clear()
        if self._live.digest != former:
            log.info("adapters.exchanged", mind=self.mind.name, former=former, adapters=self._live.digest)
            self._log_unfit()

    def adapter_set(self, digest: str | None) -> AdapterSet:
        """The adapters that a session goes on with: those of this digest, or those in use if they are gone. Blocking.

        Args:
            digest: what the session began with; None: what is in use.
        """
        self.refresh()
        with self._reading:
            live = self._live
            if digest is None or digest == live.digest:
                return live
            if digest not in self._earlier:
                self._earlier[digest] = open_earlier_set(self.mind, self.base, digest, live)
                if self._earlier[digest] is None:
                    log.warning("adapters.not_kept", mind=self.mind.name, adapters=digest)
            return self._earlier[digest] or live

    def _log_unfit(self) -> None:
        for name, error in self._live.unfit.items():
            log.warning("adapter.out_of_service", mind=self.mind.name, adapter=name, reason=error)

    def is_in_service(self, mode: ResolvedMode) -> bool:
        """Whether every adapter of the mode can be used."""
        return not any(term.name in self.unfit for term in mode.terms)

    def weights(self, mode: ResolvedMode) -> dict[str, float]:
        """The weight of every adapter of the mode, given or by rule; the mind's strength is not in it."""
        return effective_weights(mode.terms, self.manifests)

    def parts(self, mode: ResolvedMode, adapters: AdapterSet | None = None) -> list[Part]:
        """The adapters that the mode is composed of, at the mind's strength; empty for the bare base model.

        Args:
            adapters: None for those in use.

        Raises:
            AdapterOutOfService: one of them is damaged, or is for another base model.
            LayersOutOfRange: a band goes past the base model's layers.
        """
        adapters = adapters or self._live
        for term in mode.terms:
            if term.name in adapters.unfit:
                raise AdapterOutOfService(term.name, self._modes_in_service()) from adapters.unfit[term.name]
        weights = effective_weights(mode.terms, adapters.manifests)
        strength = self.mind.policies.adapter_strength
        parts = []
        for term in mode.terms:
            layers = None
            if term.band is not None:
                band = resolve_band(term.band, self.base.layers)
                layers = range(band.first, band.last + 1)
            is_core = self.mind.adapters[term.name].kind is AdapterKind.CORE
            points = mode.curves.get(term.name)
            curve = None if points is None else curve_over_layers(points, self.base.layers)
            parts.append(Part(adapters.packages[term.name], weights[term.name], layers, strength, is_core, curve))
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

    async def prepare(self, mode: ResolvedMode, adapters: AdapterSet | None = None) -> AdapterRef | None:
        """The mode's composition to answer with, composed now if it is new; None for the bare base model.

        Args:
            adapters: None for those in use.

        Raises:
            AdapterRevoked: one of its adapters must not be used any more.
            AdapterError: it cannot be composed or written.
            CostsTooMuch, DriftsTooFar: the mind's gate refuses it.
        """
        composition = await asyncio.to_thread(self.compose, mode, adapters)
        if composition is None:
            return None
        await asyncio.to_thread(composition.mark_used)
        return composition.ref

    def compose(self, mode: ResolvedMode, adapters: AdapterSet | None = None) -> Composition | None:
        """As `prepare`, but the composition does not count as used. Blocking."""
        adapters = adapters or self._live
        try:
            return self._compose(mode, adapters)
        except (PackageChanged, PackageUnreadable):
            # They may have been exchanged since they were opened. Then those that were opened are a version by now.
            again = self.adapter_set(adapters.digest)
            if again is adapters:
                raise
            return self._compose(mode, again)

    def name_of(self, mode: ResolvedMode, adapters: AdapterSet | None = None) -> str | None:
        """The name of the composition that answers in a mode; None for the bare base model. Blocking.

        Raises:
            AdapterOutOfService, LayersOutOfRange: as `parts`.
            CostsTooMuch, DriftsTooFar: the mind's gate refuses it.
            AdapterError: its adapters cannot be read.
        """
        adapters = adapters or self._live
        recipe = self._recipe(mode, adapters)
        return None if recipe is None else self.store.composition_name(recipe[0], self.base, self.max_rank, recipe[1])

    def _recipe(self, mode: ResolvedMode, adapters: AdapterSet) -> tuple[Sequence[Part], Merge] | None:
        """What is composed for a mode, after what the mind's gate makes of it; None for the bare base model."""
        parts: Sequence[Part] = self.parts(mode, adapters)
        if not parts:
            return None
        if (asked := self._asked(mode, adapters)) is not None:
            return served(asked, self._judge(asked))
        return parts, mode.merge

    def _compose(self, mode: ResolvedMode, adapters: AdapterSet) -> Composition | None:
        recipe = self._recipe(mode, adapters)
        if recipe is None:
            return None
        parts, merge = recipe
        return self.store.get_or_compose(parts, self.base, max_rank=self.max_rank, merge=merge)

    def judge(self, mode: ResolvedMode, adapters: AdapterSet | None = None) -> GateVerdict | None:
        """What the mode costs by the mind's gate; None where there is nothing to judge: no gate, no core, nothing else.

        Blocking, for seconds where the mode is a new one.

        Args:
            adapters: None for those in use.

        Raises:
            CostsTooMuch, DriftsTooFar: the gate refuses it.
            AdapterError: its adapters cannot be read or merged.
        """
        asked = self._asked(mode, adapters or self._live)
        return None if asked is None else self._judge(asked)

    def _judge(self, asked: Asked) -> GateVerdict | None:
        if self._gate is None:
            return None
        verdict = self._gate.judge(asked, self.max_rank)
        self._gate.check(verdict, asked)
        return verdict

    def _asked(self, mode: ResolvedMode, adapters: AdapterSet) -> Asked | None:
        """The mode as the gate looks at it; None if it is not looked at."""
        names = [term.name for term in mode.terms]
        if self._gate is None or self.mind.core not in names or len(names) < 2:
            return None
        by_name = dict(zip(names, self.parts(mode, adapters), strict=True))
        core = by_name.pop(self.mind.core)
        return Asked(mode.text, self.mind.core, list(by_name), [core, *by_name.values()], mode.merge, adapters)


def open_adapters(mind: Mind, base: BaseModelSpec | None) -> tuple[dict[str, AdapterPackage], dict[str, AdapterError]]:
    """The adapters of a mind that are sound and fit its base model, and why the others are out of service; blocking.

    Args:
        base: None to leave out whether they fit it.
    """
    live, _ = open_live_set(mind, base)
    return dict(live.packages), dict(live.unfit)


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
