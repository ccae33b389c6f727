"""How likely the model holds a given text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class TokenScores:
    """Log-probabilities of a text's tokens, each given the prompt and the tokens before it."""

    tokens: tuple[int, ...]
    logprobs: NDArray[np.float32]
    """Natural logarithms, one a token: shape (tokens,)."""

    @property
    def mean_loss(self) -> float:
        """Cross-entropy in nats per token."""
        return -float(self.logprobs.mean())
