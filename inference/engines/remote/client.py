"""HTTP to servers, with timeouts, and errors that say what failed."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import httpx

from consilium.error_texts import describe_exception
from inference.engines.errors import (
    EngineConnectTimeout,
    EngineError,
    EngineKeyRefused,
    EngineRefused,
    EngineResponseTimeout,
    EngineStopped,
    EngineTimeout,
    EngineUnavailable,
)
from inference.engines.remote.bodies import error_message
from inference.tls import tls_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """What a server asks for, as bearer tokens; None when it asks for nothing."""

    api: str | None = None
    """For answers and questions about itself (`--api-key`)."""
    admin: str | None = None
    """For adapters (`--admin-api-key`); a server without one takes the API key for them."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply of a server."""

    status: int
    body: bytes

    @property
    def reason(self) -> str:
        """What a reply that is no success says."""
        return error_message(self.body)


class ServerClient:
    """A pool of connections to one address: a server, or a router."""

    def __init__(self, url: str, keys: ApiKeys, timeouts: Timeouts) -> None:
        self.url = url.rstrip("/")
        self.timeouts = timeouts
        self._admin_key = keys.admin or keys.api
        self._client = httpx.AsyncClient(
            base_url=self.url,
            headers=_authorization(keys.api),
            timeout=httpx.Timeout(None, connect=timeouts.connect),
            limits=httpx.Limits(max_connections=None),
            verify=tls_context(),
            trust_env=False,
        )
        self._closed = False

    async def request(
        self,
        method: Literal["GET", "POST"],
        path: str,
        body: Any = None,
        *,
        seconds: float | None = None,
        admin: bool = False,
    ) -> Reply:
        """Send a request and read the whole reply, whatever its status below 500.

        Raises:
            EngineKeyRefused: the server wants another key.
            EngineUnavailable, EngineConnectTimeout, EngineResponseTimeout: it cannot be reached, failed, or took
                too long.
        """
        headers = _authorization(self._admin_key) if admin else {}
        async with self.deadline(EngineResponseTimeout, self.timeouts.control if seconds is None else seconds):
            response = await self._client.request(method, path, json=body, headers=headers)
        if response.status_code in (401, 403):
            raise EngineKeyRefused(url=self.url, key="admin" if admin else "API")
        reply = Reply(response.status_code, response.content)
        if reply.status >= 500:
            raise self.status_error(reply.status, reply.reason)
        return reply

    async def stream(self, path: str, body: Any, seconds: float) -> httpx.Response:
        """Send a request and return the response once its head is here; the caller closes it.

        Raises:
            EngineUnavailable, EngineConnectTimeout, EngineResponseTimeout: as `ask`.
        """
        request = self._client.build_request("POST", path, json=body)
        async with self.deadline(EngineResponseTimeout, seconds):
            return await self._client.send(request, stream=True)

    def status_error(self, status: int, message: str) -> EngineError:
        """The error that a reply with this status means."""
        if status in (401, 403):
            return EngineKeyRefused(url=self.url, key="API")
        if status in (408, 429) or status >= 500:
            error = self.unavailable_error(f"{message.rstrip('.')} ({status})")
            error.personal = ("reason",)  # the server's own words, which may quote the prompt
            return error
        return EngineRefused(url=self.url, status=status, reason=message.rstrip("."))

    def unavailable_error(self, reason: str) -> EngineError:
        """The error that a failure on the other side means."""
        return EngineStopped() if self._closed else EngineUnavailable(url=self.url, reason=reason)

    @asynccontextmanager
    async def deadline(self, timeout_error: type[EngineTimeout], seconds: float) -> AsyncIterator[None]:
        """Within the block, what the network does wrong comes out as this project's errors."""
        if self._closed:
            raise EngineStopped
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise timeout_error(url=self.url, seconds=seconds) from error
        except httpx.ConnectTimeout as error:
            raise EngineConnectTimeout(url=self.url, seconds=self.timeouts.connect) from error
        except httpx.TransportError as error:
            raise self.unavailable_error(describe_exception(error)) from error

    async def close(self) -> None:
        self._closed = True
        await self._client.aclose()


def _authorization(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """All in seconds."""

    connect: float = 5.0
    control: float = 20.0
    """A question to a server about itself, or to the router about its servers."""
    first_token: float = 60.0
    """From the request to the first piece of the answer: the queue and the prompt."""
    between_tokens: float = 30.0
    load_adapter: float = 120.0
    """Loading one adapter, with the wait for a place to be free."""
    unload_adapter: float = 60.0
    """Unloading one, with the wait for its running answers; a server that takes longer counts as stuck."""
    prove_unload: float = 5.0
    """The same, when a stuck server is asked again."""
    fair_wait: float = 2.0
    """How long an adapter waits for a place before those that hold one are given no new requests."""
    poll_interval: float = 5.0
    """Between two looks at which servers there are and what they hold."""
