"""The engine port, served by a model in this process."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self, TypeVar

import structlog

from inference.engine.context import context_tokens as model_context
from inference.engine.errors import EngineError, EngineStopped, GenerationFailed
from inference.engine.local.relay import Relay
from inference.engine.local.scores import TokenScores
from inference.engine.port import Finished
from inference.engine.tokenizer import ChatTokenizer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from inference.engine.local.model import LocalModel
    from inference.engine.port import AdapterRef, GenerationEvent, GenerationRequest, Message

log = structlog.get_logger(__name__)
T = TypeVar("T")


class LocalEngine:
    """Answers with transformers and PEFT, one request at a time, first come first served.

    The model lives in one thread of its own and is loaded by the first request, or by `start`.
    """

    def __init__(
        self,
        base_model: Path,
        *,
        dtype: Literal["float32", "bfloat16"] = "float32",
        max_adapters: int = 8,
        context_tokens: int | None = None,
    ) -> None:
        """Set up, without reading weights.

        Args:
            base_model: a checkpoint's folder, as `inference.checkpoint.resolve_base_model` gives it.
            dtype: what the model computes in; adapters are converted to it.
            max_adapters: adapters kept in memory at once.
            context_tokens: a limit under the model's own.

        Raises:
            ModelNotLoadable: the folder's config is missing or broken.
        """
        self._folder = base_model
        self._dtype = dtype
        self._max_adapters = max_adapters
        self._context_tokens = model_context(base_model, context_tokens)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="local-engine")
        self._relays: set[Relay[GenerationEvent]] = set()
        self._closed = False

    @cached_property
    def tokens(self) -> ChatTokenizer:
        return ChatTokenizer(self._folder)

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    async def start(self) -> None:
        """Load the model now instead of at the first request."""
        await self._call(lambda model: None)

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        """See `inference.engine.port.Engine.generate`.

        Raises:
            PromptTooLong, PromptRefused, AdapterNotLoadable, ModelNotLoadable, GenerationFailed, EngineStopped
        """
        if self._closed:
            raise EngineStopped
        relay: Relay[GenerationEvent] = Relay()
        self._relays.add(relay)
        job = self._thread.submit(self._generate, request, relay)
        try:
            while True:
                event = await relay.receive()
                yield event
                if isinstance(event, Finished):
                    return
        finally:
            self._relays.discard(relay)
            relay.stop()
            job.cancel()

    async def score(
        self, messages: Sequence[Message], continuation: str, adapter: AdapterRef | None = None
    ) -> TokenScores:
        """How likely the model holds `continuation` as the answer to `messages`; its end mark is not counted."""
        ids = self.tokens.encode(continuation)
        prompt = self.tokens.encode_prompt(messages)
        logprobs = await self._call(lambda model: model.logprobs(prompt, ids, adapter).numpy())
        return TokenScores(tuple(ids), logprobs)

    async def logits(self, messages: Sequence[Message], adapter: AdapterRef | None = None) -> NDArray[np.float32]:
        """Scores of the next token after each token of the prompt: float32 (tokens, vocabulary).

        For evaluation; a prompt of 1,000 tokens takes about 200 MB.
        """
        prompt = self.tokens.encode_prompt(messages)
        scores: NDArray[np.float32] = await self._call(lambda model: model.logits(prompt, adapter).numpy())
        return scores

    async def loaded_adapters(self) -> tuple[str, ...]:
        """Names of the adapters in memory, the least recently used first."""
        return await self._call(lambda model: model.adapters)

    async def close(self) -> None:
        """Stop what runs, refuse what waits, and let go of the model. Idempotent."""
        self._closed = True
        for relay in self._relays:
            relay.fail(EngineStopped())
        self._thread.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._thread.shutdown)
        self.__dict__.pop("_model", None)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def _call(self, work: Callable[[LocalModel], T]) -> T:
        """Run `work` on the model, in the engine's thread, when its turn comes."""
        if self._closed:
            raise EngineStopped
        job = asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(self._model))
        try:
            return await job
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise EngineStopped from None  # it was `close` that cancelled the work, not the caller

    @cached_property
    def _model(self) -> LocalModel:
        """Loaded when first asked for, which only the engine's thread does."""
        from inference.engine.local.model import LocalModel

        log.info("engine.loading", model=str(self._folder), dtype=self._dtype)
        model = LocalModel(
            self._folder,
            self.tokens,
            dtype=self._dtype,
            context_tokens=self._context_tokens,
            adapters=self._max_adapters,
        )
        log.info("engine.loaded", model=str(self._folder))
        return model

    def _generate(self, request: GenerationRequest, relay: Relay[GenerationEvent]) -> None:
        """The whole of one request, in the engine's thread. Whatever goes wrong reaches the reader."""
        try:
            prompt = self.tokens.encode_prompt(request.messages)
            self._model.generate(prompt, request.adapter, request.sampling, relay)
        except EngineError as error:
            relay.send(error)
        except Exception as error:
            log.exception("engine.failed", model=str(self._folder))
            failure = GenerationFailed(reason=str(error).partition("\n")[0] or type(error).__name__)
            failure.__cause__ = error
            relay.send(failure)
