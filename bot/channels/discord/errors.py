"""What Discord says no with, as errors of the one tree."""

from __future__ import annotations

from typing import Final

import aiohttp
import discord

from bot.channels.errors import DeliveryError, DeliveryFailed, Undeliverable

NAME: Final = "Discord"

UNKNOWN_MESSAGE, UNKNOWN_INTERACTION, UNKNOWN_WEBHOOK = 10008, 10062, 10015
INVALID_WEBHOOK_TOKEN, ARCHIVED_THREAD = 50027, 50083
ALREADY_ACKNOWLEDGED, NO_HISTORY = 40060, 160002

LOST: Final = (OSError, aiohttp.ClientError, TimeoutError)
"""A connection that broke or never was: whether Discord has done what was asked is not known."""


class Refused(Undeliverable):
    """Discord said no, with one of its codes."""

    def __init__(self, reason: str, code: int = 0) -> None:
        super().__init__(NAME, reason)
        self.code = code


class MessageGone(Refused):
    """A message cannot be changed any more: it was deleted, or its thread was archived."""


class TokenOver(Refused):
    """The quarter of an hour in which an interaction can be answered is over."""


def delivery_error(error: Exception) -> DeliveryError | None:
    """What the port calls an error of discord.py or of the connection; None for one that is neither."""
    if isinstance(error, DeliveryError):
        return error
    if isinstance(error, discord.RateLimited):
        return DeliveryFailed(NAME, "too many requests", wait=error.retry_after)
    if isinstance(error, discord.LoginFailure):
        return DeliveryFailed(NAME, "the token is not valid")
    if isinstance(error, discord.HTTPException):
        return _of_reply(error)
    if isinstance(error, LOST):
        return DeliveryFailed(NAME, str(error) or type(error).__name__)
    return None


def _of_reply(error: discord.HTTPException) -> DeliveryError:
    reason = error.text or f"status {error.status}"
    if error.code in (UNKNOWN_MESSAGE, ARCHIVED_THREAD):
        return MessageGone(reason, error.code)
    if error.code in (INVALID_WEBHOOK_TOKEN, UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION):
        return TokenOver(reason, error.code)
    # Without a code of its own, 401 is about the bot's token: an operator can mend it within the turn's life.
    if error.status in (401, 408, 429) or error.status >= 500:
        return DeliveryFailed(NAME, reason, wait=_wait(error))
    return Refused(reason, error.code)


def _wait(error: discord.HTTPException) -> float:
    told = error.response.headers.get("Retry-After", "")
    return float(told) if told.isdigit() else 0.0
