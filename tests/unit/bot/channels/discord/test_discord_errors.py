from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest

from bot.channels.discord.errors import MessageGone, RequestRejected, TokenExpired, to_delivery_error
from bot.core.errors import TemporaryDeliveryError


def refusal(status: int, code: int = 0, headers: dict[str, str] | None = None) -> discord.HTTPException:
    response: Any = SimpleNamespace(status=status, reason="no", headers=headers or {})
    return discord.HTTPException(response, {"code": code, "message": "said"})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refusal(404, 10008), MessageGone),
        (refusal(400, 50083), MessageGone),
        (refusal(401, 50027), TokenExpired),
        (refusal(404, 10015), TokenExpired),
        (refusal(403, 50013), RequestRejected),
        (refusal(404, 10003), RequestRejected),
        (refusal(400, 50035), RequestRejected),
        (refusal(401), TemporaryDeliveryError),
        (refusal(429), TemporaryDeliveryError),
        (refusal(503), TemporaryDeliveryError),
        (aiohttp.ServerDisconnectedError(), TemporaryDeliveryError),
        (TimeoutError(), TemporaryDeliveryError),
        (OSError("refused"), TemporaryDeliveryError),
    ],
)
def test_what_the_port_calls_it(error: Exception, kind: type[Exception]) -> None:
    assert type(to_delivery_error(error)) is kind


def test_how_long_to_wait_is_passed_on() -> None:
    for error in (discord.RateLimited(31.5), refusal(429, headers={"Retry-After": "31"})):
        known = to_delivery_error(error)
        assert isinstance(known, TemporaryDeliveryError)
        assert known.retry_after >= 31


def test_a_mistake_of_ours_is_none_of_discords() -> None:
    assert to_delivery_error(KeyError("id")) is None
