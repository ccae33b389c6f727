"""The routes of the HTTP API, the endpoints for models and modes, and request metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Any, Final

from aiohttp import web
from prometheus_client import Counter

from bot.channels.http import endpoints
from bot.channels.http.api import Api
from bot.channels.http.endpoints import create_completion
from bot.channels.http.error_responses import error_response
from bot.channels.http.errors import NoSuchEndpoint
from bot.core.errors import describe_error
from bot.core.i18n import Translator
from bot.minds.errors import ModeError
from bot.minds.grammar import parse_expression
from bot.minds.resolve import check_access, resolve_mode
from bot.turns.failures import as_consilium_error

Endpoint = Callable[[Api, web.Request], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_REQUESTS: Final = Counter(
    "consilium_http_requests", "Completed requests; status 499: the client disconnected before.", ("path", "status")
)


async def list_models(api: Api, request: web.Request) -> web.Response:
    """`GET /v1/models`: the named modes."""
    api.clients.authenticate(request)
    data = [model_object(api, choice.name) for choice in named_modes(api, api.translator_for(request))]
    return web.json_response({"object": "list", "data": data})


async def show_model(api: Api, request: web.Request) -> web.Response:
    """`GET /v1/models/{model}`: any mode that can answer, sums of adapters included."""
    api.clients.authenticate(request)
    model = request.match_info["model"]
    api.resolve_mode(model)
    return web.json_response(model_object(api, model))


async def list_modes(api: Api, request: web.Request) -> web.Response:
    """`GET /v1/modes`: the named modes with their kinds, descriptions and aliases."""
    api.clients.authenticate(request)
    data = [{"object": "mode", **asdict(choice)} for choice in named_modes(api, api.translator_for(request))]
    return web.json_response({"object": "list", "mind": api.mind.name, "default": api.mind.default_mode, "data": data})


ENDPOINTS: Final[dict[tuple[str, str], Endpoint]] = {
    ("POST", "/v1/chat/completions"): create_completion,
    ("GET", "/v1/models"): list_models,
    ("GET", "/v1/models/{model}"): show_model,
    ("GET", "/v1/modes"): list_modes,
    ("GET", "/v1/turns/{id}"): endpoints.show_turn,
    ("GET", "/v1/memories"): endpoints.list_memories,
    ("DELETE", "/v1/memories"): endpoints.forget_everything,
    ("DELETE", "/v1/memories/{id}"): endpoints.forget_memory,
}


async def unknown_endpoint(_api: Api, request: web.Request) -> web.Response:
    """Any other path under `/v1/`."""
    raise NoSuchEndpoint(request.method, request.path, ", ".join(f"{method} {path}" for method, path in ENDPOINTS))


def api_routes(api: Api) -> web.RouteTableDef:
    """The channel's routes, for an application that cancels handlers when their client disconnects."""
    routes = web.RouteTableDef()
    for (method, path), endpoint in ENDPOINTS.items():
        routes.route(method, path)(_with_error_responses(api, path, endpoint))
    routes.route("*", "/v1/{rest:.*}")(_with_error_responses(api, "/v1/", unknown_endpoint))
    return routes


def _with_error_responses(api: Api, path: str, endpoint: Endpoint) -> Handler:
    """The endpoint as a handler that turns every error into a response."""

    @wraps(endpoint)
    async def handle(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse
        status = 499  # nginx's status for a client that has disconnected
        try:
            response = await endpoint(api, request)
            status = response.status
        except Exception as error:
            failure = as_consilium_error(error)
            say = api.translator_for(request)
            response = error_response(failure).to_response(describe_error(failure, say.language, say.translate))
            status = response.status
        finally:
            count_request(path, status)
        return response

    return handle


@dataclass(frozen=True, slots=True)
class NamedMode:
    """A mode that can be asked for by one name."""

    name: str
    kind: str
    """`core`, `topic` or `isolated` for an adapter; otherwise `named`, `auto` or `base`."""
    about: str
    aliases: tuple[str, ...]
    mode: str
    """The mode in canonical form."""


def named_modes(api: Api, say: Translator) -> Iterator[NamedMode]:
    """The named modes that are open to everybody and in service; clients may ask for sums of adapters as well."""
    mind, language = api.mind, say.language
    modes = [
        ("auto", "auto", say("the nearest adapter, chosen for each message by its meaning"), ()),
        *(
            (name, str(adapter.kind), adapter.description.text(language), adapter.aliases)
            for name, adapter in mind.adapters.items()
        ),
        *((name, "named", named.title.text(language), named.aliases) for name, named in mind.modes.items()),
        ("base", "base", say("the base model, with nobody's thoughts added"), ()),
    ]
    for name, kind, about, aliases in modes:
        mode = resolve_mode(parse_expression(name), mind)
        try:
            check_access(mode, mind, ())
        except ModeError:
            continue
        if not api.composer.is_in_service(mode):
            continue
        yield NamedMode(name, kind, about, tuple(aliases), mode.text)


def model_object(api: Api, name: str) -> dict[str, Any]:
    """OpenAI's model object."""
    return {"id": name, "object": "model", "created": 0, "owned_by": api.mind.name}


def count_request(path: str, status: int) -> None:
    """Count a completed request; `path` as in the routes."""
    _REQUESTS.labels(path, str(status)).inc()
