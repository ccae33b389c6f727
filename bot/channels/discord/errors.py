"""Discord's refusals as errors of the one tree."""

from __future__ import annotations

from typing import Final

import aiohttp
import discord

from bot.core.errors import DeliveryError, PermanentDeliveryError, TemporaryDeliveryError
from consilium.error_texts import describe_exception, without_quotes

DISPLAY_NAME: Final = "Discord"

# Codes of Discord's API.
UNKNOWN_MESSAGE, UNKNOWN_INTERACTION, UNKNOWN_WEBHOOK = 10008, 10062, 10015
INVALID_WEBHOOK_TOKEN, ARCHIVED_THREAD = 50027, 50083
ALREADY_ACKNOWLEDGED, NO_HISTORY = 40060, 160002

CONNECTION_ERRORS: Final = (OSError, aiohttp.ClientError, TimeoutError)
"""The connection failed or broke: it is unknown whether Discord has handled the request."""


class RequestRejected(PermanentDeliveryError):
    """Discord refused a request, with one of its codes."""

    def __init__(self, reason: str, code: int = 0) -> None:
        super().__init__(DISPLAY_NAME, reason)
        self.code = code


class MessageGone(RequestRejected):
    """A message cannot be edited any more: it was deleted, or its thread was archived."""


class TokenExpired(RequestRejected):
    """The fifteen minutes in which an interaction can be answered are over."""


def to_delivery_error(error: Exception) -> DeliveryError | None:
    """An error of discord.py or of the connection as a delivery error; None for any other."""
    if isinstance(error, DeliveryError):
        return error
    if isinstance(error, discord.RateLimited):
        return TemporaryDeliveryError(DISPLAY_NAME, "too many requests", retry_after=error.retry_after)
    if isinstance(error, discord.LoginFailure):
        return TemporaryDeliveryError(DISPLAY_NAME, "the token is not valid")
    if isinstance(error, discord.HTTPException):
        return _from_http_error(error)
    if isinstance(error, CONNECTION_ERRORS):
        return TemporaryDeliveryError(DISPLAY_NAME, describe_exception(error))
    return None


def _from_http_error(error: discord.HTTPException) -> DeliveryError:
    reason = without_quotes(error.text) or f"status {error.status}"
    if error.code in (UNKNOWN_MESSAGE, ARCHIVED_THREAD):
        return MessageGone(reason, error.code)
    if error.code in (INVALID_WEBHOOK_TOKEN, UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION):
        return TokenExpired(reason, error.code)
    # 401 without one of these codes is about the bot's token, which an operator can correct while the turn lives.
    if error.status in (401, 408, 429) or error.status >= 500:
        return TemporaryDeliveryError(DISPLAY_NAME, reason, retry_after=_retry_after(error))
    return RequestRejected(reason, error.code)


def _retry_after(error: discord.HTTPException) -> float:
    seconds = error.response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdigit() else 0.0
