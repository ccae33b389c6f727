"""Whether a composition costs more than the mind allows, and what then becomes of it.

A verdict is about one recipe under one policy. It is made once, kept beside the compositions, and found again by every
process that shares them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import pydantic
import structlog
from blake3 import blake3
from prometheus_client import Counter

from bot.minds.errors import CostsTooMuch, DriftsTooFar
from bot.minds.schema import CompositionGate, GateAction
from inference.adapters.costs.model import cost_model, is_fitted_to, predict_cost, predict_drift
from inference.adapters.costs.remedies import (
    LEAST_SHARE,
    PROJECTIONS,
    Mixture,
    composed_interference,
    merge_interference,
    other_merges,
    scaled,
    smaller_weights,
    trained_together,
)
from inference.adapters.errors import AdapterError
from inference.adapters.files import read_json, write_json
from inference.adapters.merging.settings import Merge
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from inference.base_model import BaseModelSpec

if TYPE_CHECKING:
    from bot.answering.adapter_sets import AdapterSet

log = structlog.get_logger(__name__)

FOLDER: Final = ".gate"
"""Where verdicts are kept, within the store of compositions."""
_FORMAT: Final = 2
_MERGED_STEP: Final = 5
"""Hundredths between weights that are tried where each of them takes a merge."""


class GateResult(StrEnum):
    """What became of a composition."""

    PASSED = "passed"
    WARNED = "warned"
    SCALED = "scaled"
    PROJECTED = "projected"
    REFUSED = "refused"


class Measured(pydantic.BaseModel):
    """What `mind eval` has measured of a mode."""

    model_config = pydantic.ConfigDict(frozen=True)

    core_kept: float | None
    drift: float | None
    """As a share of the topic's own."""


class MeasuredModes(Protocol):
    """Finds what was measured of exactly these adapters. Blocking."""

    def __call__(self, digests: Mapping[str, str]) -> Mapping[str, Measured]:
        """By the name of a mode's composition at strength 1; nothing where these adapters were not measured."""


class GateVerdict(pydantic.BaseModel):
    """What a composition costs, and what became of it."""

    model_config = pydantic.ConfigDict(frozen=True)

    format: int = _FORMAT
    result: GateResult
    mode: str
    """As it was asked for."""
    core_kept: float
    """Share of the core's gain that is kept, as asked for."""
    interval: tuple[float, float] | None
    """Where a predicted share lies with the model's coverage; None for a measured one."""
    drift: float
    """As a share of the first topic's own drift, as asked for."""
    is_extrapolated: bool = False
    """Whether a predicted figure is of a merge that the model was not fitted to."""
    served_kept: float | None = None
    """Share that is kept of what is served, predicted, where that is another composition."""
    share: float | None = None
    """What the weights of all but the core were multiplied by, if they were."""
    merge: Merge | None = None
    """How the adapters are merged instead, if they are."""
    alternatives: tuple[str, ...] = ()
    """Modes that work, of one that is refused."""
    composition: str | None = None
    """Name of what is served; None of a mode that is refused."""

    @property
    def is_measured(self) -> bool:
        """Whether the core's share was measured and not predicted."""
        return self.interval is None


@dataclass(frozen=True, slots=True)
class Asked:
    """A composition as it is asked for."""

    mode: str
    core: str
    """Name of the core."""
    topics: Sequence[str]
    """Names of the others, in the order of the parts."""
    parts: Sequence[Part]
    """The core first, at the mind's strength."""
    merge: Merge
    adapters: AdapterSet

    @property
    def at_full_strength(self) -> Mixture:
        """The mixture at strength 1, as gains are measured."""
        core, *others = (replace(part, strength=1.0) for part in self.parts)
        by_name = dict(zip((self.core, *self.topics), (core, *others), strict=True))
        trained_on = {name: manifest.trained_on for name, manifest in self.adapters.manifests.items()}
        together = trained_together(self.core, {name: by_name[name] for name in self.topics}, by_name, trained_on)
        return Mixture(core, others, together)


