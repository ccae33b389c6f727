"""The engine port, served by a model in this process."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, Literal, Self, TypeVar

import structlog

from consilium.error_texts import describe_exception
from inference.device import answering_dtype, check_device_name, find_device
from inference.engines.errors import EngineError, EngineStopped, GenerationFailed
from inference.engines.local.streaming import ThreadStream
from inference.engines.port import Finished, TokenScores
from inference.engines.tokenizer import ChatTokenizer
from inference.engines.tokenizer import read_context_length as model_context
from inference.model_loading import import_library, load_lock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from inference.adapters.usage import AdapterRef
    from inference.engines.local.model import LocalModel
    from inference.engines.port import GenerationEvent, GenerationRequest, Message

_LIBRARIES: Final = ("torch", "torch._dynamo", "transformers.modeling_utils", "peft")
"""Imported one by one before the model is loaded: each takes a second or two."""

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
        device: str = "cpu",
        dtype: Literal["float32", "bfloat16", "float16"] | None = None,
        max_adapters: int = 8,
        context_tokens: int | None = None,
    ) -> None:
        """Set up, without reading weights.

        Args:
            base_model: a checkpoint's folder, as `inference.checkpoint.resolve_base_model` gives it.
            device: where the model is, as `inference.device.find_device` takes it.
            dtype: what the model computes in, and adapters are converted to; None: as suits the device.
            max_adapters: adapters kept in memory at once.
            context_tokens: a limit under the model's own.

        Raises:
            ModelNotLoadable: the folder's config is missing or broken.
            DeviceUnknown: there is no such device.
        """
        self._folder = base_model
        self._device = check_device_name(device)
        self._dtype = dtype
        self._max_adapters = max_adapters
        self._context_tokens = model_context(base_model, context_tokens)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="local-engine")
        self._streams: set[ThreadStream[GenerationEvent]] = set()
        self._closed = False

    @cached_property
    def tokenizer(self) -> ChatTokenizer:
        return ChatTokenizer(self._folder)

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    @property
    def question_head(self) -> tuple[int, ...]:
        """See `inference.engines.port.ActivatesAdapters`."""
        return self.tokenizer.question_head

    @property
    def max_rank(self) -> None:
        """None: an adapter of any rank is taken."""

    async def health_problem(self) -> str | None:
        """See `inference.engines.port.ReportsHealth`."""
        if self._closed:
            return "the engine is closed"
        workers = self._thread._threads  # the executor has no other way to tell
        return "the engine's thread has ended" if any(not worker.is_alive() for worker in workers) else None

    async def start(self) -> None:
        """Load the model now instead of at the first request.

        Cancelled while it loads, it stops after the library that is being imported.
        """
        for library in _LIBRARIES:
            await self._run_in_thread(partial(import_library, library))
        await self._run_in_thread(lambda: self._model)

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        """See `inference.engines.port.Engine.generate`.

        Raises:
            PromptTooLong, PromptRefused, SchemaRefused, AdapterNotLoadable, ModelNotLoadable, GenerationFailed,
            EngineStopped
        """
        if self._closed:
            raise EngineStopped
        relay: ThreadStream[GenerationEvent] = ThreadStream()
        self._streams.add(relay)
        job = self._thread.submit(self._generate, request, relay)
        try:
            while True:
                event = await relay.receive()
                yield event
                if isinstance(event, Finished):
                    return
        finally:
            self._streams.discard(relay)
            relay.cancel()
            job.cancel()

    async def score(
        self, messages: Sequence[Message], continuation: str, adapter: AdapterRef | None = None
    ) -> TokenScores:
        """See `inference.engines.port.Engine.score`.

        Raises:
            PromptTooLong, PromptRefused, AdapterNotLoadable, ModelNotLoadable, GenerationFailed, EngineStopped
        """

        def work() -> TokenScores:
            prompt, ids = self.tokenizer.encode_prompt(messages), self.tokenizer.encode(continuation)
            return TokenScores(tuple(ids), self._model.logprobs(prompt, ids, adapter).numpy())

        return await self._run_in_thread(work)

    async def logits(self, messages: Sequence[Message], adapter: AdapterRef | None = None) -> NDArray[np.float32]:
        """Scores of the next token after each token of the prompt: float32 (tokens, vocabulary).

        For evaluation; a prompt of 1,000 tokens takes about 200 MB.
        """

        def work() -> NDArray[np.float32]:
            scores: NDArray[np.float32] = self._model.logits(self.tokenizer.encode_prompt(messages), adapter).numpy()
            return scores

        return await self._run_in_thread(work)

    async def load_adapter(self, adapter: AdapterRef, *, pinned: bool = False) -> None:
        """Load an adapter into memory; `pinned` keeps it there, for all but one of the `max_adapters` places.

        Raises:
            AdapterNotLoadable, ModelNotLoadable, EngineStopped
        """
        await self._run_in_thread(lambda: self._model.adapters.load(adapter, pinned=pinned))

    async def unload_adapter(self, name: str) -> None:
        """Drop an adapter from memory, once the answers asked for before are out. Not to hold it is no error."""
        with suppress(EngineStopped):  # a closed engine holds nothing
            await self._run_in_thread(lambda: self._model.adapters.unload(name) if "_model" in self.__dict__ else None)

    async def loaded_adapters(self) -> tuple[str, ...]:
        """Names of the adapters in memory, the least recently used first."""
        return await self._run_in_thread(lambda: self._model.adapters.loaded)

    async def close(self) -> None:
        """Stop what runs, refuse what waits, and let go of the model. Idempotent."""
        self._closed = True
        for relay in self._streams:
            relay.fail(EngineStopped())
        self._thread.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._thread.shutdown)
        model: LocalModel | None = self.__dict__.pop("_model", None)
        if model is not None:
            model.release()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def _run_in_thread(self, work: Callable[[], T]) -> T:
        """Do `work` in the engine's thread, when its turn comes."""
        if self._closed:
            raise EngineStopped

        def guarded() -> T:
            with self._wrap_errors():
                return work()

        job = asyncio.get_running_loop().run_in_executor(self._thread, guarded)
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
        with load_lock:
            import torch

            from inference.engines.local.model import LocalModel

            device = find_device(self._device)
            dtype = answering_dtype(device) if self._dtype is None else getattr(torch, self._dtype)
            log.info("engine.load_started", model=str(self._folder), device=str(device), dtype=str(dtype))
            model = LocalModel(
                self._folder,
                self.tokenizer,
                device=device,
                dtype=dtype,
                context_tokens=self._context_tokens,
                max_adapters=self._max_adapters,
            )
        log.info("engine.loaded", model=str(self._folder))
        return model

    def _generate(self, request: GenerationRequest, stream: ThreadStream[GenerationEvent]) -> None:
        """The whole of one request, in the engine's thread. Whatever goes wrong reaches the reader."""
        try:
            with self._wrap_errors():
                prompt = self.tokenizer.encode_prompt(
                    request.messages,
                    thinking=request.thinks,
                    answer_prefix=request.answer_prefix,
                    tools=request.tools,
                )
                self._model.generate(prompt, request, stream)
        except EngineError as error:
            stream.send(error)

    @contextmanager
    def _wrap_errors(self) -> Iterator[None]:
        """Whatever goes wrong within the block leaves it as an `EngineError`."""
        try:
            yield
        except EngineError:
            raise
        except Exception as error:
            log.exception("engine.failed", model=str(self._folder))
            raise GenerationFailed(reason=describe_exception(error)) from error
