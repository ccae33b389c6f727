"""A base model in memory, and the work it does. Everything here blocks, and is for one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoModelForCausalLM, GenerationConfig, LogitsProcessorList, StoppingCriteriaList

import inference.library_logging  # noqa: F401
from inference.engines.errors import ModelNotLoadable, PromptTooLong
from inference.engines.local.adapters import AdapterSlots
from inference.engines.local.grammar import GrammarCompiler
from inference.engines.local.prefix import BasePrefix, last_occurrence
from inference.engines.local.sampling import (
    GrammarMask,
    GrammarStoppingCriteria,
    sampling_processors,
    score_processors,
)
from inference.engines.local.streaming import Detokenizer
from inference.engines.port import Finished, FinishReason, TextDelta, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from inference.adapters.usage import AdapterRef
    from inference.engines.local.grammar import Grammar
    from inference.engines.local.streaming import ThreadStream
    from inference.engines.port import GenerationEvent, GenerationRequest, Sampling
    from inference.engines.tokenizer import ChatTokenizer


class LocalModel:
    """A causal language model with its adapters."""

    def __init__(
        self,
        folder: Path,
        tokenizer: ChatTokenizer,
        *,
        device: torch.device,
        dtype: torch.dtype,
        context_tokens: int,
        max_adapters: int,
    ) -> None:
        """Load the weights.

        Raises:
            ModelNotLoadable: transformers does not know the architecture, or the weights do not fit it.
        """
        try:
            # Straight to a GPU: a large model need not fit into the machine's own memory as well.
            placed = {"device_map": {"": device}} if device.type == "cuda" else {}
            model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=dtype, local_files_only=True, use_safetensors=True, **placed
            )
            self._model = model.to(device).eval()
        except Exception as error:  # whatever is wrong with a checkpoint, in the words of three libraries
            raise ModelNotLoadable(folder=folder, reason=str(error).partition("\n")[0]) from error
        self._device = device
        self._stream: ThreadStream[GenerationEvent] | None = None
        layers = self._model.get_decoder().layers
        self._hooks = [layer.register_forward_pre_hook(self._raise_if_cancelled) for layer in layers]
        self._tokenizer = tokenizer
        self._context_tokens = context_tokens
        self._adapters = AdapterSlots(self._model, max_adapters)
        self._prefix = BasePrefix(self._model)
        self._stop_ids = sorted(tokenizer.stop_ids)
        self._grammars = GrammarCompiler(folder, self._stop_ids)
        self._model.generation_config = GenerationConfig(eos_token_id=self._stop_ids, pad_token_id=self._stop_ids[0])

    @property
    def adapters(self) -> AdapterSlots:
        """The adapters in memory."""
        return self._adapters

    def release(self) -> None:
        """Take off what refers from the weights back to here: they would stay until the garbage is collected."""
        for hook in self._hooks:
            hook.remove()

    def generate(
        self, prompt: Sequence[int], request: GenerationRequest, stream: ThreadStream[GenerationEvent]
    ) -> None:
        """Answer a request, whose prompt these ids are, into `out`, ending with `Finished`.

        Breaks off at once, in any layer, when `out` is stopped.

        Raises:
            PromptTooLong: not one token of an answer fits after the prompt.
            AdapterNotLoadable: see `AdapterSlots.active`.
            SchemaRefused, GenerationFailed: see `GrammarCompiler.compile` and `Grammar.allowed`.
        """
        room = self._context_tokens - len(prompt)
        if room < 1:
            raise PromptTooLong(tokens=len(prompt), limit=self._context_tokens)
        grammar = None if request.schema is None else self._grammars.compile(request.schema)
        answer = _AnswerStreamer(self._tokenizer, request, stream)
        ids = torch.tensor([list(prompt)], device=self._device)
        self._stream = stream
        computed: dict[str, Any] = {}
        reused = 0
        adapter = request.adapter
        try:
            if request.invocation:
                begins = last_occurrence(request.invocation, prompt)
                adapter = None if begins is None else adapter
                with self._adapters.activated(None), torch.inference_mode():
                    before, reused = self._prefix.compute(ids[0, : len(prompt) - 1 if begins is None else begins])
                computed = {} if before is None else {"past_key_values": before}
            with self._adapters.activated(adapter), torch.inference_mode():
                self._model.generate(
                    ids,
                    attention_mask=torch.ones_like(ids),
                    max_new_tokens=min(request.sampling.max_tokens, room),
                    do_sample=False,
                    streamer=answer,
                    eos_token_id=sorted(answer.stop_ids),
                    **computed,
                    **_sampling_arguments(request.sampling, grammar, len(prompt)),
                )
        except _Cancelled:
            return
        finally:
            self._stream = None
        answer.close(len(prompt), reused, complete=grammar is not None and grammar.is_complete)

    def logits(self, ids: Sequence[int], adapter: AdapterRef | None, keep_last: int = 0) -> torch.Tensor:
        """Scores of the next token after each of `ids`, or of the `last` of them: float32 (tokens, vocabulary)."""
        if len(ids) > self._context_tokens:
            raise PromptTooLong(tokens=len(ids), limit=self._context_tokens)
        with self._adapters.activated(adapter), torch.inference_mode():
            tokens = torch.tensor([list(ids)], device=self._device)
            logits: torch.Tensor = self._model(tokens, logits_to_keep=keep_last).logits
        return logits[0].float().cpu()

    def logprobs(self, prompt: Sequence[int], continuation: Sequence[int], adapter: AdapterRef | None) -> torch.Tensor:
        """Log-probability of each token of `continuation`: float32 (tokens,)."""
        scores = self.logits([*prompt, *continuation], adapter, keep_last=len(continuation) + 1)[:-1].log_softmax(-1)
        return scores.gather(-1, torch.tensor(continuation, dtype=torch.long)[:, None])[:, 0]

    def _raise_if_cancelled(self, *_: object) -> None:
        """Runs before every layer: a long prompt's first pass takes seconds, and its answer may have been cancelled."""
        if self._stream is not None and self._stream.cancelled:
            raise _Cancelled


