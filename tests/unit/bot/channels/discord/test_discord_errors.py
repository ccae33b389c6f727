from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest

from bot.channels.discord.errors import MessageGone, Refused, TokenOver, delivery_error
from bot.channels.errors import DeliveryFailed


def refusal(status: int, code: int = 0, headers: dict[str, str] | None = None) -> discord.HTTPException:
    response: Any = SimpleNamespace(status=status, reason="no", headers=headers or {})
    return discord.HTTPException(response, {"code": code, "message": "said"})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refusal(404, 10008), MessageGone),
        (refusal(400, 50083), MessageGone),
        (refusal(401, 50027), TokenOver),
        (refusal(404, 10015), TokenOver),
        (refusal(403, 50013), Refused),
        (refusal(404, 10003), Refused),
        (refusal(400, 50035), Refused),
        (refusal(401), DeliveryFailed),
        (refusal(429), DeliveryFailed),
        (refusal(503), DeliveryFailed),
        (aiohttp.ServerDisconnectedError(), DeliveryFailed),
        (TimeoutError(), DeliveryFailed),
        (OSError("refused"), DeliveryFailed),
    ],
)
def test_what_the_port_calls_it(error: Exception, kind: type[Exception]) -> None:
    assert type(delivery_error(error)) is kind


def test_how_long_to_wait_is_passed_on() -> None:
    for error in (discord.RateLimited(31.5), refusal(429, headers={"Retry-After": "31"})):
        known = delivery_error(error)
        assert isinstance(known, DeliveryFailed)
        assert known.wait >= 31


def test_a_mistake_of_ours_is_none_of_discords() -> None:
    assert delivery_error(KeyError("id")) is None
