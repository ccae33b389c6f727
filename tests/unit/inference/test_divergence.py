"""Drift: what two small distributions differ by."""

from __future__ import annotations

import pytest
import torch

from inference.training.drift import divergence


def test_the_divergence_of_two_distributions_is_the_textbooks() -> None:
    base, adapted = torch.tensor([[0.5, 0.25, 0.25]]), torch.tensor([[0.25, 0.5, 0.25]])
    expected = 0.5 * torch.log(torch.tensor(2.0)) + 0.25 * torch.log(torch.tensor(0.5))
    assert divergence(base.log() + 3.0, adapted.log()).item() == pytest.approx(expected.item(), abs=1e-6)


def test_equal_scores_do_not_diverge_and_no_position_is_below_zero() -> None:
    torch.manual_seed(1)
    scores = torch.randn(40, 30, dtype=torch.bfloat16)
    assert divergence(scores, scores).abs().max().item() == 0.0
    assert divergence(scores, torch.randn(40, 30)).min().item() > 0.0
