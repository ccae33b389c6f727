"""A route of the API: it lets in who has a key, reads the body within limits, and answers errors as OpenAI does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from prometheus_client import Counter
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from bot.channels.http.api import Api
from bot.channels.http.error_responses import ErrorResponse, describe_publicly, error_response
from bot.channels.http.errors import BadRequest, NotJson
from bot.channels.http.request_parsing import first_problem
from bot.core.http_body import read_body
from bot.turns.failures import as_consilium_error

MAX_BODY_BYTES: Final = 1_000_000
"""Bytes of a request's body."""
BODY_SECONDS: Final = 30.0
"""Seconds that a request's body may take to arrive."""
CLIENT_DISCONNECTED: Final = 499
"""nginx's status for a client that has disconnected."""
_REQUESTS: Final = Counter(
    "consilium_http_requests", "Completed requests; status 499: the client disconnected before.", ("path", "status")
)

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Rename = Callable[[ErrorResponse], ErrorResponse]


class ApiRoute(APIRoute):
    """A route of the API. A subclass has `api`."""

    api: ClassVar[Api]

    def get_route_handler(self) -> Handler:
        """FastAPI's handler within ours. The key is checked before anything of the request is read."""
        answer = super().get_route_handler()
        api, path, has_body = self.api, self.path_format, self.body_field is not None

        async def handle(request: Request) -> Response:
            try:
                request.state.api = api
                request.state.client = await api.clients.authenticate(request)
                response = await answer(await JsonRequest.read(request) if has_body else request)
            except asyncio.CancelledError:
                count_request(path, CLIENT_DISCONNECTED)
                raise
            except Exception as error:
                response = failure_response(api, request, error)
            return CountedResponse(path, response)

        return handle


class JsonRequest(Request):
    """A request whose body has been read, and is JSON."""

    def __init__(self, request: Request, content: bytes, value: object) -> None:
        super().__init__(request.scope, request.receive)
        self._content = content
        self._value = value

    @classmethod
    async def read(cls, request: Request) -> JsonRequest:
        """Read the body of a request.

        Raises:
            RequestRefused, BodyRefused: it is not JSON, is too large, or did not arrive in time.
        """
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            raise NotJson
        content = await read_body(request, MAX_BODY_BYTES, BODY_SECONDS)
        try:
            return cls(request, content, from_json(content, allow_inf_nan=False))
        except ValueError as error:
            raise BadRequest("body", str(error)) from None

    async def body(self) -> bytes:
        """The body."""
        return self._content

    async def json(self) -> object:
        """The body's value."""
        return self._value


class CountedResponse(Response):
    """A response that counts its request once it has been sent."""

    def __init__(self, path: str, response: Response) -> None:
        super().__init__()
        self._path = path
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = status = CLIENT_DISCONNECTED

        async def watch(message: Message) -> None:
            nonlocal started
            started = message.get("status", started)
            await send(message)

        try:
            await self._response(scope, receive, watch)
            status = started
        finally:
            count_request(self._path, status)


def failure_response(api: Api, request: Request, error: Exception) -> Response:
    """The response to a request that failed."""
    if isinstance(error, RequestValidationError):
        error = first_problem(error.errors())
    failure = as_consilium_error(error)
    say = api.translator_for(request)
    rename: Rename | None = getattr(request.state, "rename", None)
    response = error_response(failure)
    response = response if rename is None else rename(response)
    return response.to_response(describe_publicly(failure, say))


def name_fields(request: Request, rename: Rename) -> None:
    """Have errors of this request name the fields as its endpoint does."""
    request.state.rename = rename


def count_request(path: str, status: int) -> None:
    """Count a completed request; `path` as in the routes."""
    _REQUESTS.labels(path, str(status)).inc()
