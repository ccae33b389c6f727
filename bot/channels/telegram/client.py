"""The Bot API client, and its errors as errors of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import aiohttp
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
from aiogram.methods import EditMessageText, GetFile, GetUpdates, Response, SendChatAction, SendMessage

from bot.core.errors import PermanentDeliveryError, PlatformAccessDenied, TemporaryDeliveryError
from bot.core.redaction import redact
from consilium.error_texts import without_quotes

PLATFORM: Final = "telegram"
"""The value of `Incoming.platform`."""
DISPLAY_NAME: Final = "Telegram"
"""The name that people read."""
REQUEST_TIMEOUT: Final = 20.0
"""Seconds after which an unanswered request has failed."""
_METHODS_OF_EVERY_SERVER: Final = ("getMe", "getUpdates")
_MAX_CONNECTIONS: Final = 100
_CALLED_OFTEN: Final = (SendMessage, EditMessageText, SendChatAction, GetUpdates, GetFile)
"""One method for each type that what is often called returns."""


def make_bot(token: str, api: str) -> Bot:
    """A client for one bot. The caller closes its session.

    Args:
        api: URL of the Bot API server.

    Raises:
        PlatformAccessDenied: the token is malformed.
    """
    response_types()
    session = AiohttpSession(limit=_MAX_CONNECTIONS, api=TelegramAPIServer.from_base(api), timeout=REQUEST_TIMEOUT)
    try:
        return Bot(token, session)
    except ValueError as error:
        raise rejected_token_error("it is malformed") from error


@cache
def response_types() -> tuple[type[Response[Any]], ...]:
    """The models of the responses that come often, kept.

    aiogram asks pydantic for the model of each response. Pydantic builds it, which takes milliseconds, and keeps it
    only while something refers to it; nothing else does.
    """
    return tuple(Response[method.__returning__] for method in _CALLED_OFTEN)  # type: ignore[name-defined]  # made here


@contextmanager
def map_telegram_errors() -> Iterator[None]:
    """Turn errors of the client that are raised inside into errors of ours.

    Raises:
        TemporaryDeliveryError: a later attempt may succeed.
        PermanentDeliveryError: no attempt will succeed.
        PlatformAccessDenied: Telegram does not accept the bot's token.
        TelegramMigrateToChat: passed on as it is: the group has a new id, and the caller repeats the call there.
    """
    try:
        yield
    except TelegramMigrateToChat:
        raise
    except TelegramRetryAfter as error:
        raise TemporaryDeliveryError(DISPLAY_NAME, error_reason(error), float(error.retry_after)) from error
    except TelegramUnauthorizedError as error:
        raise rejected_token_error(error_reason(error)) from error
    except TelegramNotFound as error:
        # An unknown token is "not found", and so is a method that a server does not know.
        if error.method.__api_method__ in _METHODS_OF_EVERY_SERVER:
            raise rejected_token_error(error_reason(error)) from error
        raise PermanentDeliveryError(DISPLAY_NAME, error_reason(error)) from error
    except (TelegramForbiddenError, TelegramBadRequest, TelegramEntityTooLarge) as error:
        raise PermanentDeliveryError(DISPLAY_NAME, error_reason(error)) from error
    except (AiogramError, aiohttp.ClientError, OSError, TimeoutError) as error:
        raise TemporaryDeliveryError(DISPLAY_NAME, error_reason(error)) from error


def rejected_token_error(reason: str) -> PlatformAccessDenied:
    """The error for a token that Telegram does not accept."""
    return PlatformAccessDenied(DISPLAY_NAME, reason, "CONSILIUM_TELEGRAM_TOKEN")


def error_reason(error: BaseException) -> str:
    """Telegram's description of an error, or what is known of it otherwise, on one line of at most 200 characters.

    Without what Telegram quotes of a message, and without addresses: those of the Bot API contain the token.
    """
    if isinstance(error, aiohttp.ClientResponseError):
        return f"status {error.status}"
    reason = error.message if isinstance(error, DetailedAiogramError) else type(error).__name__
    return redact(" ".join(without_quotes(reason).split()))[:200]
