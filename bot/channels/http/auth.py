"""Who may ask: programs with a key, or, where no key is set, programs on this very machine."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from bot.channels.http.errors import ApiKeyMissing, ApiKeyUnknown

_PROXY_HEADERS: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP")
"""Headers by which a proxy tells that it asks for somebody else."""


class ApiClients:
    """The programs that may ask, by their keys."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        """Set up.

        Args:
            keys: each program's name, and its key. Empty: whoever asks from this machine may, and is called nothing.
        """
        self._keys = {name: key.encode() for name, key in keys.items()}

    def authenticate(self, request: web.Request) -> str:
        """Name of the program that asks.

        Raises:
            ApiKeyMissing, ApiKeyUnknown: it may not ask.
        """
        if not self._keys:
            if _is_local_request(request):
                return ""
            raise ApiKeyMissing
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise ApiKeyMissing
        said = key.strip().encode("utf-8", "surrogateescape")
        # All are compared, each in constant time: how long it takes tells nothing.
        known = [name for name, own in self._keys.items() if hmac.compare_digest(own, said)]
        if not known:
            raise ApiKeyUnknown
        return known[0]


def external_id_of(client: str, user: str | None) -> str:
    """What a client's person is called on our platform: no two clients have one in common.

    A name of a client holds no colon, so the first one parts the two.
    """
    return f"{client}:{user or ''}"


def _is_local_request(request: web.Request) -> bool:
    """Whether a program on this machine asks for itself.

    A web page may make a browser ask too, under a name that leads here; so the name has to be this machine's own.
    """
    if any(header in request.headers for header in _PROXY_HEADERS):
        return False
    return _is_loopback(request.remote or "") and _is_loopback(request.url.host or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
