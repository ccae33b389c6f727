"""The engine port over one server, or over several behind a router; which kind they are is in a `Dialect`."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self

import httpx
import numpy as np

from inference.base_model import BaseModelSpec
from inference.engines.errors import (
    AdapterNotLoadable,
    EngineError,
    EngineResponseTimeout,
    EngineStopped,
    PromptTooLong,
    SchemaRefused,
)
from inference.engines.port import Finished, FinishReason, TextDelta, ThoughtDelta, TokenScores, ToolCall, Usage
from inference.engines.remote.adapter_checks import AdapterValidator
from inference.engines.remote.bodies import error_message
from inference.engines.remote.client import ApiKeys, ServerClient, Timeouts
from inference.engines.remote.fleet import Fleet, FleetMember
from inference.engines.remote.residency import Residency
from inference.engines.remote.retry import RetryPolicy
from inference.engines.remote.streaming import read_answer
from inference.engines.tokenizer import ChatTokenizer
from inference.engines.tokenizer import read_context_length as model_context

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence
    from pathlib import Path

    from inference.adapters.usage import AdapterRef
    from inference.engines.port import GenerationEvent, GenerationRequest, Message
    from inference.engines.remote.fleet import AdapterLease
    from inference.engines.remote.port import Call, Dialect, ServerLimits

_PROBE_PROMPT = "Who are you?"
"""What shows whether an adapter has any effect; short, since an answer waits for it."""
_MAX_RELOADS = 3
"""How often one request may find that a server lacks its adapter: each of several servers may."""


@dataclass(slots=True)
class _Attempt:
    """One try of a request."""

    accepted: bool = False
    """Whether a server took it."""


class RemoteEngine:
    """Streams answers, with every adapter brought to the servers before it is asked for.

    An answer whose server fails is taken up again, on another server or on the same one once it is back: from the
    beginning if nothing of it has come, else from where it broke off, so that a reader sees one text.
    """

    dialect: ClassVar[Dialect]
    """How this kind of server is asked."""

    def __init__(
        self,
        url: str,
        model_name: str,
        base_model: Path,
        *,
        api_key: str | None = None,
        admin_key: str | None = None,
        compositions: Path | None = None,
        retry_timeout: float = 120.0,
        timeouts: Timeouts | None = None,
        context_tokens: int | None = None,
    ) -> None:
        """Set up, without connecting.

        Args:
            url: the root of a server or of a router, as in `http://127.0.0.1:30000`.
            model_name: the base model's name, as adapters give it.
            base_model: folder with the served model's config and tokenizer; its weights are not read.
            api_key: the servers' `--api-key`.
            admin_key: the servers' `--admin-api-key`, under which adapters are loaded; `api_key` if not given.
            compositions: folder of the adapters, shared by all processes that use the same servers; None when
                there are no others.
            retry_timeout: seconds to go on trying while servers are away.
            timeouts: how long to wait for what.
            context_tokens: a limit under the model's own.

        Raises:
            ModelNotLoadable, BaseConfigInvalid, BaseNotAdaptable: the folder's config is missing, broken, or of
                a model without adapters.
        """
        self._folder = base_model
        self._timeouts = timeouts or Timeouts()
        self._context_tokens = model_context(base_model, context_tokens)
        self._retry_timeout = retry_timeout
        self._keys = ApiKeys(api_key, admin_key)
        self._compositions = compositions
        self._client = ServerClient(url, self._keys, self._timeouts)
        self._validator = AdapterValidator(BaseModelSpec.from_config(base_model / "config.json", model_name))
        self._fleet = Fleet(self._client, self._create_member)
        self._limits: ServerLimits | None = None
        self._closed = False

    @cached_property
    def tokenizer(self) -> ChatTokenizer:
        return ChatTokenizer(self._folder)

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    @property
    def max_rank(self) -> int | None:
        return self._limits.max_rank if self._limits else None

    async def health_problem(self) -> str | None:
        """See `inference.engines.port.ReportsHealth`: as of the last look at the servers."""
        return "the engine is closed" if self._closed else self._fleet.problem

    @property
    def held_adapters(self) -> frozenset[str]:
        """See `inference.engines.port.ListsAdapters`: those that all servers hold."""
        return self._fleet.held_adapters

    async def start(self) -> None:
        """See `inference.engines.port.Engine.start`; what the servers can take is asked once, here.

        Raises:
            EngineUnavailable, EngineConnectTimeout, EngineKeyRefused: no server can be reached, or not with these keys.
            AdaptersDisabled: a server takes no adapters.
        """
        await self._fleet.start()
        limits = [await member.residency.limits() for member in await self._fleet.members()]
        # A composition goes to every server, so the smallest of them decides.
        self._limits = min(limits, key=lambda found: found.max_rank if found.max_rank is not None else 1 << 30)
        shortest = [found.input_tokens for found in limits if found.input_tokens is not None]
        self._context_tokens = min([self._context_tokens, *shortest])

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        """See `inference.engines.port.Engine.generate`. Closing the iterator closes the connection, at which the
        server aborts the request.

        Raises:
            PromptTooLong, PromptRefused, SchemaRefused, AdapterNotLoadable, AdapterExceedsLimits, AdapterHasNoEffect,
            EngineUnavailable, EngineTimeout, EngineRefused, EngineKeyRefused, EngineStopped
        """
        prompt = self.tokenizer.encode_prompt(
            request.messages,
            thinking=request.thinks,
            answer_prefix=request.answer_prefix,
            tools=request.tools,
        )
        prompt_tokens = len(prompt)
        if prompt_tokens >= self._context_tokens:
            raise PromptTooLong(tokens=prompt_tokens, limit=self._context_tokens)
        recovery = RetryPolicy(self._retry_timeout)
        written = ""
        parser = self.tokenizer.answer_parser(request)
        calls: list[ToolCall] = []
        while True:
            attempt = _Attempt()
            try:
                async with aclosing(self._attempt(request, prompt_tokens, written, attempt)) as events:
                    async for event in events:
                        if isinstance(event, Finished):
                            # A grammar cannot be taken up in its middle, so such an answer is shown when it is whole.
                            if request.schema is not None and written:
                                yield TextDelta(written)
                            for piece in parser.finish():
                                yield piece
                            for call in calls:
                                yield call
                            yield event
                            return
                        recovery.record_progress()
                        if isinstance(event, ToolCall):
                            calls.append(event)
                            continue
                        if isinstance(event, ThoughtDelta):
                            parser.close_thought()
                            yield event
                            continue
                        written += event.text
                        for piece in parser.feed(event.text) if request.schema is None else ():
                            yield piece
            except EngineError as error:
                calls.clear()
                await recovery.wait_or_raise(error, accepted=attempt.accepted, received=len(written))
                if request.schema is not None:
                    written = ""

    async def score(
        self, messages: Sequence[Message], continuation: str, adapter: AdapterRef | None = None
    ) -> TokenScores:
        """See `inference.engines.port.Engine.score`.

        Raises:
            PromptTooLong and the errors of `generate` about adapters and servers.
        """
        prompt = self.tokenizer.encode_prompt(messages)
        ids = self.tokenizer.encode(continuation)
        if len(prompt) + len(ids) > self._context_tokens:
            raise PromptTooLong(tokens=len(prompt) + len(ids), limit=self._context_tokens)
        # The first number has nothing before it, so it is asked for one token early.
        start = len(prompt) - 1
        recovery = RetryPolicy(self._retry_timeout)
        while True:
            try:
                limits = await self._ensure_started()
                name = adapter.name if adapter else None
                call = self.dialect.score_call(limits.served_name, [*prompt, *ids], name, start=start)
                async with self._lease(adapter) as hold:
                    response = await self._open(call, hold)
                    try:
                        async with self._client.deadline(EngineResponseTimeout, self._timeouts.first_token):
                            reply = await response.aread()
                    finally:
                        await response.aclose()
                    if hold is not None:
                        await hold.wait_until_verified()
                return self._parse_scores(reply, ids, start)
            except EngineError as error:
                await recovery.wait_or_raise(error, accepted=False, received=0)

    async def load_adapter(self, adapter: AdapterRef, *, pinned: bool = False) -> None:
        await self._fleet.load_adapter(adapter, pinned=pinned)

    async def unload_adapter(self, name: str) -> None:
        await self._fleet.unload_adapter(name)

    async def close(self) -> None:
        self._closed = True
        await self._fleet.close()
        await self._client.close()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            # Nobody leaves a block that was never entered: what follows the servers already would go on for ever.
            await self.close()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def _attempt(
        self, request: GenerationRequest, prompt_tokens: int, written: str, attempt: _Attempt
    ) -> AsyncGenerator[GenerationEvent, None]:
        """One try; it goes on behind what was `written` before."""
        limits = await self._ensure_started()
        done = self.tokenizer.count(written) if written else 0
        room = min(request.sampling.max_tokens, self._context_tokens - prompt_tokens) - done
        if room < 1:
            yield Finished(FinishReason.LENGTH, Usage(prompt_tokens, done))
            return
        call = self.dialect.answer_call(limits.served_name, self.tokenizer, request, max_tokens=room, written=written)
        async with self._lease(request.adapter) as hold:
            response = await self._open(call, hold)
            attempt.accepted = True
            try:
                async with aclosing(read_answer(self._client, response, self._refusal)) as answer:
                    async for event in answer:
                        if hold is not None:
                            await hold.wait_until_verified()
                        if isinstance(event, Finished):
                            # Of an answer taken up in its middle the server counts the beginning as prompt.
                            prompt = prompt_tokens if done else event.usage.prompt_tokens
                            usage = Usage(prompt, done + event.usage.completion_tokens)
                            yield Finished(event.reason, usage)
                        else:
                            yield event
            finally:
                await response.aclose()

    async def _open(self, call: Call, lease: AdapterLease | None) -> httpx.Response:
        """A response whose body is the answer; a server that lacks the adapter is brought it first."""
        for _ in range(_MAX_RELOADS):
            response = await self._client.stream(call.path, call.body, self._timeouts.first_token)
            if response.status_code == httpx.codes.OK:
                return response
            try:
                async with self._client.deadline(EngineResponseTimeout, self._timeouts.control):
                    message = error_message(await response.aread())
            finally:
                await response.aclose()
            status = response.status_code
            if lease is None or not self.dialect.says_adapter_is_missing(status, message):
                raise self._refusal(status, message)
            await self._fleet.reload(lease)
        raise AdapterNotLoadable(adapter=lease.name if lease else "", reason="the servers take it and do not keep it")

    def _refusal(self, status: int, message: str) -> EngineError:
        """What a server's error means, whether it stands in place of an answer or in one."""
        if self.dialect.says_schema_is_bad(status, message):
            return SchemaRefused(reason=message.rstrip("."))
        return self._client.status_error(status, message)

    @asynccontextmanager
    async def _lease(self, adapter: AdapterRef | None) -> AsyncIterator[AdapterLease | None]:
        if adapter is None:
            yield None
            return
        async with self._fleet.lease(adapter) as hold:
            yield hold

    async def _ensure_started(self) -> ServerLimits:
        """What the servers can take; they are reached now if `start` never did."""
        if self._closed:
            raise EngineStopped
        if self._limits is None:
            await self.start()
        assert self._limits is not None
        return self._limits

    def _parse_scores(self, reply: bytes, ids: Sequence[int], start: int) -> TokenScores:
        try:
            logprobs = self.dialect.parse_scores(reply, start=start)
        except ValueError as error:
            raise self._client.unavailable_error("it sent something that is no account of likelihoods") from error
        if len(logprobs) != len(ids) + 1:
            raise self._client.unavailable_error(f"it returned {len(logprobs) - 1} likelihoods of {len(ids)}")
        return TokenScores(tuple(ids), np.array(logprobs[1:], np.float32))

    def _create_member(self, url: str) -> FleetMember:
        link = ServerClient(url, self._keys, self._timeouts)
        probe = self.tokenizer.encode(_PROBE_PROMPT)
        server = self.dialect.server(link)
        residency = Residency(server, self._validator, probe, self._timeouts, self._compositions)
        return FleetMember(link, residency)
