"""Reads the body of an HTTP request within limits of size and time."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from starlette.requests import Request

from bot.core.errors import ChannelError
from consilium.errors import N_


class BodyRefused(ChannelError):
    """Root of refused bodies.

    Attributes:
        status: of the HTTP response.
    """

    status: ClassVar[int] = 400


class BodyTooLarge(BodyRefused):
    """A request's body is larger than any conversation that fits into a prompt."""

    status = 413
    sentence = N_("The request is larger than {limit} bytes.")
    remedy = N_("Leave out the oldest messages: only the latest go to the model.")

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)


class BodyTimedOut(BodyRefused):
    """A request's body did not arrive completely in time."""

    status = 408
    sentence = N_("The request did not arrive within {seconds} s.")
    remedy = N_("Send it again.")

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds=round(seconds))


async def read_body(request: Request, max_bytes: int, seconds: float) -> bytes:
    """The whole body of a request.

    Raises:
        BodyRefused: it is too large, or did not arrive in time.
    """
    if int(request.headers.get("Content-Length", 0)) > max_bytes:
        raise BodyTooLarge(max_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                body += part
                if len(body) > max_bytes:
                    raise BodyTooLarge(max_bytes)
    except TimeoutError:
        raise BodyTimedOut(seconds) from None
    return bytes(body)
