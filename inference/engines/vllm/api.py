"""Request and response bodies of vLLM's API, and the limits a server was started with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inference.engines.remote.bodies import ApiModel
from inference.engines.remote.port import StartedLimits

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from inference.engines.port import Sampling


class _LogProb(ApiModel):
    logprob: float


class _ScoredPrompt(ApiModel):
    prompt_logprobs: list[dict[int, _LogProb] | None]
    """For each token of the prompt its own likelihood; nothing for the first."""


class ScoreReply(ApiModel):
    """Reply of `/v1/completions` to `score_request`."""

    choices: list[_ScoredPrompt]

    @classmethod
    def parse(cls, body: bytes) -> list[float]:
        """One number a token of the prompt; NaN for the first, which has nothing before it.

        Raises:
            ValueError: it is no such reply.
        """
        (scored,) = cls.model_validate_json(body).choices
        return [next(iter(found.values())).logprob if found else float("nan") for found in scored.prompt_logprobs]


def completion_request(
    model: str,
    prompt: Sequence[int],
    sampling: Sampling,
    *,
    max_tokens: int,
    stop_ids: Collection[int],
    schema: Mapping[str, Any] | None = None,
    marked: bool = False,
) -> dict[str, Any]:
    """Body of a streamed `/v1/completions` of a prompt that was tokenized here, so that every engine reads the same.

    Settings a model's own generation config could otherwise fill in are all given, so that every engine draws alike.

    Args:
        model: the base model's name on the server, or a loaded adapter's.
        prompt: token ids, with the beginning of the answer.
        sampling: how tokens are drawn.
        max_tokens: of the answer.
        stop_ids: tokens that end it.
        schema: JSON schema of the answer.
        marked: whether control tokens are written out, to tell thoughts from the answer.
    """
    request: dict[str, Any] = {
        "model": model,
        "prompt": list(prompt),
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "repetition_penalty": sampling.repetition_penalty,
        "stop_token_ids": sorted(stop_ids),
        "skip_special_tokens": not marked,
    }
    if sampling.seed is not None:
        request["seed"] = sampling.seed
    if sampling.logit_bias:
        request["logit_bias"] = {str(token): bias for token, bias in sampling.logit_bias.items()}
    if schema is not None:
        form = {"name": "answer", "schema": dict(schema), "strict": True}
        request["response_format"] = {"type": "json_schema", "json_schema": form}
    return request


def score_request(model: str, prompt: Sequence[int]) -> dict[str, Any]:
    """Body of a `/v1/completions` that tells how likely a prompt's tokens are; one token is generated, for it must be.

    Args:
        model: the base model's name on the server, or a loaded adapter's.
        prompt: token ids.
    """
    return {"model": model, "prompt": list(prompt), "max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}


class ServerLimits(StartedLimits):
    """Reply of `/consilium/limits`, which `deploy/vllm/launch` puts into a server."""

    version: str = "?"
    served_name: str
    model: str = ""
    """The last part of where the server has the model from."""
    enable_lora: bool = False
    max_loaded: int | None = None
    """Adapters in memory."""
    api_key: bool = False
    """Whether it asks for a key before it answers."""
    admin_key: bool = False
    """Whether loading and unloading adapters takes a key of its own."""
    input_tokens: int | None = None
    """Longest prompt and answer together."""

    @property
    def adapters_disabled_reason(self) -> str | None:
        """Why it takes no adapters at all; None when it does."""
        if not self.enable_lora:
            return "it was started without --enable-lora"
        if self.modules is None:
            return "it was started without --lora-target-modules, and could end when it is asked for likelihoods"
        return None
