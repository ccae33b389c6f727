"""Request and response bodies of SGLang's API, and the limits a server was started with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter

from inference.engines.chat_template import template_options
from inference.engines.remote.bodies import ApiModel
from inference.engines.remote.port import StartedLimits

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from inference.engines.port import Message, Sampling


MODULES_WITHOUT_LORA: Final = frozenset(
    {
        "conv.in_proj", "conv.out_proj", "in_proj_a", "in_proj_b", "in_proj_ba", "self_attn.out_proj", "w1", "w2", "w3",
    }
)  # fmt: skip
"""Modules of LFM2, Qwen3-Next and Qwen3.5 that SGLang 0.5.23 makes no room for in its buffers of adapters."""


class LoadReply(ApiModel):
    """Reply to the loading or unloading of an adapter."""

    success: bool
    error_message: str | None = None


_LogProb: TypeAlias = tuple[float | None, int, str | None]


class _ScoreMeta(ApiModel):
    input_token_logprobs: list[_LogProb]


class _ScoredPrompt(ApiModel):
    meta_info: _ScoreMeta


class ScoreReply:
    """Reply of `/generate` to `score_request`."""

    _SHAPE: TypeAdapter[list[_ScoredPrompt] | _ScoredPrompt] = TypeAdapter(list[_ScoredPrompt] | _ScoredPrompt)

    @classmethod
    def parse(cls, body: bytes) -> list[list[float]]:
        """For each prompt one number a token from its start on; NaN for a token that has nothing before it.

        Raises:
            ValidationError: it is no such reply.
        """
        found = cls._SHAPE.validate_json(body)
        return [
            [float("nan") if logprob is None else logprob for logprob, *_ in scored.meta_info.input_token_logprobs]
            for scored in (found if isinstance(found, list) else [found])
        ]


def chat_request(
    model: str,
    messages: Sequence[Message],
    adapter: str | None,
    sampling: Sampling,
    *,
    max_tokens: int,
    stop_ids: Collection[int],
    answer_prefix: str = "",
    schema: Mapping[str, Any] | None = None,
    thinking: bool = False,
    tools: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Body of a streamed `/v1/chat/completions`.

    The adapter is named behind the base: its name alone would be answered by the base without a word. Settings a
    model's own generation config could otherwise fill in are all given, so that every engine draws alike. With
    `answer_prefix` the server goes on from there instead of beginning the answer.
    """
    request: dict[str, Any] = {
        "model": f"{model}:{adapter}" if adapter else model,
        "messages": [_message_body(message) for message in messages],
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
        "chat_template_kwargs": template_options(thinking=thinking),
        # Thoughts are parsed here, by one parser for every engine; a server's own may not fit the model.
        "separate_reasoning": False,
    }
    if tools:
        request["tools"] = list(tools)
    if thinking or tools:
        request["skip_special_tokens"] = False
    if sampling.seed is not None:
        request["seed"] = sampling.seed
    if sampling.logit_bias:
        request["logit_bias"] = {str(token): bias for token, bias in sampling.logit_bias.items()}
    if answer_prefix:
        request["messages"].append({"role": "assistant", "content": answer_prefix})
        request["continue_final_message"] = True
    if schema is not None:
        form = {"name": "answer", "schema": dict(schema), "strict": True}
        request["response_format"] = {"type": "json_schema", "json_schema": form}
    return request


def _message_body(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.role == "tool":
        body["tool_call_id"] = message.tool_call_id
    return body


def score_request(
    prompts: list[list[int]] | list[int], adapters: list[str | None] | str | None, *, start: int
) -> dict[str, Any]:
    """Body of a `/generate` that generates nothing and tells how likely given tokens are.

    Args:
        prompts: token ids of one prompt, or of several in one batch, which a router does not pass on.
        adapters: a loaded adapter's name, or None for the base model; of a batch, one for each prompt.
        start: the first token whose likelihood is returned. What is before it may come from the prefix cache.
    """
    return {
        "input_ids": prompts,
        "lora_path": adapters,
        "return_logprob": True,
        "logprob_start_len": start,
        "sampling_params": {"max_new_tokens": 0, "temperature": 0},
    }


class ServerLimits(StartedLimits):
    """The part of `/server_info` that decides what the server can serve."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True, protected_namespaces=())

    version: str = "?"
    served_name: str = Field(alias="served_model_name")
    model_path: str
    """Where the server has the model from: a folder on its machine, or a name on a hub."""
    enable_lora: bool = False
    backend: str | None = Field(None, alias="lora_backend")
    max_rank: int | None = Field(None, alias="max_lora_rank")
    modules: frozenset[str] | None = Field(None, alias="lora_target_modules")
    slots: int = Field(8, alias="max_loras_per_batch")
    """Adapters in one batch, the base model counted as one."""
    max_loaded: int | None = Field(None, alias="max_loaded_loras")
    """Adapters in memory; None for no limit."""
    overlap: bool = Field(False, alias="enable_lora_overlap_loading")
    """Whether an adapter is copied to its slot beside decoding."""
    dp_size: int = 1
    input_tokens: int | None = Field(None, alias="max_req_input_len")
    """Longest prompt."""
    cache_tokens: int | None = Field(None, alias="max_total_num_tokens")
    """Tokens that all running answers and the prefix cache may hold together."""

    @property
    def adapters_disabled_reason(self) -> str | None:
        """Why it takes no adapters at all; None when it does."""
        if not self.enable_lora:
            return "it was started without --enable-lora"
        if self.dp_size > 1:
            return f"with data parallelism ({self.dp_size}) it cannot load them while it runs"
        return None