def _sampling_arguments(sampling: Sampling, grammar: Grammar | None, prompt_tokens: int) -> dict[str, Any]:
    """How each token is chosen, and what ends the answer, as arguments of the library's `generate`."""
    steps = [*score_processors(sampling, prompt_tokens), *sampling_processors(sampling)]
    if grammar is None:
        return {
            "repetition_penalty": float(sampling.repetition_penalty),
            "logits_processor": LogitsProcessorList(steps),
        }
    mask = GrammarMask(grammar, prompt_tokens, sampling.repetition_penalty)
    return {
        "logits_processor": LogitsProcessorList([mask, *steps]),
        "stopping_criteria": StoppingCriteriaList([GrammarStoppingCriteria(grammar)]),
    }


class _Cancelled(Exception):
    """Nobody listens any more."""


class _AnswerStreamer:
    """Receives an answer's tokens from transformers (as its streamer) and sends their text on."""

    def __init__(
        self, tokenizer: ChatTokenizer, request: GenerationRequest, stream: ThreadStream[GenerationEvent]
    ) -> None:
        has_marks = request.thinks or request.parses_tool_calls
        self.stop_ids = tokenizer.end_ids if has_marks else tokenizer.stop_ids
        self._detokenizer = Detokenizer(tokenizer.decode_marked if has_marks else tokenizer.decode)
        # What satisfies a schema has no thoughts in it, and begins as the schema says.
        self._parser = None if request.schema is not None else tokenizer.answer_parser(request)
        self._stream = stream
        self._tokens = 0
        self._stopped = False
        self._handle: Callable[[torch.Tensor], None] = self._skip_prompt

    def put(self, ids: torch.Tensor) -> None:
        self._handle(ids)

    def end(self) -> None:
        """Nothing: `close` knows more."""

    def close(self, prompt_tokens: int, cached_tokens: int, *, complete: bool) -> None:
        """Send what is left; `complete` says that the answer has ended even without an end mark."""
        self._send(self._detokenizer.finish())
        for event in self._parser.finish() if self._parser else ():
            self._stream.send(event)
        reason = FinishReason.STOP if self._stopped or complete else FinishReason.LENGTH
        self._stream.send(Finished(reason, Usage(prompt_tokens, self._tokens, cached_tokens)))

    def _skip_prompt(self, _: torch.Tensor) -> None:
        self._handle = self._handle_token

    def _handle_token(self, ids: torch.Tensor) -> None:
        token = int(ids.item())
        self._tokens += 1
        self._stopped = token in self.stop_ids
        if not self._stopped:
            self._send(self._detokenizer.push(token))

    def _send(self, piece: str) -> None:
        if not piece:
            return
        for event in self._parser.feed(piece) if self._parser else (TextDelta(piece),):
            self._stream.send(event)
