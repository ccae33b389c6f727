"""How the local engine draws tokens: its own random numbers, so that a seed repeats an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inference.engines.local.grammar import Grammar
    from inference.engines.port import Sampling

_FREE_TEXT_SHARE = 0.1
"""Where a grammar allows more than this share of all tokens, the answer is inside a text of its own words."""


class GumbelNoise:
    """Turns the largest score into a sample of the distribution: the Gumbel-max trick.

    The library's own sampling draws from the process-wide generator, which every other user of it moves on.
    The numbers are drawn by the processor wherever the scores are, so that a seed draws the same ones everywhere.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.Tensor:
        noise = torch.empty(scores.shape, dtype=torch.float32).exponential_(generator=self._generator).log()
        return scores - noise.to(scores.device)


class AnswerPenalties:
    """Takes from the scores of tokens that the answer has already, as OpenAI defines the two penalties."""

    def __init__(self, prompt_tokens: int, frequency: float, presence: float) -> None:
        self._prompt_tokens = prompt_tokens
        self._frequency = frequency
        self._presence = presence

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.Tensor:
        answer = input_ids[:, self._prompt_tokens :]
        counts = torch.zeros_like(scores).scatter_add_(1, answer, torch.ones_like(answer, dtype=scores.dtype))
        return scores - self._frequency * counts - self._presence * (counts > 0)


class LogitBias:
    """Adds to the scores of some tokens."""

    def __init__(self, biases: Mapping[int, float]) -> None:
        self._biases = biases

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.Tensor:
        known = {token: bias for token, bias in self._biases.items() if 0 <= token < scores.shape[-1]}
        tokens = torch.tensor(list(known), dtype=torch.long, device=scores.device)
        biases = torch.tensor(list(known.values()), dtype=scores.dtype, device=scores.device)
        return scores.index_add(1, tokens, biases.expand(scores.shape[0], -1))


class GrammarMask:
    """Leaves only the tokens a grammar allows, and penalises words of the answer that come again.

    The penalty is for texts inside the answer alone: over quotes and brackets it would keep texts and lists from
    ending, over numbers and listed values it would decide against the model, and over the prompt's words it would keep
    an answer from quoting.
    """

    def __init__(self, grammar: Grammar, prompt_tokens: int, repetition_penalty: float) -> None:
        self._grammar = grammar
        self._structural = torch.from_numpy(grammar.structural_tokens)
        self._penalty = RepetitionPenaltyLogitsProcessor(float(repetition_penalty), prompt_ignore_length=prompt_tokens)

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.Tensor:
        allowed = self._fit_to_vocabulary(torch.from_numpy(self._grammar.allowed_tokens()).to(scores.device), scores)
        penalised: torch.Tensor = scores
        if allowed.count_nonzero() > _FREE_TEXT_SHARE * allowed.numel():
            structural = self._fit_to_vocabulary(self._structural.to(scores.device), scores)
            penalised = torch.where(structural, scores, self._penalty(input_ids, scores))
        return penalised.masked_fill(~allowed, float("-inf"))

    @staticmethod
    def _fit_to_vocabulary(marks: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """A model may score more tokens than its tokenizer knows, or fewer."""
        size = scores.shape[-1]
        return torch.nn.functional.pad(marks[:size], (0, max(0, size - marks.numel())))


class GrammarStoppingCriteria:
    """Tells the grammar every token that is drawn, and ends the answer with it."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar

    def __call__(self, input_ids: torch.LongTensor, scores: object, **_: object) -> torch.Tensor:
        self._grammar.consume(int(input_ids[0, -1]))
        return torch.tensor([self._grammar.is_complete], device=input_ids.device)


def score_processors(sampling: Sampling, prompt_tokens: int) -> LogitsProcessorList:
    """What is done to the scores of a step at any temperature, beside the repetition penalty."""
    steps = LogitsProcessorList()
    if sampling.frequency_penalty or sampling.presence_penalty:
        steps.append(AnswerPenalties(prompt_tokens, sampling.frequency_penalty, sampling.presence_penalty))
    if sampling.logit_bias:
        steps.append(LogitBias(sampling.logit_bias))
    return steps


def sampling_processors(sampling: Sampling) -> LogitsProcessorList:
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
    if sampling.top_k > 0:
        steps.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        steps.append(TopPLogitsWarper(float(sampling.top_p)))
    if sampling.min_p > 0:
        steps.append(MinPLogitsWarper(float(sampling.min_p)))
    steps.append(GumbelNoise(generator))
    return steps
