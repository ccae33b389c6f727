"""The routes of the HTTP API."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import APIRouter, Security
from fastapi.security import HTTPBearer
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from bot.channels.http import documents, library, mixtures, modes, people, responses, turns
from bot.channels.http.api import Api
from bot.channels.http.api_route import ApiRoute, CountedResponse, failure_response
from bot.channels.http.completions import CHAT_PATH, create_completion
from bot.channels.http.embeddings import EMBEDDINGS_PATH, create_embeddings
from bot.channels.http.errors import MethodNotAllowed, NoSuchEndpoint, RequestRefused
from bot.channels.http.response_models import ChatCompletion, ErrorObject
from bot.channels.http.responses import RESPONSES_PATH
from bot.channels.http.responses_objects import Response as ResponseObject

_KEY: Final = HTTPBearer(
    auto_error=False,
    scheme_name="API key",
    description="A key that the operator made with `consilium keys create`.",
)
_EVENTS_EXAMPLE: Final = (
    'data: {"id": "chatcmpl-…", "object": "chat.completion.chunk", "created": 1796000000, "model": "core+sport", '
    '"choices": [{"index": 0, "delta": {"content": "Rest"}, "logprobs": null, "finish_reason": null}]}\n\n'
    "data: [DONE]\n\n"
)
_RESPONSE_EVENTS_EXAMPLE: Final = (
    'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "sequence_number": 4, '
    '"item_id": "msg_…", "output_index": 0, "content_index": 0, "delta": "Rest", "logprobs": []}\n\n'
)
_EVENT: Final = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "event": {"type": "string"},
        "data": {"type": "string", "description": "An object in JSON; after the last of chat completions, `[DONE]`."},
    },
}
"""One event of a stream, in the form of OpenAPI 3.2, which tools for 3.1 know as well."""
_EVENTS: Final = {"itemSchema": _EVENT, "example": _EVENTS_EXAMPLE}
_RESPONSE_EVENTS: Final = {"itemSchema": _EVENT, "example": _RESPONSE_EVENTS_EXAMPLE}
_ERRORS: Final = {
    400: "A part of the request is wrong; `param` names it.",
    401: "There is no key, or it is unknown, expired or revoked.",
    403: "The right, mode or person is out of the key's scope; or the mind restricts the mode, or the operator "
    "has not let the person in.",
    404: "There is no such thing here, or it is another person's.",
    408: "The body did not arrive in time.",
    409: "A request with this `Idempotency-Key` is being answered; with `Retry-After`.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    429: "The limits of the key or of the person; `Retry-After` says when to try again.",
    500: "An unexpected error; the message has the reference under which it is in the log.",
    503: "Too many messages wait, a part of the service is away, or the process ends; with `Retry-After`.",
    504: "The answer was not ready in time.",
}
_UNKNOWN_PATH: Final = "/v1/{rest:path}"
_ALL_METHODS: Final = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint, with what its OpenAPI cannot get from the function."""

    method: str
    path: str
    function: Callable[..., Awaitable[object]]
    tag: str
    summary: str
    errors: tuple[int, ...]
    """Statuses beside those that all endpoints answer with."""
    more: dict[str, Any] = field(default_factory=dict)
    """Further arguments of FastAPI's route."""

    def add_to(self, router: APIRouter) -> None:
        """Make a route of it."""
        errors = sorted({401, 403, 429, 500, 503, *self.errors})
        responses: dict[int | str, dict[str, Any]] = {
            status: {"model": ErrorObject, "description": _ERRORS[status]} for status in errors
        }
        arguments = {"responses": {**responses, **self.more.get("responses", {})}}
        router.add_api_route(
            self.path,
            self.function,
            methods=[self.method],
            tags=[self.tag],
            summary=self.summary,
            description=(inspect.getdoc(self.function) or "").partition("\n\n")[0],
            operation_id=self.function.__name__,
            **{**self.more, **arguments},
        )


