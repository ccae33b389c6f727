"""How a mixture bears on an adapter, through the factors and dense."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.adapters.costs.interference import interference_features, measure_interference, measure_others
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from tests.fakes.adapters import ATTENTION, TINY, FakeAdapter, write_adapter

weights = st.floats(-3, 3).map(lambda it: round(it, 2)).filter(bool)


@pytest.fixture(scope="module")
def fakes(tmp_path_factory: pytest.TempPathFactory) -> list[FakeAdapter]:
    """The second has other modules, ranks and layers than the first."""
    folder = tmp_path_factory.mktemp("interference")
    return [
        write_adapter(folder / "one", seed=1, rank=3),
        write_adapter(folder / "other", seed=2, rank=5, modules=("q_proj", "up_proj"), layers=(0, 3, 4)),
    ]


def dense(fakes: list[FakeAdapter], own: float, others: float) -> dict[str, float]:
    """The same numbers from dense deltas."""
    sums = dict.fromkeys(("own", "along", "all", "read", "written", "crossed"), 0.0)
    for layer in range(TINY.layers):
        for module in (*ATTENTION, "up_proj"):
            x = np.asarray(fakes[0].delta(layer, module))
            d = (own - 1) * x + others * np.asarray(fakes[1].delta(layer, module))
            sums["own"] += np.square(x).sum()
            sums["all"] += np.square(d).sum()
            if not x.ndim or not d.ndim:
                continue
            sums["along"] += (x * d).sum()
            u, _, v = np.linalg.svd(x)
            u, v = u[:, :3], v[:3]
            sums["read"] += np.square(d @ v.T).sum()
            sums["written"] += np.square(u.T @ d).sum()
            sums["crossed"] += np.square(u.T @ d @ v.T).sum()
    along = sums["along"] / sums["own"]
    names = {"beside": "all", "read": "read", "written": "written", "crossed": "crossed"}
    return {"along": along} | {n: np.sqrt(max(sums[it] / sums["own"] - along**2, 0)) for n, it in names.items()}


@settings(max_examples=15, deadline=None)
@given(weights, weights)
def test_the_factors_tell_what_the_deltas_would(fakes: list[FakeAdapter], own: float, others: float) -> None:
    one, other = (AdapterPackage.open(fake.folder) for fake in fakes)
    expected = dense(fakes, own, others)
    measured = measure_interference(one, [Part(one, own), Part(other, others)])
    assert interference_features(measured) == pytest.approx(expected, abs=1e-5)
    scaled = measure_others(one, [Part(other)]).at_weights(own, others)
    assert interference_features(scaled) == pytest.approx(expected, abs=1e-5)
    assert measured.crossed <= min(measured.read, measured.written) + 1e-9
    assert max(measured.read, measured.written) <= measured.beside + 1e-9


def test_alone_nothing_bears_on_an_adapter_and_without_it_all_is_gone(fakes: list[FakeAdapter]) -> None:
    one = AdapterPackage.open(fakes[0].folder)
    assert interference_features(measure_interference(one, [Part(one)])) == pytest.approx(
        dict.fromkeys(("along", "beside", "read", "written", "crossed"), 0.0), abs=1e-7
    )
    assert measure_interference(one, [Part(one, -0.5)]).along == pytest.approx(-1.5)
