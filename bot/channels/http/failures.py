"""From what went wrong to OpenAI's form of an error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from bot.channels.http.errors import RequestRefused
from bot.modes.errors import ModeError, ModeNotAllowed
from bot.turns.access import NotLetIn
from bot.turns.admission import NotAdmitted, ServiceFull
from bot.turns.errors import GenerationTooSlow, MessageRefused, MessageTooLong, PassedOver
from consilium.errors import ConsiliumError
from db.errors import DatabaseError
from inference.adapters.revoked import AdapterRevoked
from inference.engine.errors import EngineError, EngineStopped, PromptRefused, PromptTooLong, SchemaRefused

_SOON: Final = 5
"""Seconds after which it is worth another try where nobody knows better."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a failure is told."""

    status: int
    kind: str
    """OpenAI's `type`."""
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, message: str) -> dict[str, Any]:
        """OpenAI's error object."""
        return {"error": {"message": message, "type": self.kind, "param": self.param, "code": self.code}}

    def response(self, message: str) -> web.Response:
        return web.json_response(self.body(message), status=self.status, headers=self.headers)


def verdict(error: ConsiliumError | None) -> Verdict:
    """How to tell an error; None is one that nobody can name."""
    if isinstance(error, RequestRefused):
        return _refused(error)
    if isinstance(error, NotAdmitted):
        return _not_now(error)
    if isinstance(error, (NotLetIn, PassedOver)):
        return Verdict(403, "permission_error", "not_let_in", "user")
    if isinstance(error, ModeNotAllowed):
        return Verdict(403, "permission_error", "model_not_allowed", "model")
    if isinstance(error, (ModeError, AdapterRevoked)):
        return Verdict(404, "invalid_request_error", "model_not_found", "model")
    if isinstance(error, (MessageTooLong, PromptTooLong)):
        return Verdict(400, "invalid_request_error", "context_length_exceeded", "messages")
    if isinstance(error, SchemaRefused):
        return Verdict(400, "invalid_request_error", "invalid_json_schema", "response_format")
    if isinstance(error, (MessageRefused, PromptRefused)):
        return Verdict(400, "invalid_request_error", None, "messages")
    if isinstance(error, GenerationTooSlow):
        return Verdict(504, "server_error", "timeout")
    if isinstance(error, (DatabaseError, EngineStopped)) or (isinstance(error, EngineError) and error.retryable):
        return Verdict(503, "server_error", "service_unavailable", headers={"Retry-After": str(_SOON)})
    return Verdict(500, "server_error")


def _refused(error: RequestRefused) -> Verdict:
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}.get(error.status, {})
    kind = "server_error" if error.status >= 500 else "invalid_request_error"
    return Verdict(error.status, kind, error.code, error.param, headers)


def _not_now(error: NotAdmitted) -> Verdict:
    headers = {"Retry-After": str(max(1, math.ceil(min(error.wait, 86400))))}
    if isinstance(error, ServiceFull):
        return Verdict(503, "server_error", "service_full", headers=headers)
    return Verdict(429, "rate_limit_error", "rate_limit_exceeded", headers=headers)
