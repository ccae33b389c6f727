"""The HTTP channel, as the settings ask for it."""

from __future__ import annotations

from aiohttp import web

from bot.channels.http import Api, ApiClients, api_routes
from bot.services.opening import Services
from bot.settings import Settings


def http_routes(settings: Settings, services: Services) -> web.RouteTableDef:
    """The channel's routes, for a process that answers what it is asked."""
    api = Api(
        services.mind,
        services.composer,
        services.database,
        services.direct,
        services.heartbeat,
        ApiClients(settings.api_clients),
        settings.language,
    )
    return api_routes(api)
