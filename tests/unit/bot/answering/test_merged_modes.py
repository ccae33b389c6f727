"""A mode's merge method reaches its composition, and the core is known to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.answering.composer import Composer
from bot.app.settings import DEMO_MIND
from bot.minds import load_mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from inference.adapters.composition import Composition
from inference.adapters.merging.settings import Merge, MergeMethod, SharedPart
from inference.adapters.store import CompositionStore
from tests.fakes.adapters import SMOLLM2


@pytest.fixture
def compose(tmp_path: Path) -> Callable[[str, Merge], Composition]:
    """Composes a mode of the demo mind under a policy."""

    def with_policy(mode: str, merge: Merge) -> Composition:
        mind = load_mind(DEMO_MIND)
        mind = replace(mind, policies=mind.policies.model_copy(update={"merge": merge}))
        composer = Composer.open(mind, SMOLLM2, CompositionStore(tmp_path / "compositions"))
        composition = composer.compose(resolve_mode(parse_expression(mode), mind))
        assert composition is not None
        return composition

    return with_policy


@pytest.mark.parametrize("method", [MergeMethod.TIES, MergeMethod.PROJECT])
def test_a_policy_merges_every_mode_of_several_adapters(
    compose: Callable[[str, Merge], Composition], method: MergeMethod
) -> None:
    merge = Merge(method=method)
    merged = compose("sport", merge)
    assert merged.record.merge == merge
    assert merged.report.rank == 16
    assert merged.name != compose("sport", Merge()).name
    assert compose("core", merge).name == compose("core", Merge()).name


def test_projecting_knows_the_core_from_the_mind(compose: Callable[[str, Merge], Composition]) -> None:
    merges = [Merge(), *(Merge(method=MergeMethod.PROJECT, off=off) for off in SharedPart)]
    assert len({compose("sport", merge).record.digest for merge in merges}) == len(merges)


def test_the_curves_of_a_named_mode_reach_its_composition(tmp_path: Path) -> None:
    mind = load_mind(DEMO_MIND)
    coach = mind.modes["coach"].model_copy(update={"curves": {"sport": (0.5, 1.0)}})
    mind = replace(mind, modes={**mind.modes, "coach": coach})
    composer = Composer.open(mind, SMOLLM2, CompositionStore(tmp_path))
    mode = resolve_mode(parse_expression("coach"), mind)
    assert mode.text == "coach"
    composition = composer.compose(mode)
    assert composition is not None
    curves = [part.curve for part in composition.record.parts]
    assert sorted(curve[0] for curve in curves if curve) == [0.5]
    assert composition.name != composer.compose(resolve_mode(parse_expression("core+sport"), mind)).name  # type: ignore[union-attr]
