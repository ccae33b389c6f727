"""How tokens are drawn."""

from __future__ import annotations

import pytest
import torch

from inference.engines.local.sampling import sampling_processors, score_processors
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


def test_only_the_top_k() -> None:
    drawn = shares(Sampling(temperature=2.0, top_p=1.0, top_k=3, seed=1))
    assert (drawn > 0).tolist() == [True, True, True, False, False]


def test_only_those_that_are_likely_enough_beside_the_likeliest() -> None:
    likely = SCORES[0].softmax(-1)
    drawn = shares(Sampling(temperature=1.0, top_p=1.0, min_p=0.3, seed=1))
    assert (drawn > 0).tolist() == (likely >= 0.3 * likely.max()).tolist()


def penalised(sampling: Sampling, prompt: list[int], answer: list[int]) -> list[float]:
    """What is added to the scores, which are 0, after this prompt and this answer."""
    added = score_processors(sampling, len(prompt))(torch.tensor([[*prompt, *answer]]), torch.zeros(1, 5))
    return [float(score) for score in added[0]]


def test_penalties_are_for_what_the_answer_has() -> None:
    assert penalised(Sampling(frequency_penalty=0.5), [0, 0], [1, 2, 1]) == [0, -1, -0.5, 0, 0]
    assert penalised(Sampling(presence_penalty=0.5), [0, 0], [1, 2, 1]) == [0, -0.5, -0.5, 0, 0]
    assert penalised(Sampling(presence_penalty=-1, frequency_penalty=0.25), [0], [3, 3]) == [0, 0, 0, 0.5, 0]
    assert penalised(Sampling(presence_penalty=1), [0, 1], []) == [0, 0, 0, 0, 0]


def test_biases_are_added_to_tokens_that_there_are() -> None:
    assert penalised(Sampling(logit_bias={1: -100, 4: 2.5, 99: 5}), [0], [1]) == [0, -100, 0, 0, 2.5]


def test_without_penalties_and_biases_nothing_is_done() -> None:
    assert len(score_processors(Sampling(), 3)) == 0


def test_at_temperature_zero_nothing_is_changed() -> None:
    assert len(sampling_processors(Sampling(temperature=0))) == 0


@pytest.mark.parametrize("seed", [0, -1, 2**64 + 3])
def test_a_seed_repeats_the_draws_whatever_else_draws(seed: int) -> None:
    first = draw(Sampling(seed=seed), 50)
    torch.rand(10)
    assert draw(Sampling(seed=seed), 50) == first


def test_without_a_seed_draws_differ() -> None:
    assert draw(Sampling(temperature=2.0), 50) != draw(Sampling(temperature=2.0), 50)
