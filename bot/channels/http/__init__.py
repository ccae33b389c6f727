"""The HTTP channel: OpenAI's chat completions, with modes as models, and a few endpoints of our own."""

from bot.channels.http.api import Api
from bot.channels.http.api_client import ApiClient
from bot.channels.http.auth import ApiClients
from bot.channels.http.key_store import KeyStore
from bot.channels.http.routes import api_routes

__all__ = ["Api", "ApiClient", "ApiClients", "KeyStore", "api_routes"]
