"""The OpenAPI document: complete, and true to what the endpoints take and answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from pydantic import BaseModel

from bot.app.http_application import make_application
from bot.app.monitoring import health_routes
from bot.channels.http import Api, api_routes
from bot.channels.http.embeddings import EmbeddingsRequest
from bot.channels.http.error_responses import error_response
from bot.channels.http.request_models import ChatRequest
from bot.channels.http.responses_models import ResponsesRequest
from bot.channels.http.routes import ENDPOINTS
from bot.intake.rate_limits import LimitExceeded
from consilium.errors import ConsiliumError


def application() -> FastAPI:
    """The application of a process; its endpoints are not asked anything."""
    return make_application(health_routes({}), api_routes(cast(Api, None)))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return application().openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def subclasses(error_class: type[ConsiliumError]) -> Iterator[type[ConsiliumError]]:
    for child in error_class.__subclasses__():
        yield child
        yield from subclasses(child)


def test_all_endpoints_are_in_it(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    health = {"GET /healthz", "GET /readyz", "GET /metrics"}
    named = {name for name, _ in operations(document)}
    assert named == health | {f"{endpoint.method} {endpoint.path}" for endpoint in ENDPOINTS}
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["tags"], name
        if name not in health:
            assert operation["description"], name
            assert operation["security"] == [{"API key": []}], name
            assert {"401", "500", "503"} <= set(operation["responses"]), name
        assert "422" not in operation["responses"], name
        assert "Raises:" not in operation.get("description", ""), name


def test_all_references_lead_somewhere(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    schemas = document["components"]["schemas"]
    named = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert named == set(schemas), "all are used, and none is missing"


def test_statuses_of_all_errors_are_in_it(document: dict[str, Any]) -> None:
    told = set(document["paths"]["/v1/chat/completions"]["post"]["responses"])
    kinds = [kind for kind in subclasses(ConsiliumError) if not issubclass(kind, LimitExceeded)]
    statuses = {str(error_response(kind.__new__(kind)).status) for kind in kinds}
    assert statuses - {"405"} <= told, "a method that is not there is in no endpoint's description"


REQUESTS = (ChatRequest, ResponsesRequest, EmbeddingsRequest)


@pytest.mark.parametrize("model", REQUESTS, ids=lambda model: model.__name__)
def test_examples_are_valid_requests(document: dict[str, Any], model: type[BaseModel]) -> None:
    examples = document["components"]["schemas"][model.__name__]["examples"]
    assert examples
    for example in examples:
        model.model_validate(example)


@pytest.mark.parametrize("model", REQUESTS, ids=lambda model: model.__name__)
def test_all_fields_are_described(document: dict[str, Any], model: type[BaseModel]) -> None:
    fields = document["components"]["schemas"][model.__name__]["properties"]
    assert [name for name, field in fields.items() if "description" not in field] == []


def test_the_web_framework_sends_no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its spans have paths with people's names, and its logs what exceptions say."""
    monkeypatch.setattr(trace, "get_tracer_provider", TracerProvider)
    assert not application()._native_telemetry.enabled()
    assert FastAPI()._native_telemetry.enabled(), "it would otherwise"