class Gate:
    """Judges compositions of one mind by its policy."""

    def __init__(
        self,
        policy: CompositionGate,
        store: CompositionStore,
        base: BaseModelSpec,
        measured: MeasuredModes | None = None,
    ) -> None:
        """Set up.

        Args:
            measured: None where nothing is measured.
        """
        self._policy, self._store, self._base, self._measured = policy, store, base, measured
        self._known: dict[str, GateVerdict] = {}
        self._deciding = threading.Lock()

    def judge(self, asked: Asked, max_rank: int | None) -> GateVerdict:
        """The verdict on a composition: found, or made and kept. Blocking.

        Raises:
            AdapterError: its adapters cannot be read or merged.
        """
        name = self._store.composition_name(asked.parts, self._base, max_rank, asked.merge)
        measured = self._find_measured(asked)
        key = self._key(name, asked, measured)
        with self._deciding:
            verdict = self._known.get(key) or self._read(key)
            if verdict is None:
                verdict = self._decide(asked, measured)
                if verdict.result is not GateResult.REFUSED:
                    parts, merge = served(asked, verdict)
                    made = self._store.composition_name(parts, self._base, max_rank, merge)
                    verdict = verdict.model_copy(update={"composition": made})
                self._keep(key, verdict)
            if key not in self._known:
                self._known[key] = verdict
                GATE_VERDICTS.labels(result=verdict.result).inc()
            return verdict

    def check(self, verdict: GateVerdict, asked: Asked) -> None:
        """Refuse what the verdict refuses.

        Raises:
            CostsTooMuch, DriftsTooFar
        """
        if verdict.result is not GateResult.REFUSED:
            return
        if verdict.core_kept < self._policy.core_kept or self._policy.drift is None:
            raise CostsTooMuch(
                verdict.mode, asked.core, max(verdict.core_kept, 0.0), self._policy.core_kept, verdict.alternatives
            )
        raise DriftsTooFar(verdict.mode, asked.topics[0], verdict.drift, self._policy.drift, verdict.alternatives)

    def _find_measured(self, asked: Asked) -> Measured | None:
        if self._measured is None:
            return None
        digests = {name: package.digest for name, package in asked.adapters.packages.items()}
        mixture = asked.at_full_strength
        return self._measured(digests).get(self._store.composition_name(mixture.parts, self._base, None, asked.merge))

    def _decide(self, asked: Asked, measured: Measured | None) -> GateVerdict:
        mixture = asked.at_full_strength
        bearing = merge_interference(mixture, asked.merge, self._base)
        cost = predict_cost(bearing, trained_together=mixture.trained_together)
        kept = cost.kept
        interval: tuple[float, float] | None = (1 - cost.high, 1 - cost.low)
        drift = self._predict_drift(asked, asked.parts, asked.merge)
        is_known = measured is not None and None not in (measured.core_kept, measured.drift)
        if measured is not None and measured.core_kept is not None:
            kept, interval = measured.core_kept, None
        if measured is not None and measured.drift is not None:
            drift = measured.drift
        verdict = GateVerdict(
            result=GateResult.PASSED,
            mode=asked.mode,
            core_kept=kept,
            interval=interval,
            drift=drift,
            is_extrapolated=not is_known and not is_fitted_to(asked.merge.of_adapters(len(asked.parts))),
        )
        if kept >= self._policy.core_kept and (self._policy.drift is None or drift <= self._policy.drift):
            return verdict
        match self._policy.action:
            case GateAction.WARN:
                return verdict.model_copy(update={"result": GateResult.WARNED})
            case GateAction.SCALE:
                found = self._scale(asked, mixture, verdict)
            case GateAction.PROJECT:
                found = self._project(asked, mixture, verdict)
            case GateAction.REFUSE:
                found = None
        return found or self._refuse(asked, mixture, verdict)

    def _scale(self, asked: Asked, mixture: Mixture, verdict: GateVerdict) -> GateVerdict | None:
        """The largest weights of the others that are within the policy."""
        is_sum = is_fitted_to(asked.merge)
        remedy = smaller_weights(mixture, 1 - self._policy.core_kept)
        if remedy is None and is_sum:
            return None
        # Measured figures, or the drift, may be against weights that the model finds small enough.
        most, least = round(100 * min(remedy.share if remedy and is_sum else 1.0, 0.99)), round(100 * LEAST_SHARE)
        for hundredths in range(most, least - 1, -1 if is_sum else -_MERGED_STEP):
            share = hundredths / 100
            if not self._drifts_little(asked, share):
                continue
            changed = [mixture.kept, *scaled(mixture.others, share)]
            bearing = composed_interference(mixture.kept.package, changed, asked.merge, self._base)
            kept = predict_cost(bearing, trained_together=mixture.trained_together).kept
            # Of a sum, the remedy knows; a merge is another mixture.
            if is_sum or kept >= self._policy.core_kept:
                return verdict.model_copy(update={"result": GateResult.SCALED, "share": share, "served_kept": kept})
        return None

    def _drifts_little(self, asked: Asked, share: float) -> bool:
        if self._policy.drift is None:
            return True
        parts = [asked.parts[0], *scaled(asked.parts[1:], share)]
        return self._predict_drift(asked, parts, asked.merge) <= self._policy.drift

    def _predict_drift(self, asked: Asked, parts: Sequence[Part], merge: Merge) -> float:
        """As a share of the first topic's own, from what the parts are really composed to."""
        bearing = composed_interference(asked.parts[1].package, parts, merge, self._base)
        return predict_drift(bearing).expected

    def _project(self, asked: Asked, mixture: Mixture, verdict: GateVerdict) -> GateVerdict | None:
        """The projection that takes least out of the others, of those that are within the policy."""
        if verdict.core_kept >= self._policy.core_kept:
            return None  # it is the drift that is too large, and a projection does not make it smaller for certain
        for remedy in other_merges(mixture, PROJECTIONS, self._base):
            if remedy.cost.kept >= self._policy.core_kept and self._projects_within(asked, remedy.merge):
                changes = {"result": GateResult.PROJECTED, "merge": remedy.merge, "served_kept": remedy.cost.kept}
                return verdict.model_copy(update=changes)
        return None

    def _projects_within(self, asked: Asked, merge: Merge) -> bool:
        most = self._policy.drift
        return most is None or self._predict_drift(asked, asked.parts, merge) <= most

    def _refuse(self, asked: Asked, mixture: Mixture, verdict: GateVerdict) -> GateVerdict:
        alternatives = [asked.core, "base"]
        remedy = smaller_weights(mixture, 1 - self._policy.core_kept)
        if remedy is not None and remedy.share < 1:
            weighed = zip(asked.topics, scaled(mixture.others, remedy.share), strict=True)
            weights = "+".join(f"{name}*{part.weight:g}" for name, part in weighed)
            alternatives.insert(0, f"{asked.core}*{asked.parts[0].weight:g}+{weights}")
        return verdict.model_copy(update={"result": GateResult.REFUSED, "alternatives": tuple(alternatives)})

    def _key(self, name: str, asked: Asked, measured: Measured | None) -> str:
        trained_on = sorted(
            (each, str(asked.adapters.manifests[each].trained_on)) for each in (asked.core, *asked.topics)
        )
        facts = [
            _FORMAT,
            name,
            asked.mode,
            self._policy.model_dump(mode="json"),
            measured and measured.model_dump(),
            trained_on,
            cost_model().model_dump(mode="json"),
        ]
        return blake3(json.dumps(facts, sort_keys=True).encode()).hexdigest(16)

    def _read(self, key: str) -> GateVerdict | None:
        folder = self._store.root / FOLDER
        if not (folder / f"{key}.json").exists():
            return None
        try:
            return read_json(folder, f"{key}.json", GateVerdict)
        except AdapterError as error:
            log.warning("composition.verdict_unreadable", key=key, reason=error)
            return None

    def _keep(self, key: str, verdict: GateVerdict) -> None:
        folder = self._store.root / FOLDER
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / f"{key}.json", verdict)
        except (OSError, AdapterError) as error:
            # It is made again when it is needed; an answer does not wait for a full disk.
            log.warning("composition.verdict_not_kept", key=key, reason=error)
        log.info(
            "composition.judged",
            mode=verdict.mode,
            result=str(verdict.result),
            kept=round(verdict.core_kept, 3),
            drift=round(verdict.drift, 3),
            measured=verdict.is_measured,
        )


def served(asked: Asked, verdict: GateVerdict | None) -> tuple[Sequence[Part], Merge]:
    """The parts and the merge that a verdict leaves of what was asked for."""
    if verdict is None:
        return asked.parts, asked.merge
    parts = asked.parts
    if verdict.share is not None:
        parts = [parts[0], *scaled(parts[1:], verdict.share)]
    return parts, verdict.merge or asked.merge


def verdicts_on(store: CompositionStore, composition: str) -> list[GateVerdict]:
    """The verdicts that a composition in the store was made by; blocking."""
    found = []
    folder: Path = store.root / FOLDER
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            verdict = read_json(folder, path.name, GateVerdict)
        except AdapterError:
            continue
        if verdict.composition == composition:
            found.append(verdict)
    return found


GATE_VERDICTS: Final = Counter(
    "consilium_gate_verdicts", "Compositions that a process has judged by the mind's policy, by result.", ["result"]
)
"""Exposed as `consilium_gate_verdicts_total`; each composition counts once in each process."""
