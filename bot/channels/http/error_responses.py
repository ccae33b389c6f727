"""Errors in OpenAI's format."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.responses import JSONResponse

from bot.channels.http.errors import AnswerImpossible, KeyBudgetSpent, MethodNotAllowed, PartUnavailable, RequestRefused
from bot.core.errors import (
    AlreadyRefused,
    GenerationTooSlow,
    MessageRefused,
    MessageTooLong,
    UnexpectedError,
    describe_error,
)
from bot.core.http_body import BodyRefused
from bot.core.i18n import Translator
from bot.intake.access import AccessDenied
from bot.intake.rate_limits import LimitExceeded, ServiceFull
from bot.minds.errors import ModeError, ModeNotAllowed
from consilium.errors import ConsiliumError
from db.errors import DatabaseError
from inference.adapters.revocation import AdapterRevoked
from inference.engines.errors import EngineError, EngineStopped, PromptRefused, PromptTooLong, SchemaRefused

_RETRY_AFTER_SECONDS: Final = 5
"""Seconds after which to try again, when no better time is known."""


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """The response to a request that failed."""

    status: int
    error_type: str
    """OpenAI's `type`."""
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, message: str) -> dict[str, Any]:
        """OpenAI's error object."""
        return {"error": {"message": message, "type": self.error_type, "param": self.param, "code": self.code}}

    def to_response(self, message: str) -> JSONResponse:
        return JSONResponse(self.body(message), self.status, self.headers)


def error_response(error: ConsiliumError | None) -> ErrorResponse:
    """The response for an error; None stands for an unexpected one."""
    if isinstance(error, RequestRefused):
        return _for_refused_request(error)
    if isinstance(error, BodyRefused):
        return ErrorResponse(error.status, "invalid_request_error")
    if isinstance(error, LimitExceeded):
        return _for_rate_limit(error)
    if isinstance(error, (AccessDenied, AlreadyRefused)):
        return ErrorResponse(403, "permission_error", "not_let_in", "user")
    if isinstance(error, ModeNotAllowed):
        return ErrorResponse(403, "permission_error", "model_not_allowed", "model")
    if isinstance(error, (ModeError, AdapterRevoked)):
        return ErrorResponse(404, "invalid_request_error", "model_not_found", "model")
    if isinstance(error, (MessageTooLong, PromptTooLong)):
        return ErrorResponse(400, "invalid_request_error", "context_length_exceeded", "messages")
    if isinstance(error, SchemaRefused):
        return ErrorResponse(400, "invalid_request_error", "invalid_json_schema", "response_format")
    if isinstance(error, (MessageRefused, PromptRefused)):
        return ErrorResponse(400, "invalid_request_error", None, "messages")
    if isinstance(error, GenerationTooSlow):
        return ErrorResponse(504, "server_error", "timeout")
    if isinstance(error, (DatabaseError, EngineStopped)) or (isinstance(error, EngineError) and error.retryable):
        return ErrorResponse(
            503, "server_error", "service_unavailable", headers={"Retry-After": str(_RETRY_AFTER_SECONDS)}
        )
    return ErrorResponse(500, "server_error")


def public_error(error: ConsiliumError) -> ConsiliumError:
    """The error as anybody may read it who can send a request.

    What has failed within the service, and what its database or engine says of it, with paths and addresses, is for the
    operator's log.
    """
    status = error_response(error).status
    if status < 500 or isinstance(error, (RequestRefused, LimitExceeded, GenerationTooSlow, UnexpectedError)):
        return error
    return PartUnavailable() if status == 503 else AnswerImpossible()


def describe_publicly(error: ConsiliumError, say: Translator) -> str:
    """The text of an error for whoever sent the request."""
    return describe_error(public_error(error), say.language, say.translate)


def _for_refused_request(error: RequestRefused) -> ErrorResponse:
    headers = {401: {"WWW-Authenticate": "Bearer"}, 409: {"Retry-After": "1"}, 503: {"Retry-After": "1"}}.get(
        error.status, {}
    )
    if isinstance(error, KeyBudgetSpent):
        headers = _retry_after(error.retry_after)
    if isinstance(error, MethodNotAllowed):
        headers = {"Allow": ", ".join(error.allowed)}
    kind = {403: "permission_error", 429: "rate_limit_error"}.get(error.status, "invalid_request_error")
    kind = "server_error" if error.status >= 500 else kind
    return ErrorResponse(error.status, kind, error.code, error.param, headers)


def _for_rate_limit(error: LimitExceeded) -> ErrorResponse:
    headers = _retry_after(error.retry_after)
    if isinstance(error, ServiceFull):
        return ErrorResponse(503, "server_error", "service_full", headers=headers)
    return ErrorResponse(429, "rate_limit_error", "rate_limit_exceeded", headers=headers)


def _retry_after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(min(seconds, 86400))))}
