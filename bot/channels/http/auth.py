"""Authentication: clients with an API key and, where the operator opens the API, programs on this machine."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from bot.channels.http.api_client import ApiClient, Right
from bot.channels.http.errors import ApiKeyAmbiguous, ApiKeyExpired, ApiKeyMissing, ApiKeyRevoked, ApiKeyUnknown
from bot.channels.http.key_store import KeyStore, client_of_key
from bot.core.api_keys import is_key, key_digest

_PROXY_HEADERS: Final = ("forwarded", "via", "x-real-ip", "true-client-ip", "cf-connecting-ip")
"""Headers by which a proxy says that it forwards a request of somebody else; so do all of `x-forwarded-*`."""


class ApiClients:
    """The clients that may use the API: who has a key, and local programs if it is open.

    Args:
        keys: key by client's name, from the settings.
        store: the keys in the database.
        is_open: whether every program on this machine is a client without a key, with an empty name.
    """

    def __init__(self, keys: Mapping[str, str], store: KeyStore, *, is_open: bool = False) -> None:
        self._digests = {name: key_digest(key) for name, key in keys.items()}
        self._store = store
        self._is_open = is_open

    async def authenticate(self, request: Request, right: Right | None = None) -> ApiClient:
        """The client that sent a request, which is counted.

        Args:
            right: what it takes; None: what the request's method says.

        Raises:
            RequestRefused: it may not use the API, or not now.
            DatabaseError: it is not known whether it may.
        """
        headers = request.headers.getlist("Authorization")
        if not headers and self._is_open and _is_local_request(request):
            return ApiClient(name="")
        client = await self._client_with(_given_key(headers))
        if right is None:
            client.require_method(request.method)
        else:
            client.require(right)
        await self._store.count_request(client)
        return client

    async def charge_tokens(self, client: ApiClient, tokens: int) -> None:
        """Count tokens that a client has used without a turn.

        Raises:
            DatabaseError: they may not have been counted.
        """
        await self._store.charge_tokens(client, tokens)

    async def _client_with(self, given: str) -> ApiClient:
        digest = key_digest(given)
        # All of them are compared, each in constant time, so that timing reveals nothing.
        matches = [name for name, known in self._digests.items() if hmac.compare_digest(known, digest)]
        if matches:
            return ApiClient(name=matches[0])
        key = await self._store.find(given) if is_key(given) else None
        if key is None:
            raise ApiKeyUnknown
        if key.revoked_at is not None:
            raise ApiKeyRevoked
        if key.is_expired:
            raise ApiKeyExpired
        return client_of_key(key)


def _given_key(headers: Sequence[str]) -> str:
    """The key in a request's `Authorization`.

    Raises:
        ApiKeyMissing, ApiKeyAmbiguous: there is none, or more than one.
    """
    if len(headers) > 1:
        raise ApiKeyAmbiguous
    scheme, _, key = (headers[0] if headers else "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise ApiKeyMissing
    return key.strip()


def _is_local_request(request: Request) -> bool:
    """Whether a program on this machine sent a request of its own.

    A web page can make a browser send requests to a host name that resolves to this machine (DNS rebinding), so the
    host has to be a loopback name as well. It can also send them to the loopback name itself: then the browser says
    where the page is from.
    """
    if any(name in _PROXY_HEADERS or name.startswith("x-forwarded-") for name in request.headers):
        return False
    remote = request.client.host if request.client else ""
    pages = [origin for origin in request.headers.getlist("Origin") if not _is_loopback(_host_of(origin))]
    return _is_loopback(remote) and _is_loopback(_host_of(f"//{request.headers.get('Host', '')}")) and not pages


def _host_of(address: str) -> str:
    """The host name of an address; nothing if it has none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
