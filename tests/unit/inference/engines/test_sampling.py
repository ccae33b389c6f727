"""How tokens are drawn."""

from __future__ import annotations

import pytest
import torch

from inference.engines.local.sampling import sampling_processors
from inference.engines.port import Sampling

SCORES = torch.tensor([[2.0, 1.0, 0.0, -1.0, float("-inf")]])
DRAWS = 2000


def draw(sampling: Sampling, times: int) -> list[int]:
    steps = sampling_processors(sampling)
    seen = torch.tensor([[0]])
    return [int(steps(seen, SCORES.clone()).argmax()) for _ in range(times)]


def shares(sampling: Sampling) -> torch.Tensor:
    """How often each token is drawn, as a share of all."""
    return torch.bincount(torch.tensor(draw(sampling, DRAWS)), minlength=SCORES.shape[1]) / DRAWS


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_as_often_as_they_are_likely(temperature: float) -> None:
    expected = (SCORES[0] / temperature).softmax(-1)
    deviation = (expected * (1 - expected) / DRAWS).sqrt()
    assert ((shares(Sampling(temperature=temperature, top_p=1.0, seed=1)) - expected).abs() <= 4 * deviation).all()


def test_only_the_likeliest_that_make_up_top_p() -> None:
    kept = SCORES[0, :2].softmax(-1)
    drawn = shares(Sampling(temperature=1.0, top_p=0.8, seed=1))
    assert drawn[2:].sum() == 0
    assert drawn[0] == pytest.approx(float(kept[0]), abs=0.04)


def test_at_temperature_zero_nothing_is_changed() -> None:
    assert len(sampling_processors(Sampling(temperature=0))) == 0


@pytest.mark.parametrize("seed", [0, -1, 2**64 + 3])
def test_a_seed_repeats_the_draws_whatever_else_draws(seed: int) -> None:
    first = draw(Sampling(seed=seed), 50)
    torch.rand(10)
    assert draw(Sampling(seed=seed), 50) == first


def test_without_a_seed_draws_differ() -> None:
    assert draw(Sampling(temperature=2.0), 50) != draw(Sampling(temperature=2.0), 50)