ENDPOINTS: Final = (
    Endpoint(
        method="POST", path=CHAT_PATH, function=create_completion, tag="chat", summary="Chat",
        errors=(400, 403, 404, 408, 409, 413, 415, 429, 504),
        more={
            "response_model": ChatCompletion,
            "responses": {
                200: {
                    "description": "The answer; with `stream`, as server-sent events with chunks.",
                    "content": {"text/event-stream": _EVENTS},
                }
            },
        },
    ),
    Endpoint(
        method="POST", path=RESPONSES_PATH, function=responses.create_response, tag="chat", summary="Respond",
        errors=(400, 403, 404, 408, 409, 413, 415, 429, 504),
        more={
            "response_model": ResponseObject,
            "responses": {
                200: {
                    "description": "The response; with `stream`, as server-sent events.",
                    "content": {"text/event-stream": _RESPONSE_EVENTS},
                }
            },
        },
    ),
    Endpoint(
        method="GET", path="/v1/responses/{id}", function=responses.show_response, tag="chat",
        summary="One response", errors=(400, 404),
    ),
    Endpoint(
        method="DELETE", path="/v1/responses/{id}", function=responses.delete_response, tag="chat",
        summary="Delete a response", errors=(400, 404),
    ),
    Endpoint(
        method="POST", path=EMBEDDINGS_PATH, function=create_embeddings, tag="models", summary="Embeddings",
        errors=(400, 408, 413, 415, 504),
    ),
    Endpoint(method="GET", path="/v1/models", function=modes.list_models, tag="models", summary="Models", errors=()),
    Endpoint(
        method="GET", path="/v1/models/{model}", function=modes.show_model, tag="models", summary="One model",
        errors=(404,),
    ),
    Endpoint(method="GET", path="/v1/modes", function=modes.list_modes, tag="models", summary="Modes", errors=()),
    Endpoint(
        method="GET", path="/v1/library/search", function=library.search_library, tag="models",
        summary="Search the library", errors=(400, 403, 404, 504),
    ),
    Endpoint(
        method="POST", path="/v1/library/documents", function=documents.add_document, tag="people",
        summary="Add a document", errors=(400, 404, 408, 413, 504), more={"openapi_extra": documents.DOCUMENT_BODY},
    ),
    Endpoint(
        method="GET", path="/v1/modes/{mode}/composition", function=mixtures.show_composition, tag="models",
        summary="What a mode is composed of", errors=(400, 404, 504),
    ),
    Endpoint(
        method="GET", path="/v1/modes/{mode}/conflicts", function=mixtures.show_conflicts, tag="models",
        summary="Conflicts within a mode", errors=(400, 404, 504),
    ),
    Endpoint(
        method="GET", path="/v1/compositions", function=mixtures.list_compositions, tag="models",
        summary="Compositions", errors=(504,),
    ),
    Endpoint(
        method="GET", path="/v1/turns", function=turns.list_turns, tag="people", summary="Turns", errors=(400, 404)
    ),
    Endpoint(
        method="GET", path="/v1/turns/{id}", function=turns.show_turn, tag="people", summary="One turn",
        errors=(400, 404),
    ),
    Endpoint(
        method="POST", path="/v1/turns/{id}/feedback", function=turns.rate_turn, tag="people",
        summary="Rate an answer", errors=(400, 404, 408, 409, 413, 415),
    ),
    Endpoint(
        method="DELETE", path="/v1/turns/{id}/feedback", function=turns.delete_rating, tag="people",
        summary="Take a rating back", errors=(400, 404, 409),
    ),
    Endpoint(
        method="GET", path="/v1/memories", function=people.list_memories, tag="people", summary="Memories",
        errors=(400,),
    ),
    Endpoint(
        method="DELETE", path="/v1/memories", function=people.forget_everything, tag="people",
        summary="Forget everything", errors=(400,),
    ),
    Endpoint(
        method="DELETE", path="/v1/memories/{id}", function=people.forget_memory, tag="people",
        summary="Forget one memory", errors=(400, 404),
    ),
)  # fmt: skip


def api_routes(api: Api) -> APIRouter:
    """The channel's routes, for an application that cancels handlers when their client disconnects."""

    class Route(ApiRoute):
        pass

    Route.api = api
    router = APIRouter(route_class=Route, dependencies=[Security(_KEY)])
    for endpoint in ENDPOINTS:
        endpoint.add_to(router)
    router.include_router(_unknown_endpoints(api))
    return router


def _unknown_endpoints(api: Api) -> APIRouter:
    """Any other path under `/v1/`. No key is needed to hear that there is nothing."""
    router = APIRouter()
    known = ", ".join(f"{endpoint.method} {endpoint.path}" for endpoint in ENDPOINTS)
    patterns = [(endpoint, compile_path(endpoint.path)[0]) for endpoint in ENDPOINTS]

    @router.api_route(_UNKNOWN_PATH, methods=_ALL_METHODS, include_in_schema=False)
    async def unknown_endpoint(request: Request) -> Response:
        path = request.url.path
        allowed = sorted(endpoint.method for endpoint, pattern in patterns if pattern.match(path))
        error: RequestRefused = NoSuchEndpoint(request.method, path, known)
        if allowed:
            error = MethodNotAllowed(request.method, path, allowed)
        return CountedResponse("/v1/", failure_response(api, request, error))

    return router
