"""The engine port over an SGLang server's OpenAI endpoint."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Self

import httpx
from pydantic import ValidationError

from inference.engine.context import context_tokens as model_context
from inference.engine.errors import (
    AdapterNotLoadable,
    EngineError,
    EngineKeyRefused,
    EngineRefused,
    EngineSilent,
    EngineSlow,
    EngineStopped,
    EngineStuck,
    EngineTimedOut,
    EngineUnavailable,
    PromptTooLong,
)
from inference.engine.port import Finished, FinishReason, TextDelta, Usage
from inference.engine.sglang.adapters import AdapterLoader
from inference.engine.sglang.deadlines import Deadlines
from inference.engine.sglang.sse import events
from inference.engine.sglang.wire import Chunk, chat_request, refusal
from inference.engine.tokenizer import ChatTokenizer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path
    from typing import Any

    from inference.engine.port import AdapterRef, GenerationEvent, GenerationRequest

_NOT_LOADED = "never been loaded"
"""How the server puts it that it does not have an adapter."""


class SGLangEngine:
    """Streams answers from an SGLang server, bringing it the adapters it does not have yet."""

    def __init__(
        self,
        url: str,
        served_name: str,
        base_model: Path,
        *,
        api_key: str | None = None,
        admin_key: str | None = None,
        deadlines: Deadlines | None = None,
        context_tokens: int | None = None,
    ) -> None:
        """Set up, without connecting.

        Args:
            url: the server's root, as in `http://127.0.0.1:30000`.
            served_name: what the server calls the model (`--served-model-name`).
            base_model: folder with the served model's config and tokenizer; its weights are not read.
            api_key: the server's `--api-key`.
            admin_key: the server's `--admin-api-key`, under which adapters are loaded; `api_key` if not given.
            deadlines: how long to wait for what.
            context_tokens: the server's `--context-length`, if it is under the model's own.

        Raises:
            ModelNotLoadable: the folder's config is missing or broken.
        """
        self._url = url.rstrip("/")
        self._folder = base_model
        self._served_name = served_name
        self._deadlines = deadlines or Deadlines()
        self._context_tokens = model_context(base_model, context_tokens)
        self._client = httpx.AsyncClient(
            base_url=self._url,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(None, connect=self._deadlines.connect),
            limits=httpx.Limits(max_connections=None),
            trust_env=False,
        )
        self._adapters = AdapterLoader(self._client, self._url, admin_key or api_key, self._deadlines.load_adapter)
        self._closed = False

    @cached_property
    def tokens(self) -> ChatTokenizer:
        return ChatTokenizer(self._folder)

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        """See `inference.engine.port.Engine.generate`. Closing the iterator closes the connection, at which the
        server aborts the request.

        Raises:
            PromptTooLong, PromptRefused, AdapterNotLoadable, EngineUnavailable, EngineTimedOut, EngineRefused,
            EngineKeyRefused, EngineStopped
        """
        if self._closed:
            raise EngineStopped
        prompt_tokens = self.tokens.count_prompt(request.messages)
        room = self._context_tokens - prompt_tokens
        if room < 1:
            raise PromptTooLong(tokens=prompt_tokens, limit=self._context_tokens)
        body = chat_request(
            self._served_name,
            self.tokens.inert_messages(request.messages),
            request.adapter,
            request.sampling,
            max_tokens=min(request.sampling.max_tokens, room),
            stop_ids=self.tokens.stop_ids,
        )
        response = await self._open(body, request.adapter)
        try:
            async with aclosing(self._answer(response)) as answer:
                async for event in answer:
                    yield event
        finally:
            await response.aclose()

    async def close(self) -> None:
        self._closed = True
        await self._adapters.close()
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def _open(self, body: dict[str, Any], adapter: AdapterRef | None) -> httpx.Response:
        """The response whose body is the stream; if the server lacks the adapter, it is brought there first."""
        response = await self._send(body)
        if response is None and adapter is not None:
            await self._adapters.load(adapter)
            response = await self._send(body)
        if response is None:
            raise AdapterNotLoadable(adapter=body["model"], reason="the server took it and does not keep it")
        return response

    async def _send(self, body: dict[str, Any]) -> httpx.Response | None:
        """The response, if the server serves the request; None, if it only lacks the adapter."""
        request = self._client.build_request("POST", "/v1/chat/completions", json=body)
        async with self._deadline(EngineSlow, self._deadlines.first_token):
            response = await self._client.send(request, stream=True)
            if response.status_code == httpx.codes.OK:
                return response
            try:
                message = refusal(await response.aread())
            finally:
                await response.aclose()
        if response.status_code == httpx.codes.BAD_REQUEST and _NOT_LOADED in message:
            return None
        raise self._refusal(response.status_code, message)

    async def _answer(self, response: httpx.Response) -> AsyncGenerator[GenerationEvent, None]:
        """The events of a streamed answer; one that ends without saying so raises."""
        reason: FinishReason | None = None
        usage: Usage | None = None
        late: type[EngineTimedOut] = EngineSlow
        seconds = self._deadlines.first_token
        async with aclosing(events(response.aiter_bytes())) as stream:
            while True:
                async with self._deadline(late, seconds):
                    data = await anext(stream, None)
                if data is None:
                    raise self._broken("the answer broke off")
                if data == "[DONE]":
                    break
                chunk = self._parse(data)
                for choice in chunk.choices:
                    if choice.delta.content:
                        yield TextDelta(choice.delta.content)
                    if choice.finish_reason:
                        reason = self._reason(choice.finish_reason)
                if chunk.usage:
                    usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
                late, seconds = EngineStuck, self._deadlines.between_tokens
        if reason is None or usage is None:
            raise self._broken("the answer ended without its reason or its token counts")
        yield Finished(reason, usage)

    def _parse(self, data: str) -> Chunk:
        try:
            chunk = Chunk.model_validate_json(data)
        except ValidationError as error:
            raise self._broken(f"it sent something that is no answer: {data[:80]}") from error
        if chunk.error is not None:
            raise self._refusal(chunk.error.code or 500, chunk.error.message)
        return chunk

    def _reason(self, word: str) -> FinishReason:
        if word == "abort":
            raise self._broken("it aborted the answer")
        return FinishReason.LENGTH if word == "length" else FinishReason.STOP

    def _refusal(self, status: int, message: str) -> EngineError:
        if status in (401, 403):
            return EngineKeyRefused(url=self._url, key="API")
        if status in (408, 429) or status >= 500:
            return self._broken(f"{message.rstrip('.')} ({status})")
        return EngineRefused(url=self._url, status=status, reason=message.rstrip("."))

    def _broken(self, reason: str) -> EngineError:
        return EngineStopped() if self._closed else EngineUnavailable(url=self._url, reason=reason)

    @asynccontextmanager
    async def _deadline(self, late: type[EngineTimedOut], seconds: float) -> AsyncIterator[None]:
        """Within the block, what the network does wrong comes out as this project's errors."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise late(url=self._url, seconds=seconds) from error
        except httpx.ConnectTimeout as error:
            raise EngineSilent(url=self._url, seconds=self._deadlines.connect) from error
        except httpx.TransportError as error:
            raise self._broken(str(error) or type(error).__name__) from error
