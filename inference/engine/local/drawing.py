"""How the local engine draws tokens: its own random numbers, so that a seed repeats an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopPLogitsWarper

if TYPE_CHECKING:
    from inference.engine.port import Sampling


class GumbelNoise:
    """Turns the largest score into a sample of the distribution: the Gumbel-max trick.

    The library's own sampling draws from the process-wide generator, which every other user of it moves on.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.Tensor:
        return scores - torch.empty_like(scores).exponential_(generator=self._generator).log()


def processors(sampling: Sampling) -> LogitsProcessorList:
    """What is done to the scores of a step before the largest is taken; nothing at temperature 0."""
    steps = LogitsProcessorList()
    if sampling.temperature <= 0:
        return steps
    generator = torch.Generator()
    if sampling.seed is None:
        generator.seed()
    else:
        generator.manual_seed(sampling.seed % 2**63)
    steps.append(TemperatureLogitsWarper(float(sampling.temperature)))
    if sampling.top_p < 1:
        steps.append(TopPLogitsWarper(float(sampling.top_p)))
    steps.append(GumbelNoise(generator))
    return steps
