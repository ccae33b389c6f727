"""Errors of the tree in OpenAI's format."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.channels.http.error_responses import error_response
from bot.channels.http.errors import (
    AnswerImpossible,
    EmbeddingsNotReady,
    ModelsTooSlow,
    PartUnavailable,
    RequestRefused,
    ServiceShuttingDown,
)
from bot.core.errors import EmptyMessage, GenerationTooSlow, MessageTooLong, UnexpectedError
from bot.intake.rate_limits import QuotaSpent, ServiceFull, TooManyMessages
from bot.minds.errors import ModeError, UnknownAdapter
from consilium.errors import ConsiliumError
from inference.engines.errors import EngineStopped, EngineUnavailable, PromptTooLong, SchemaRefused

SERVICE_ERRORS = (ServiceShuttingDown, PartUnavailable, AnswerImpossible, EmbeddingsNotReady, ModelsTooSlow)


def subclasses(error_class: type[ConsiliumError]) -> Iterator[type[ConsiliumError]]:
    for child in error_class.__subclasses__():
        yield child
        yield from subclasses(child)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UnknownAdapter("sprot", ["sport"]), 404, "model_not_found"),
        (EmptyMessage(), 400, None),
        (MessageTooLong(9, 5), 400, "context_length_exceeded"),
        (PromptTooLong(tokens=9, limit=5), 400, "context_length_exceeded"),
        (SchemaRefused(reason="no"), 400, "invalid_json_schema"),
        (TooManyMessages(2.2), 429, "rate_limit_exceeded"),
        (QuotaSpent(5, 7200), 429, "rate_limit_exceeded"),
        (ServiceFull(5), 503, "service_full"),
        (EngineUnavailable(url="u", reason="r"), 503, "service_unavailable"),
        (EngineStopped(), 503, "service_unavailable"),
        (GenerationTooSlow(3), 504, "timeout"),
        (UnexpectedError("1f2e"), 500, None),
        (None, 500, None),
    ],
)
def test_status_and_code(error: ConsiliumError | None, status: int, code: str | None) -> None:
    response = error_response(error)
    assert (response.status, response.code) == (status, code)
    assert set(response.body("!")["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(("wait", "header"), [(0.0, "1"), (2.2, "3"), (float("inf"), "86400")])
def test_retry_after_is_in_whole_seconds(wait: float, header: str) -> None:
    error = TooManyMessages(1.0)
    error.retry_after = wait
    assert error_response(error).headers["Retry-After"] == header


@pytest.mark.parametrize(
    "error_class", [*subclasses(RequestRefused), *subclasses(ModeError)], ids=lambda error_class: error_class.__name__
)
def test_refusals_are_client_errors_except_the_services(error_class: type[ConsiliumError]) -> None:
    error = error_class.__new__(error_class)
    assert error_response(error).status // 100 == (5 if error_class in SERVICE_ERRORS else 4)
