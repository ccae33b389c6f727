"""From what went wrong to what a person is told, and whether it is worth another try."""

from __future__ import annotations

import secrets
from dataclasses import replace

import structlog

from bot.channels.errors import DeliveryError
from bot.channels.port import Outcome
from bot.errors import explain
from bot.locales import Translator
from bot.modes.errors import ModeError
from bot.turns.documents.errors import NotFetched
from bot.turns.errors import MessageRefused, Unexpected
from consilium.errors import ConsiliumError
from db.errors import DatabaseExhausted, DatabaseUnreachable
from inference.engine.errors import EngineError

log = structlog.get_logger(__name__)


def foreseen(error: Exception) -> ConsiliumError:
    """The error itself, or, of one that nobody foresaw, a reference to what the log holds of it."""
    if isinstance(error, ConsiliumError):
        return error
    reference = secrets.token_hex(4)
    log.error("unexpected", reference=reference, exc_info=error)
    return Unexpected(reference)


def failed(outcome: Outcome, error: ConsiliumError, say: Translator) -> Outcome:
    """The outcome with what went wrong, in the person's language."""
    at_fault = not isinstance(error, (ModeError, MessageRefused))
    return replace(outcome, error=explain(error, say.language, say.template), at_fault=at_fault, failure=error)


def may_pass(error: ConsiliumError) -> bool:
    """Whether the same turn may succeed a little later, with nothing changed."""
    if isinstance(error, DeliveryError):
        return error.passing
    if isinstance(error, EngineError):
        return error.retryable
    return isinstance(error, (DatabaseUnreachable, DatabaseExhausted, NotFetched))
