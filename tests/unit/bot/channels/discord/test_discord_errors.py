"""Errors of discord.py and of the connection as delivery errors."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest

from bot.channels.discord.errors import MessageGone, RequestRejected, TokenExpired, to_delivery_error
from bot.core.errors import TemporaryDeliveryError


def http_error(status: int, code: int = 0, headers: dict[str, str] | None = None) -> discord.HTTPException:
    response: Any = SimpleNamespace(status=status, reason="refused", headers=headers or {})
    return discord.HTTPException(response, {"code": code, "message": "refused"})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (http_error(404, 10008), MessageGone),
        (http_error(400, 50083), MessageGone),
        (http_error(401, 50027), TokenExpired),
        (http_error(404, 10015), TokenExpired),
        (http_error(403, 50013), RequestRejected),
        (http_error(404, 10003), RequestRejected),
        (http_error(400, 50035), RequestRejected),
        (http_error(401), TemporaryDeliveryError),
        (http_error(429), TemporaryDeliveryError),
        (http_error(503), TemporaryDeliveryError),
        (aiohttp.ServerDisconnectedError(), TemporaryDeliveryError),
        (TimeoutError(), TemporaryDeliveryError),
        (OSError("refused"), TemporaryDeliveryError),
    ],
)
def test_error_class(error: Exception, expected: type[Exception]) -> None:
    assert type(to_delivery_error(error)) is expected


def test_retry_after() -> None:
    for error in (discord.RateLimited(31.5), http_error(429, headers={"Retry-After": "31"})):
        delivery_error = to_delivery_error(error)
        assert isinstance(delivery_error, TemporaryDeliveryError)
        assert delivery_error.retry_after >= 31


def test_other_errors_are_none() -> None:
    assert to_delivery_error(KeyError("id")) is None
