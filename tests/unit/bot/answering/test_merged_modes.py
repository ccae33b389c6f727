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
