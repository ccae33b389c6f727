"""The engine port over one SGLang server, or over several behind a router."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import httpx
import numpy as np

from inference.base_model import BaseModel
from inference.engine.context import context_tokens as model_context
from inference.engine.errors import (
    AdapterNotLoadable,
    EngineError,
    EngineSlow,
    EngineStopped,
    PromptTooLong,
    SchemaRefused,
)
from inference.engine.port import Finished, FinishReason, TextDelta, Usage
from inference.engine.scores import TokenScores
from inference.engine.sglang.answer import read_answer
from inference.engine.sglang.deadlines import Deadlines
from inference.engine.sglang.fleet import Fleet, Member
from inference.engine.sglang.guard import Guard
from inference.engine.sglang.link import Keys, Link
from inference.engine.sglang.recovery import Recovery
from inference.engine.sglang.residency import Residency
from inference.engine.sglang.server import SGLangServer
from inference.engine.sglang.wire import ScoreReply, chat_request, refusal, score_request
from inference.engine.tokenizer import ChatTokenizer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence
    from pathlib import Path
    from typing import Any

    from inference.engine.port import AdapterRef, GenerationEvent, GenerationRequest, Message
    from inference.engine.sglang.fleet import Hold
    from inference.engine.sglang.limits import ServerLimits

_NOT_LOADED = "never been loaded"
"""How a server puts it that it does not have an adapter."""
_BAD_SCHEMA = "Failed to compile json grammar"
_PROBE = "Who are you?"
"""What shows whether an adapter has any effect; short, since an answer waits for it."""
_MOST_HEALS = 3
"""How often one request may find that a server lacks its adapter: each of several servers may."""


@dataclass(slots=True)
class _Attempt:
    """One try of a request."""

    begun: bool = False
    """Whether a server took it."""


class SGLangEngine:
    """Streams answers, with every adapter brought to the servers before it is asked for.

    An answer whose server fails is taken up again, on another server or on the same one once it is back: from the
    beginning if nothing of it has come, else from where it broke off, so that a reader sees one text.
    """

    def __init__(
        self,
        url: str,
        model_name: str,
        base_model: Path,
        *,
        api_key: str | None = None,
        admin_key: str | None = None,
        compositions: Path | None = None,
        patience: float = 120.0,
        deadlines: Deadlines | None = None,
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
            patience: seconds to go on trying while servers are away.
            deadlines: how long to wait for what.
            context_tokens: a limit under the model's own.

        Raises:
            ModelNotLoadable, BaseConfigBroken, BaseNotAdaptable: the folder's config is missing, broken, or of
                a model without adapters.
        """
        self._folder = base_model
        self._deadlines = deadlines or Deadlines()
        self._context_tokens = model_context(base_model, context_tokens)
        self._patience = patience
        self._keys = Keys(api_key, admin_key)
        self._compositions = compositions
        self._link = Link(url, self._keys, self._deadlines)
        self._guard = Guard(BaseModel.from_config(base_model / "config.json", model_name))
        self._fleet = Fleet(self._link, self._member)
        self._limits: ServerLimits | None = None
        self._closed = False

    @cached_property
    def tokens(self) -> ChatTokenizer:
        return ChatTokenizer(self._folder)

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    @property
    def max_rank(self) -> int | None:
        return self._limits.max_rank if self._limits else None

    async def start(self) -> None:
        """See `inference.engine.port.Engine.start`; what the servers can take is asked once, here.

        Raises:
            EngineUnavailable, EngineSilent, EngineKeyRefused: no server can be reached, or not with these keys.
            AdaptersDisabled: a server takes no adapters.
        """
        await self._fleet.start()
        limits = [await member.residency.limits() for member in await self._fleet.members()]
        # A composition goes to every server, so the smallest of them decides.
        self._limits = min(limits, key=lambda found: found.max_rank if found.max_rank is not None else 1 << 30)
        shortest = [found.input_tokens for found in limits if found.input_tokens is not None]
        self._context_tokens = min([self._context_tokens, *shortest])

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        """See `inference.engine.port.Engine.generate`. Closing the iterator closes the connection, at which the
        server aborts the request.

        Raises:
            PromptTooLong, PromptRefused, SchemaRefused, AdapterNotLoadable, AdapterBeyondLimits, AdapterInert,
            EngineUnavailable, EngineTimedOut, EngineRefused, EngineKeyRefused, EngineStopped
        """
        prompt_tokens = self.tokens.count_prompt(request.messages)
        if prompt_tokens >= self._context_tokens:
            raise PromptTooLong(tokens=prompt_tokens, limit=self._context_tokens)
        recovery = Recovery(self._patience)
        written = ""
        while True:
            attempt = _Attempt()
            try:
                async with aclosing(self._attempt(request, prompt_tokens, written, attempt)) as events:
                    async for event in events:
                        if isinstance(event, Finished):
                            # A grammar cannot be taken up in its middle, so such an answer is shown when it is whole.
                            if request.schema is not None and written:
                                yield TextDelta(written)
                            yield event
                            return
                        recovery.progress()
                        written += event.text
                        if request.schema is None:
                            yield event
            except EngineError as error:
                await recovery.after(error, begun=attempt.begun, written=len(written))
                if request.schema is not None:
                    written = ""

    async def score(
        self, messages: Sequence[Message], continuation: str, adapter: AdapterRef | None = None
    ) -> TokenScores:
        """See `inference.engine.port.Engine.score`.

        Raises:
            PromptTooLong and the errors of `generate` about adapters and servers.
        """
        prompt = self.tokens.encode_prompt(messages)
        ids = self.tokens.encode(continuation)
        if len(prompt) + len(ids) > self._context_tokens:
            raise PromptTooLong(tokens=len(prompt) + len(ids), limit=self._context_tokens)
        # The first number told has nothing before it, so it is asked for one token early.
        name = adapter.name if adapter else None
        body = score_request([*prompt, *ids], name, start=len(prompt) - 1)
        recovery = Recovery(self._patience)
        while True:
            try:
                await self._reached()
                async with self._holding(adapter) as hold:
                    response = await self._open("/generate", body, hold)
                    try:
                        async with self._link.within(EngineSlow, self._deadlines.first_token):
                            reply = await response.aread()
                    finally:
                        await response.aclose()
                    if hold is not None:
                        await hold.proven()
                return self._scores(reply, ids)
            except EngineError as error:
                await recovery.after(error, begun=False, written=0)

    async def warm(self, adapter: AdapterRef, *, pinned: bool = False) -> None:
        await self._fleet.warm(adapter, pinned=pinned)

    async def forget(self, name: str) -> None:
        await self._fleet.forget(name)

    async def close(self) -> None:
        self._closed = True
        await self._fleet.close()
        await self._link.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def _attempt(
        self, request: GenerationRequest, prompt_tokens: int, written: str, attempt: _Attempt
    ) -> AsyncGenerator[GenerationEvent, None]:
        """One try; it goes on behind what was `written` before."""
        limits = await self._reached()
        done = self.tokens.count(written) if written else 0
        room = min(request.sampling.max_tokens, self._context_tokens - prompt_tokens) - done
        if room < 1:
            yield Finished(FinishReason.LENGTH, Usage(prompt_tokens, done))
            return
        body = chat_request(
            limits.served_name,
            self.tokens.inert_messages(request.messages),
            request.adapter.name if request.adapter else None,
            request.sampling,
            max_tokens=room,
            stop_ids=self.tokens.stop_ids,
            so_far=written,
            schema=request.schema,
        )
        async with self._holding(request.adapter) as hold:
            response = await self._open("/v1/chat/completions", body, hold)
            attempt.begun = True
            try:
                async with aclosing(read_answer(self._link, response)) as answer:
                    async for event in answer:
                        if hold is not None:
                            await hold.proven()
                        if isinstance(event, Finished):
                            # Of an answer taken up in its middle the server counts the beginning as prompt.
                            prompt = prompt_tokens if done else event.usage.prompt_tokens
                            usage = Usage(prompt, done + event.usage.completion_tokens)
                            yield Finished(event.reason, usage)
                        else:
                            yield event
            finally:
                await response.aclose()

    async def _open(self, path: str, body: dict[str, Any], hold: Hold | None) -> httpx.Response:
        """A response whose body is the answer; a server that lacks the adapter is brought it first."""
        for _ in range(_MOST_HEALS):
            response = await self._link.stream(path, body, self._deadlines.first_token)
            if response.status_code == httpx.codes.OK:
                return response
            try:
                async with self._link.within(EngineSlow, self._deadlines.control):
                    message = refusal(await response.aread())
            finally:
                await response.aclose()
            if response.status_code == httpx.codes.BAD_REQUEST and _BAD_SCHEMA in message:
                raise SchemaRefused(reason=message.rstrip("."))
            if hold is None or response.status_code != httpx.codes.BAD_REQUEST or _NOT_LOADED not in message:
                raise self._link.refused(response.status_code, message)
            await self._fleet.heal(hold)
        raise AdapterNotLoadable(adapter=hold.name if hold else "", reason="the servers take it and do not keep it")

    @asynccontextmanager
    async def _holding(self, adapter: AdapterRef | None) -> AsyncIterator[Hold | None]:
        if adapter is None:
            yield None
            return
        async with self._fleet.holding(adapter) as hold:
            yield hold

    async def _reached(self) -> ServerLimits:
        """What the servers can take; they are reached now if `start` never did."""
        if self._closed:
            raise EngineStopped
        if self._limits is None:
            await self.start()
        assert self._limits is not None
        return self._limits

    def _scores(self, reply: bytes, ids: Sequence[int]) -> TokenScores:
        try:
            (logprobs,) = ScoreReply.read(reply)
        except ValueError as error:
            raise self._link.broken("it sent something that is no account of likelihoods") from error
        if len(logprobs) != len(ids) + 1:
            raise self._link.broken(f"it told {len(logprobs) - 1} likelihoods of {len(ids)}")
        return TokenScores(tuple(ids), np.array(logprobs[1:], np.float32))

    def _member(self, url: str) -> Member:
        link = Link(url, self._keys, self._deadlines)
        probe = self.tokens.encode(_PROBE)
        residency = Residency(SGLangServer(link), self._guard, probe, self._deadlines, self._compositions)
        return Member(link, residency)
