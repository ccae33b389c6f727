"""The HTTP channel on a real socket, in front of a complete service whose engine is a fake SGLang server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from openai import AsyncOpenAI
from pydantic import SecretStr

from bot.app.bootstrap import Services, open_services
from bot.app.mcp import open_mcp
from bot.app.monitoring import http_server
from bot.app.server import http_routes, make_api
from bot.app.settings import Settings
from bot.core.api_keys import SHOWN_LENGTH, generate_key, key_digest
from db.infra.connection import Connection
from db.infra.driver_errors import open_connection
from db.people import api_keys
from db.people.api_keys import KeyScope
from db.turns import admin_queries, turns
from db.turns.turns import Turn

KEYS = {"site": "key-of-the-site-in-the-settings", "app": generate_key()}
"""`site` has the key of the settings, and `app` one in the database."""
FULL_SCOPE = KeyScope(
    rights=["read", "write"],
    models=None,
    people=None,
    people_from=["user"],
    requests_per_minute=None,
    requests_per_day=None,
    tokens_per_minute=None,
    tokens_per_day=None,
    at_once=None,
)


@dataclass(frozen=True)
class Served:
    """The running service and its address."""

    services: Services
    settings: Settings
    url: str
    dsn: str
    """Of the superuser, who makes keys."""

    async def make_key(
        self, name: str = "site", *, text: str | None = None, lifetime: timedelta | None = None, **scope: Any
    ) -> str:
        """A new key in the database, which may do everything but what `scope` takes from it."""
        text = text or generate_key()
        async with open_connection(self.dsn, 10) as connection:
            await api_keys.create(
                Connection(connection, "test"),
                mind=self.services.mind.name,
                name=name,
                prefix=text[:SHOWN_LENGTH],
                digest=key_digest(text),
                scope=replace(FULL_SCOPE, **scope),
                lifetime=lifetime,
            )
        return text

    def with_key(self, key: str, **headers: str) -> httpx.AsyncClient:
        """A plain HTTP client with any key."""
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {key}", **headers}, timeout=60)

    def client(self, name: str = "site") -> AsyncOpenAI:
        """The official client with the key of this API client."""
        return AsyncOpenAI(base_url=f"{self.url}/v1", api_key=KEYS[name], max_retries=0, timeout=60)

    def http(self, name: str | None = "site", **headers: str) -> httpx.AsyncClient:
        """A plain HTTP client with the key of this API client."""
        key = {} if name is None else {"Authorization": f"Bearer {KEYS[name]}"}
        return httpx.AsyncClient(base_url=self.url, headers={**key, **headers}, timeout=60)

    async def turn(self, turn_id: str) -> Turn:
        """A turn as stored, of any person."""
        async with self.services.database.anonymous_transaction() as connection:
            [(_, user_id)] = await admin_queries.find_by_id_prefix(connection, turn_id)
        async with self.services.database.person_transaction(user_id) as connection:
            return await turns.get(connection, UUID(turn_id))

    async def ended(self, turn_id: str) -> Turn:
        """The turn once it has ended, which is recorded a moment after its client has the answer."""

        async def has_ended() -> bool:
            return (await self.turn(turn_id)).state in ("delivered", "stopped", "failed")

        await until(has_ended)
        return await self.turn(turn_id)

    async def turns(self) -> list[admin_queries.TurnSummary]:
        """All turns, latest first."""
        async with self.services.database.anonymous_transaction() as connection:
            return await admin_queries.list_turns(connection, None, 1000)


async def until(condition: Callable[[], Awaitable[bool]], within: float = 30) -> None:
    """Wait until a condition is true."""
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110  # no event tells of a row
            await asyncio.sleep(0.02)


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def serve(sglang_settings: Settings, dsn: str) -> Serve:
    """Serves the channel with these API keys and these other settings."""

    @asynccontextmanager
    async def serve(keys: dict[str, str] = KEYS, **more: Any) -> AsyncIterator[Served]:
        """The key of `site` is that of the settings; the others are in the database."""
        overrides = {
            "database_url": SecretStr(dsn),
            "prewarm_modes": 0,
            "language": "en",
            "api_keys": SecretStr(f"site:{keys['site']}") if "site" in keys else None,
        }
        settings = sglang_settings.model_copy(update={**overrides, **more})
        async with (
            open_services(settings, role="api") as services,
            open_mcp(make_api(settings, services)) as mcp,
            http_server("127.0.0.1", 0, http_routes(settings, services), mcp, origins=settings.http_origins) as url,
        ):
            served = Served(services, settings, url, dsn)
            for name, key in keys.items():
                if name != "site":
                    await served.make_key(name, text=key)
            yield served

    return serve


@pytest_asyncio.fixture(loop_scope="session")
async def served(serve: Serve) -> AsyncIterator[Served]:
    async with serve() as served:
        yield served
