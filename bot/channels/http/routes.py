"""The addresses of the HTTP channel. Whatever goes wrong at them is told in OpenAI's form of an error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import wraps
from typing import Final

from aiohttp import web

from bot.channels.http import own
from bot.channels.http.api import Api
from bot.channels.http.completions import create_completion
from bot.channels.http.errors import NoSuchEndpoint
from bot.channels.http.failures import error_response
from bot.channels.http.metrics import count_request
from bot.channels.http.models import model_object, named_modes
from bot.errors import describe_error
from bot.turns.failures import as_consilium_error

Endpoint = Callable[[Api, web.Request], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def list_models(api: Api, request: web.Request) -> web.Response:
    """`GET /v1/models`: modes with names."""
    api.clients.authenticate(request)
    data = [model_object(api, choice.name) for choice in named_modes(api, api.translator_for(request))]
    return web.json_response({"object": "list", "data": data})


async def show_model(api: Api, request: web.Request) -> web.Response:
    """`GET /v1/models/{model}`: any mode that can answer, sums of adapters too."""
    api.clients.authenticate(request)
    model = request.match_info["model"]
    api.resolve_mode(model)
    return web.json_response(model_object(api, model))


async def list_modes(api: Api, request: web.Request) -> web.Response:
    """`GET /v1/modes`: modes with names, and all that is known of them."""
    api.clients.authenticate(request)
    data = [{"object": "mode", **asdict(choice)} for choice in named_modes(api, api.translator_for(request))]
    return web.json_response({"object": "list", "mind": api.mind.name, "default": api.mind.default_mode, "data": data})


ENDPOINTS: Final[dict[tuple[str, str], Endpoint]] = {
    ("POST", "/v1/chat/completions"): create_completion,
    ("GET", "/v1/models"): list_models,
    ("GET", "/v1/models/{model}"): show_model,
    ("GET", "/v1/modes"): list_modes,
    ("GET", "/v1/turns/{id}"): own.show_turn,
    ("GET", "/v1/memories"): own.list_memories,
    ("DELETE", "/v1/memories"): own.forget_everything,
    ("DELETE", "/v1/memories/{id}"): own.forget_memory,
}


async def unknown_endpoint(_api: Api, request: web.Request) -> web.Response:
    """Everything else under `/v1/`."""
    raise NoSuchEndpoint(request.method, request.path, ", ".join(f"{method} {path}" for method, path in ENDPOINTS))


def api_routes(api: Api) -> web.RouteTableDef:
    """The channel's routes, for an application whose handlers are cancelled when their client goes away."""
    routes = web.RouteTableDef()
    for (method, path), endpoint in ENDPOINTS.items():
        routes.route(method, path)(_with_error_responses(api, path, endpoint))
    routes.route("*", "/v1/{rest:.*}")(_with_error_responses(api, "/v1/", unknown_endpoint))
    return routes


def _with_error_responses(api: Api, path: str, endpoint: Endpoint) -> Handler:
    """The endpoint as a handler: it raises nothing but cancellation."""

    @wraps(endpoint)
    async def handle(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse
        status = 499  # as nginx has it: the client has gone
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
