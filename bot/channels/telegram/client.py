"""The client of the Bot API, and what its errors mean to us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    DetailedAiogramError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)

from bot.core.errors import PermanentDeliveryError, PlatformAccessDenied, TemporaryDeliveryError

PLATFORM: Final = "telegram"
"""As in `Incoming.platform`."""
DISPLAY_NAME: Final = "Telegram"
"""As people are told."""
REQUEST_TIMEOUT: Final = 20.0
"""Seconds until a request that was not answered counts as failed."""
_MAX_CONNECTIONS: Final = 100


def make_bot(token: str, api: str) -> Bot:
    """A client for one bot; close its session in the end.

    Args:
        api: the address of the Bot API server.

    Raises:
        PlatformAccessDenied: the token cannot be one.
    """
    session = AiohttpSession(limit=_MAX_CONNECTIONS, api=TelegramAPIServer.from_base(api), timeout=REQUEST_TIMEOUT)
    try:
        return Bot(token, session)
    except ValueError as error:
        raise rejected_token_error(str(error)) from error


@contextmanager
def map_telegram_errors() -> Iterator[None]:
    """Whatever the client raises inside comes out as an error of ours; but that a group has moved is for the caller.

    Raises:
        TemporaryDeliveryError: a later try may help.
        PermanentDeliveryError: none will.
        PlatformAccessDenied: the bot's token is not accepted.
    """
    try:
        yield
    except TelegramMigrateToChat:
        raise
    except TelegramRetryAfter as error:
        raise TemporaryDeliveryError(DISPLAY_NAME, error_reason(error), float(error.retry_after)) from error
    except (TelegramUnauthorizedError, TelegramNotFound) as error:
        # A Bot API server of one's own may be too old for a method; a token that is none is not found either.
        if "method not found" in error.message:
            raise PermanentDeliveryError(DISPLAY_NAME, error_reason(error)) from error
        raise rejected_token_error(error_reason(error)) from error
    except (TelegramForbiddenError, TelegramBadRequest, TelegramEntityTooLarge) as error:
        raise PermanentDeliveryError(DISPLAY_NAME, error_reason(error)) from error
    except (AiogramError, OSError, TimeoutError) as error:
        raise TemporaryDeliveryError(DISPLAY_NAME, error_reason(error)) from error


def rejected_token_error(reason: str) -> PlatformAccessDenied:
    """The error for a token that is not accepted."""
    return PlatformAccessDenied(DISPLAY_NAME, reason, "CONSILIUM_TELEGRAM_TOKEN")


def error_reason(error: BaseException) -> str:
    """What Telegram, or the way to it, said, on one line and with nothing of ours."""
    said = error.message if isinstance(error, DetailedAiogramError) else type(error).__name__
    return " ".join(said.split())[:200]
