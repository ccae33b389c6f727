"""Every error of the tree has a place in OpenAI's form, and none says more than its sentence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.channels.http.error_responses import error_response
from bot.channels.http.errors import RequestRefused
from bot.core.errors import EmptyMessage, GenerationTooSlow, MessageTooLong, UnexpectedError
from bot.intake.rate_limits import QuotaSpent, ServiceFull, TooManyMessages
from bot.minds.errors import ModeError, UnknownAdapter
from consilium.errors import ConsiliumError
from inference.engines.errors import EngineStopped, EngineUnavailable, PromptTooLong, SchemaRefused


def leaves(kind: type[ConsiliumError]) -> Iterator[type[ConsiliumError]]:
    for child in kind.__subclasses__():
        yield child
        yield from leaves(child)


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
def test_what_is_told(error: ConsiliumError | None, status: int, code: str | None) -> None:
    told = error_response(error)
    assert (told.status, told.code) == (status, code)
    assert set(told.body("!")["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(("wait", "told"), [(0.0, "1"), (2.2, "3"), (float("inf"), "86400")])
def test_when_to_come_again_is_in_whole_seconds(wait: float, told: str) -> None:
    assert error_response(_made(wait)).headers["Retry-After"] == told


def _made(wait: float) -> TooManyMessages:
    error = TooManyMessages(1.0)
    error.retry_after = wait
    return error


@pytest.mark.parametrize("kind", [*leaves(RequestRefused), *leaves(ModeError)], ids=lambda kind: kind.__name__)
def test_refusals_are_the_clients_fault_but_for_one(kind: type[ConsiliumError]) -> None:
    error = kind.__new__(kind)
    assert error_response(error).status // 100 == (5 if kind.__name__ == "ServiceShuttingDown" else 4)
