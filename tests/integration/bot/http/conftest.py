"""The HTTP channel on a real socket, in front of a complete service whose engine is a fake SGLang server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from openai import AsyncOpenAI
from pydantic import SecretStr

from bot.app.bootstrap import Services, open_services
from bot.app.monitoring import http_server
from bot.app.server import http_routes
from bot.app.settings import Settings
from db.turns import admin_queries, turns
from db.turns.turns import Turn

KEYS = {"site": "key-of-the-site", "app": "key-of-the-app"}


@dataclass(frozen=True)
class Served:
    """The running service and its address."""

    services: Services
    url: str

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
        overrides = {
            "database_url": SecretStr(dsn),
            "prewarm_modes": 0,
            "language": "en",
            "api_keys": SecretStr(",".join(f"{name}:{key}" for name, key in keys.items())),
        }
        settings = sglang_settings.model_copy(update={**overrides, **more})
        async with (
            open_services(settings, role="api") as services,
            http_server("127.0.0.1", 0, http_routes(settings, services), origins=settings.http_origins) as url,
        ):
            yield Served(services, url)

    return serve


@pytest_asyncio.fixture(loop_scope="session")
async def served(serve: Serve) -> AsyncIterator[Served]:
    async with serve() as served:
        yield served
