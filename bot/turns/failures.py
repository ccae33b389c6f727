"""Turns exceptions into text for people, and decides whether another attempt may succeed."""

from __future__ import annotations

import secrets
from dataclasses import replace

import structlog

from bot.core.errors import DeliveryError, FetchFailed, MessageRefused, UnexpectedError, describe_error
from bot.core.i18n import Translator
from bot.core.messages import Outcome
from bot.minds.errors import ModeError
from consilium.errors import ConsiliumError
from db.errors import DatabaseUnavailable
from inference.engines.errors import EngineError

log = structlog.get_logger(__name__)


def as_consilium_error(error: Exception, unexpected: type[UnexpectedError] = UnexpectedError) -> ConsiliumError:
    """The error itself, or, for an unexpected exception, an error with a reference to its traceback in the log.

    Args:
        unexpected: what the person is told about an unexpected one.
    """
    if isinstance(error, ConsiliumError):
        return error
    reference = secrets.token_hex(4)
    log.error("error.unexpected_raised", reference=reference, exc_info=error)
    return unexpected(reference)


def failed_outcome(outcome: Outcome, error: ConsiliumError, say: Translator) -> Outcome:
    """The outcome with the text of an error, in the person's language."""
    is_service_error = not isinstance(error, (ModeError, MessageRefused))
    text = describe_error(error, say.language, say.translate)
    return replace(outcome, error=text, is_service_error=is_service_error, exception=error)


def is_retryable(error: ConsiliumError) -> bool:
    """Whether the same turn may succeed a little later with nothing changed."""
    if isinstance(error, DeliveryError):
        return error.retryable
    if isinstance(error, EngineError):
        return error.retryable
    return isinstance(error, (DatabaseUnavailable, FetchFailed))
