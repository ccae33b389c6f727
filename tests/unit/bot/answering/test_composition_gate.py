"""What a composition may cost is a policy of the mind: it passes, is changed, or is refused, and people are told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.answering import composition_gate
from bot.answering.composer import Composer
from bot.answering.composition_gate import GateResult, Measured, verdicts_on
from bot.app.settings import DEMO_MIND
from bot.minds import Mind, load_mind
from bot.minds.errors import CostsTooMuch, DriftsTooFar
from bot.minds.grammar import parse_expression
from bot.minds.resolve import ResolvedMode, resolve_mode
from bot.minds.schema import CompositionGate, GateAction
from inference.adapters.costs.interference import measure_interference
from inference.adapters.costs.model import Cost, DriftShare, predict_cost, predict_drift
from inference.adapters.merging.settings import SUM, Merge, MergeMethod, MergeSpace
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from tests.fakes.adapters import SMOLLM2, write_adapter

MERGES = [
    Merge(method=MergeMethod.TIES),
    Merge(method=MergeMethod.DARE, seed=4),
    Merge(method=MergeMethod.PRUNE, density=0.4),
    Merge(method=MergeMethod.PROJECT),
    Merge(method=MergeMethod.SUM, space=MergeSpace.FACTORS),
]
MakeComposer = Callable[..., Composer]


@pytest.fixture(scope="module")
def mind(tmp_path_factory: pytest.TempPathFactory) -> Mind:
    """The demo mind with adapters trained apart, of two layers, of which sport is large."""
    folder = tmp_path_factory.mktemp("minds") / "agoge"
    shutil.copytree(DEMO_MIND, folder, ignore=shutil.ignore_patterns("adapters", "library", "exports"))
    shutil.copytree(DEMO_MIND / "library", folder / "library")
    for seed, (name, size) in enumerate({"core": 0.05, "sport": 0.1, "physics": 0.02, "classical": 0.05}.items()):
        write_adapter(
            folder / "adapters" / name,
            SMOLLM2,
            seed=seed,
            rank=2,
            size=size,
            layers=(0, 1),
            modules=("q_proj", "v_proj"),
        )
    return load_mind(folder)


@pytest.fixture
def composer(mind: Mind, tmp_path: Path) -> MakeComposer:
    """Makes composers of the mind under a gate, over one store."""

    def make(gate: CompositionGate | None, measured: Mapping[str, Measured] | None = None) -> Composer:
        changed = replace(mind, policies=mind.policies.model_copy(update={"gate": gate}))
        known = None if measured is None else lambda _digests: measured
        return Composer.open(changed, SMOLLM2, CompositionStore(tmp_path / "compositions"), measured=known)

    return make


def mode(composer: Composer, text: str) -> ResolvedMode:
    return resolve_mode(parse_expression(text), composer.mind)


def name_of(composer: Composer, text: str) -> str:
    composition = composer.compose(mode(composer, text))
    assert composition is not None
    return composition.name


@pytest.mark.parametrize("action", list(GateAction))
def test_what_costs_little_passes_as_it_was_asked_for(composer: MakeComposer, action: GateAction) -> None:
    gated = composer(CompositionGate(core_kept=0.0, action=action))
    verdict = gated.judge(mode(gated, "sport"))
    assert verdict is not None
    assert verdict.result is GateResult.PASSED
    assert name_of(gated, "sport") == verdict.composition == name_of(composer(None), "sport")


def test_a_warning_changes_nothing(composer: MakeComposer) -> None:
    gated = composer(CompositionGate(core_kept=1.0))
    verdict = gated.judge(mode(gated, "sport"))
    assert verdict is not None
    assert verdict.result is GateResult.WARNED
    assert verdict.interval is not None
    assert verdict.interval[0] <= verdict.core_kept <= verdict.interval[1]
    assert name_of(gated, "sport") == name_of(composer(None), "sport")


def test_scaling_down_composes_exactly_the_smaller_weights(composer: MakeComposer) -> None:
    plain = composer(CompositionGate(core_kept=0.0))
    kept = plain.judge(mode(plain, "core*1+sport*1"))
    assert kept is not None
    least = (1 + 1 - (1 - kept.core_kept) * 1.5) / 2 if kept.core_kept < 1 else 0.99
    gated = composer(CompositionGate(core_kept=min(least, 0.97), action=GateAction.SCALE))
    verdict = gated.judge(mode(gated, "core*1+sport*1"))
    assert verdict is not None
    assert verdict.result is GateResult.SCALED
    assert verdict.share is not None
    assert 0.1 <= verdict.share < 1
    assert verdict.served_kept is not None
    assert verdict.served_kept >= min(least, 0.97) - 1e-6
    asked_smaller = f"core*1+sport*{verdict.share:g}"
    assert name_of(gated, "core*1+sport*1") == verdict.composition == name_of(composer(None), asked_smaller)


def test_what_nothing_helps_is_refused_with_modes_that_work(composer: MakeComposer) -> None:
    gated = composer(CompositionGate(core_kept=1.0, action=GateAction.REFUSE))
    with pytest.raises(CostsTooMuch) as refused:
        gated.compose(mode(gated, "core*1+sport*3"))
    assert "core" in refused.value.alternatives
    assert "this mind asks for 100%" in str(refused.value)
    for alternative in refused.value.alternatives:
        resolve_mode(parse_expression(alternative), gated.mind)
    # The core alone, the base and isolated adapters are not the gate's business.
    assert gated.judge(mode(gated, "core")) is None
    assert gated.judge(mode(gated, "base")) is None
    assert gated.judge(mode(gated, "classical")) is None
    assert gated.compose(mode(gated, "core")) is not None


def test_a_verdict_is_made_once_and_found_by_every_process(
    composer: MakeComposer, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = CompositionGate(core_kept=1.0)
    first = composer(gate)
    verdict = first.judge(mode(first, "sport"))

    def fail(*_: object, **__: object) -> None:
        pytest.fail("the verdict was there")

    monkeypatch.setattr(composition_gate, "merge_interference", fail)
    second = composer(gate)
    assert second.judge(mode(second, "sport")) == verdict
    assert verdict is not None
    assert verdict.composition is not None
    assert verdicts_on(second.store, verdict.composition) == [verdict]


def test_another_policy_or_another_measurement_is_another_verdict(composer: MakeComposer) -> None:
    lenient, strict = (composer(CompositionGate(core_kept=kept)) for kept in (0.0, 1.0))
    verdicts = [each.judge(mode(each, "sport")) for each in (lenient, strict, lenient)]
    assert [it.result for it in verdicts if it] == [GateResult.PASSED, GateResult.WARNED, GateResult.PASSED]


def test_what_mind_eval_has_measured_goes_before_what_is_predicted(composer: MakeComposer) -> None:
    bare = composer(None)
    parts = [replace(part, strength=1.0) for part in bare.parts(mode(bare, "sport"))]
    name = bare.store.composition_name(parts, SMOLLM2)
    gate = CompositionGate(core_kept=0.5, drift=2.0)
    good = composer(gate, {name: Measured(core_kept=0.99, drift=0.1)}).judge(mode(bare, "sport"))
    bad = composer(gate, {name: Measured(core_kept=0.2, drift=0.1)}).judge(mode(bare, "sport"))
    other = composer(gate, {"c-" + "0" * 32: Measured(core_kept=0.2, drift=9.0)}).judge(mode(bare, "sport"))
    assert good is not None
    assert (good.result, good.core_kept, good.drift, good.is_measured) == (GateResult.PASSED, 0.99, 0.1, True)
    assert bad is not None
    assert (bad.result, bad.core_kept) == (GateResult.WARNED, 0.2)
    assert other is not None
    assert not other.is_measured


def test_drift_is_a_limit_of_its_own(composer: MakeComposer, monkeypatch: pytest.MonkeyPatch) -> None:
    gated = composer(CompositionGate(core_kept=0.0, drift=0.01, action=GateAction.REFUSE))
    with pytest.raises(DriftsTooFar, match="as far from the base model as sport alone"):
        gated.compose(mode(gated, "sport"))
    monkeypatch.setattr(composition_gate, "predict_drift", lambda _: DriftShare(0.001, 0.001, 0.001))
    gated = composer(CompositionGate(core_kept=0.0, drift=0.02, action=GateAction.REFUSE))
    assert gated.compose(mode(gated, "sport")) is not None


def test_projecting_takes_the_first_projection_that_keeps_enough(
    composer: MakeComposer, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = iter([0.5, 0.4, 0.05])  # of the sum, and of two projections
    monkeypatch.setattr(composition_gate, "predict_cost", lambda *_, **__: Cost(next(costs), 0.0, 1.0))
    monkeypatch.setattr("inference.adapters.costs.remedies.predict_cost", lambda *_, **__: Cost(next(costs), 0.0, 1.0))
    gated = composer(CompositionGate(core_kept=0.9, action=GateAction.PROJECT))
    verdict = gated.judge(mode(gated, "sport"))
    assert verdict is not None
    assert verdict.result is GateResult.PROJECTED
    assert verdict.merge is not None
    composition = gated.compose(mode(gated, "sport"))
    assert composition is not None
    assert composition.record.merge == verdict.merge
    assert verdict.served_kept == pytest.approx(0.95)


@pytest.mark.parametrize("merge", [SUM, Merge(rank=2), *MERGES], ids=str)
def test_kept_and_drift_are_predicted_of_what_is_served(composer: MakeComposer, merge: Merge) -> None:
    gated = composer(CompositionGate(core_kept=0.0, drift=1e-6, action=GateAction.WARN))
    asked = replace(mode(gated, "core*1+sport*1"), merge=merge)
    verdict, composition = gated.judge(asked), gated.compose(asked)
    assert verdict is not None
    assert composition is not None
    served = [Part(AdapterPackage.open(composition.path))]
    assert verdict.composition == composition.name
    bearing = {name: measure_interference(gated.packages[name], served) for name in ("core", "sport")}
    kept = predict_cost(bearing["core"], trained_together=False).kept
    assert verdict.core_kept == pytest.approx(kept, abs=2e-3)
    assert verdict.drift == pytest.approx(predict_drift(bearing["sport"]).expected, rel=2e-3)
    assert verdict.is_extrapolated is (merge != SUM)


def test_what_is_measured_is_no_extrapolation(composer: MakeComposer) -> None:
    merge = MERGES[0]
    bare = composer(None)
    parts = [replace(part, strength=1.0) for part in bare.parts(mode(bare, "sport"))]
    name = bare.store.composition_name(parts, SMOLLM2, None, merge)
    gate = CompositionGate(core_kept=0.5)
    asked = replace(mode(bare, "sport"), merge=merge)
    measured = composer(gate, {name: Measured(core_kept=0.9, drift=0.5)}).judge(asked)
    half_measured = composer(gate, {name: Measured(core_kept=0.9, drift=None)}).judge(asked)
    assert measured is not None
    assert half_measured is not None
    assert (measured.is_extrapolated, half_measured.is_extrapolated) == (False, True)


@pytest.mark.parametrize("merge", MERGES, ids=str)
def test_a_merged_mode_is_scaled_until_the_merge_itself_keeps_enough(composer: MakeComposer, merge: Merge) -> None:
    plain = composer(CompositionGate(core_kept=0.0))
    asked = replace(mode(plain, "core*1+sport*1"), merge=merge)
    before = plain.judge(asked)
    assert before is not None
    least = before.core_kept + 0.3 * (1 - before.core_kept)
    gated = composer(CompositionGate(core_kept=least, action=GateAction.SCALE))
    try:
        verdict = gated.judge(asked)
    except CostsTooMuch:
        return  # a merge such as DARE takes from the core at any weight
    assert verdict is not None
    assert verdict.result is GateResult.SCALED
    assert verdict.served_kept is not None
    assert verdict.served_kept >= least


def test_a_verdict_that_cannot_be_read_is_made_again(composer: MakeComposer) -> None:
    gate = CompositionGate(core_kept=1.0)
    first = composer(gate)
    verdict = first.judge(mode(first, "sport"))
    for path in (first.store.root / composition_gate.FOLDER).glob("*.json"):
        path.write_text(json.dumps({"result": "sideways"}))
    second = composer(gate)
    assert second.judge(mode(second, "sport")) == verdict


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1), st.sampled_from(list(GateAction)), st.integers(-300, 300).filter(bool))
def test_whatever_the_policy_a_mode_is_served_within_it_or_told_about(
    composer: MakeComposer, least: float, action: GateAction, weight: int
) -> None:
    gated = composer(CompositionGate(core_kept=least, action=action))
    asked = mode(gated, f"core*1+physics*{weight / 100:g}")
    try:
        verdict = gated.judge(asked)
    except CostsTooMuch:
        assert action is not GateAction.WARN
        return
    assert verdict is not None
    if verdict.result is GateResult.PASSED:
        assert verdict.core_kept >= least
    elif verdict.result is not GateResult.WARNED:
        assert verdict.served_kept is not None
        assert verdict.served_kept >= least - 1e-6
    assert isinstance(gated.parts(asked)[0], Part)
