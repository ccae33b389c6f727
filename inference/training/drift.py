"""How far adapters move the base model where nobody asked them to: on neutral texts, about nothing of theirs.

Drift is the mean Kullback-Leibler divergence KL(base || adapted) of the next token's distribution, in nats a token,
over all tokens of the texts but the first of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from inference.training.adapted_model import AdaptedModel


def divergence(base: torch.Tensor, adapted: torch.Tensor) -> torch.Tensor:
    """KL(base || adapted) of each position's distribution, in nats: (positions,), never below 0.

    Args:
        base: scores of the next token, of any float type: (positions, vocabulary).
        adapted: the same of the other model.
    """
    expected, actual = base.float().log_softmax(-1), adapted.float().log_softmax(-1)
    summed = torch.nn.functional.kl_div(actual, expected, reduction="none", log_target=True).sum(-1)
    return summed.clamp_min(0.0)


class NeutralDrift:
    """Drift of packages on one set of texts."""

    def __init__(self, model: AdaptedModel, texts: Sequence[Sequence[int]]) -> None:
        """Set up.

        Args:
            texts: the token ids of each text; those of a single token tell nothing and are passed over.
        """
        self._model = model
        self._texts = [list(ids) for ids in texts if len(ids) > 1]

    def evaluate(self, package: Path, on_text: Callable[[], None] = lambda: None) -> float:
        """Drift of a package in nats a token; blocking.

        Args:
            on_text: called after each text.
        """
        total, tokens = 0.0, 0
        with self._model.wearing(package) as adapted, torch.inference_mode():
            device = next(adapted.parameters()).device
            for ids in self._texts:
                batch = torch.tensor([ids], device=device)
                with adapted.disable_adapter():
                    base = adapted(input_ids=batch, use_cache=False).logits[0, :-1]
                moved = adapted(input_ids=batch, use_cache=False).logits[0, :-1]
                total += float(divergence(base, moved).sum().item())
                tokens += len(ids) - 1
                on_text()
        return total / tokens if tokens else 0.0
