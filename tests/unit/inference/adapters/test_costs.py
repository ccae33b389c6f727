"""What a mixture costs, predicted: what must hold of any such model, and of the remedies it judges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.adapters.costs.interference import Interference, measure_interference
from inference.adapters.costs.model import cost_model, predict_cost, predict_drift, ridge
from inference.adapters.costs.remedies import (
    LEAST_SHARE,
    PROJECTIONS,
    Mixture,
    costs_by_adapter,
    merge_cost,
    other_merges,
    scaled,
    smaller_weights,
    sum_cost,
    trained_together,
)
from inference.adapters.merging.settings import Merge
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from tests.fakes.adapters import TINY, write_adapter

NOTHING = Interference(0.0, 0.0, 0.0, 0.0, 0.0)
shares = st.floats(0.0, 1.0)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[AdapterPackage]:
    """A core, a topic of its size, and one five times as large."""
    folder = tmp_path_factory.mktemp("costs")
    for seed, size in ((1, 0.05), (2, 0.05), (3, 0.11)):
        write_adapter(folder / str(seed), seed=seed, rank=3, size=size)
    return [AdapterPackage.open(folder / str(seed)) for seed in (1, 2, 3)]


def test_what_nothing_bears_on_loses_nothing() -> None:
    cost = predict_cost(NOTHING, trained_together=False)
    assert cost.expected == 0.0
    assert cost.low < 0 < cost.high
    assert predict_cost(NOTHING, trained_together=True) == cost


@given(st.floats(-3, 3), st.floats(0, 1e6), shares, shares, shares, st.booleans())
def test_every_mixture_has_a_finite_cost_within_its_interval(
    along: float, beside: float, read: float, written: float, crossed: float, together: bool
) -> None:
    within = Interference(along, beside, beside * read, beside * written, beside * min(read, written) * crossed)
    cost = predict_cost(within, trained_together=together)
    assert np.isfinite([cost.low, cost.expected, cost.high]).all()
    assert cost.low <= cost.expected <= cost.high
    drift = predict_drift(within)
    assert 0 < drift.low <= drift.expected <= drift.high


def test_a_larger_topic_costs_more_and_one_trained_on_the_core_less(packages: list[AdapterPackage]) -> None:
    core, topic, large = packages
    small_cost = sum_cost(Mixture(Part(core), [Part(topic)]))
    assert sum_cost(Mixture(Part(core), [Part(large)])).expected > small_cost.expected
    assert sum_cost(Mixture(Part(core), [Part(topic)], trained_together=True)).expected < small_cost.expected


def test_smaller_weights_are_the_largest_that_keep_enough(packages: list[AdapterPackage]) -> None:
    core, _, large = packages
    mixture = Mixture(Part(core), [Part(large)])
    most = sum_cost(mixture).expected / 2
    remedy = smaller_weights(mixture, most)
    assert remedy is not None
    assert LEAST_SHARE <= remedy.share < 1
    assert remedy.cost.expected <= most
    more = Mixture(Part(core), scaled([Part(large)], round(remedy.share + 0.01, 2)))
    assert sum_cost(more).expected > most
    # What a remedy is said to cost is what its mixture is found to cost.
    less = Mixture(Part(core), scaled([Part(large)], remedy.share))
    assert sum_cost(less).expected == pytest.approx(remedy.cost.expected, abs=1e-9)
    assert smaller_weights(mixture, -1.0) is None


def test_a_sum_looked_at_as_a_merge_costs_the_same(packages: list[AdapterPackage]) -> None:
    core, topic, _ = packages
    mixture = Mixture(Part(core, is_core=True), [Part(topic)])
    assert merge_cost(mixture, Merge(), TINY) == sum_cost(mixture)
    as_package = merge_cost(mixture, Merge(rank=12), TINY)
    assert as_package.expected == pytest.approx(sum_cost(mixture).expected, abs=1e-4)


def test_projections_are_judged_by_what_they_make(packages: list[AdapterPackage]) -> None:
    core, topic, _ = packages
    mixture = Mixture(Part(core, is_core=True), [Part(topic)])
    found = list(other_merges(mixture, PROJECTIONS, TINY))
    assert [it.merge for it in found] == list(PROJECTIONS)
    assert all(it.cost.expected <= sum_cost(mixture).expected + 0.05 for it in found)


def test_together_means_that_one_was_trained_on_the_other(packages: list[AdapterPackage]) -> None:
    parts = dict(zip(("core", "topic", "large"), map(Part, packages), strict=True))
    trained_on = {"core": None, "topic": packages[0].digest, "large": None}
    others = {"topic": parts["topic"]}
    assert trained_together("core", others, parts, trained_on)
    assert trained_together("topic", {"core": parts["core"]}, parts, trained_on)
    assert not trained_together("core", {**others, "large": parts["large"]}, parts, trained_on)
    assert not trained_together("core", {}, parts, trained_on)
    assert costs_by_adapter(parts, trained_on).keys() == parts.keys()


def test_the_model_that_ships_says_what_it_was_fitted_to() -> None:
    model = cost_model()
    assert float(model.source["pairs"]) >= 60
    assert model.errors[0] < 0 < model.errors[1]
    assert 0.5 < model.coverage < 1


@given(st.integers(0, 99))
def test_a_regression_finds_the_coefficients_there_are(seed: int) -> None:
    chance = np.random.default_rng(seed)
    terms, true = chance.normal(size=(60, 3)), chance.normal(size=3)
    np.testing.assert_allclose(ridge(terms, terms @ true, 1e-9), true, atol=1e-6)
    assert np.linalg.norm(ridge(terms, terms @ true, 1.0)) < np.linalg.norm(true)


def test_the_whole_mixture_and_its_parts_agree(packages: list[AdapterPackage]) -> None:
    core, topic, _ = packages
    whole = measure_interference(core, [Part(core, 0.7), Part(topic, 0.5)])
    cost = sum_cost(Mixture(Part(core, 0.7), [Part(topic, 0.5)]))
    assert predict_cost(whole, trained_together=False).expected == pytest.approx(cost.expected, abs=1e-6)
