"""A base model in memory, and the work it does. Everything here blocks, and is for one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from transformers import AutoModelForCausalLM, GenerationConfig

import inference.quiet  # noqa: F401
from inference.engine.detokenizer import Detokenizer
from inference.engine.errors import ModelNotLoadable, PromptTooLong
from inference.engine.local.adapters import AdapterSlots
from inference.engine.local.drawing import processors
from inference.engine.port import Finished, FinishReason, TextDelta, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from inference.engine.local.relay import Relay
    from inference.engine.port import AdapterRef, GenerationEvent, Sampling
    from inference.engine.tokenizer import ChatTokenizer


class LocalModel:
    """A causal language model with its adapters."""

    def __init__(
        self, folder: Path, tokenizer: ChatTokenizer, *, dtype: str, context_tokens: int, adapters: int
    ) -> None:
        """Load the weights.

        Raises:
            ModelNotLoadable: transformers does not know the architecture, or the weights do not fit it.
        """
        try:
            self._model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=getattr(torch, dtype), local_files_only=True, use_safetensors=True
            ).eval()
        except Exception as error:  # whatever is wrong with a checkpoint, in the words of three libraries
            raise ModelNotLoadable(folder=folder, reason=str(error).partition("\n")[0]) from error
        self._reader: Relay[GenerationEvent] | None = None
        for layer in self._model.get_decoder().layers:
            layer.register_forward_pre_hook(self._break_off)
        self._tokenizer = tokenizer
        self._context_tokens = context_tokens
        self._adapters = AdapterSlots(self._model, adapters)
        self._stop_ids = sorted(tokenizer.stop_ids)
        self._model.generation_config = GenerationConfig(eos_token_id=self._stop_ids, pad_token_id=self._stop_ids[0])

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names of the adapters in memory, the least recently used first."""
        return self._adapters.loaded

    def generate(
        self, prompt: Sequence[int], adapter: AdapterRef | None, sampling: Sampling, out: Relay[GenerationEvent]
    ) -> None:
        """Write an answer to `out`, ending with `Finished`; break off at once, in any layer, when `out` is stopped.

        Raises:
            PromptTooLong: not one token of an answer fits after the prompt.
            AdapterNotLoadable: see `AdapterSlots.active`.
        """
        room = self._context_tokens - len(prompt)
        if room < 1:
            raise PromptTooLong(tokens=len(prompt), limit=self._context_tokens)
        answer = _Answer(Detokenizer(self._tokenizer.decode), self._tokenizer.stop_ids, out)
        ids = torch.tensor([list(prompt)])
        self._reader = out
        try:
            with self._adapters.active(adapter), torch.inference_mode():
                self._model.generate(
                    ids,
                    attention_mask=torch.ones_like(ids),
                    max_new_tokens=min(sampling.max_tokens, room),
                    do_sample=False,
                    repetition_penalty=float(sampling.repetition_penalty),
                    logits_processor=processors(sampling),
                    streamer=answer,
                )
        except _Abandoned:
            return
        finally:
            self._reader = None
        answer.close(len(prompt))

    def logits(self, ids: Sequence[int], adapter: AdapterRef | None, last: int = 0) -> torch.Tensor:
        """Scores of the next token after each of `ids`, or of the `last` of them: float32 (tokens, vocabulary)."""
        if len(ids) > self._context_tokens:
            raise PromptTooLong(tokens=len(ids), limit=self._context_tokens)
        with self._adapters.active(adapter), torch.inference_mode():
            logits: torch.Tensor = self._model(torch.tensor([list(ids)]), logits_to_keep=last).logits
        return logits[0].float()

    def logprobs(self, prompt: Sequence[int], continuation: Sequence[int], adapter: AdapterRef | None) -> torch.Tensor:
        """Log-probability of each token of `continuation`: float32 (tokens,)."""
        scores = self.logits([*prompt, *continuation], adapter, last=len(continuation) + 1)[:-1].log_softmax(-1)
        return scores.gather(-1, torch.tensor(continuation)[:, None])[:, 0]

    def _break_off(self, *_: object) -> None:
        """Runs before every layer: the first pass over a long prompt takes seconds, and nobody may want it any more."""
        if self._reader is not None and self._reader.stopped:
            raise _Abandoned


class _Abandoned(Exception):
    """Nobody listens any more."""


class _Answer:
    """Receives an answer's tokens from transformers (as its streamer) and sends their text on."""

    def __init__(self, text: Detokenizer, stop_ids: frozenset[int], out: Relay[GenerationEvent]) -> None:
        self._text = text
        self._stop_ids = stop_ids
        self._out = out
        self._tokens = 0
        self._stopped = False
        self._take: Callable[[torch.Tensor], None] = self._skip_prompt

    def put(self, ids: torch.Tensor) -> None:
        self._take(ids)

    def end(self) -> None:
        """Nothing: `close` knows more."""

    def close(self, prompt_tokens: int) -> None:
        self._send(self._text.finish())
        reason = FinishReason.STOP if self._stopped else FinishReason.LENGTH
        self._out.send(Finished(reason, Usage(prompt_tokens, self._tokens)))

    def _skip_prompt(self, _: torch.Tensor) -> None:
        self._take = self._take_token

    def _take_token(self, ids: torch.Tensor) -> None:
        token = int(ids.item())
        self._tokens += 1
        self._stopped = token in self._stop_ids
        if not self._stopped:
            self._send(self._text.push(token))

    def _send(self, piece: str) -> None:
        if piece:
            self._out.send(TextDelta(piece))
