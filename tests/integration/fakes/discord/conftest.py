"""A fake Discord with a guild in it, asked by discord.py.

The suite next to this file is the contract between the fake and the real Discord: what Discord guarantees or refuses
and `bot/channels/discord` relies on. What neither the bot nor its tests use is not in the fake.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Any

import discord
import pytest
import pytest_asyncio
import yarl
from discord.http import HTTPClient, Route

from tests.fakes.discord.server import DiscordFake

TOKEN = "fake-token"


@dataclass(frozen=True)
class Place:
    """Where the tests happen: a guild with one member and one channel."""

    guild: str
    channel: str
    user: str

    @property
    def messages(self) -> str:
        """The path of the channel's messages."""
        return f"/channels/{self.channel}/messages"


class Api:
    """The bot's REST requests, as discord.py sends them."""

    def __init__(self, http: HTTPClient) -> None:
        self._http = http

    async def request(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """What Discord answers."""
        options: dict[str, Any] = {"params": query} if query else {}
        if body is not None:
            options["json"] = body
        return await self._http.request(Route(method, path), **options)

    async def upload(self, method: str, path: str, files: dict[str, bytes]) -> Any:
        """Send or edit a message with these files and no others."""
        described = [{"id": n, "filename": name} for n, name in enumerate(files)]
        form: list[dict[str, Any]] = [
            {"name": "payload_json", "value": discord.utils._to_json({"attachments": described})}
        ]
        form += [
            {"name": f"files[{n}]", "value": data, "filename": name, "content_type": "application/octet-stream"}
            for n, (name, data) in enumerate(files.items())
        ]
        return await self._http.request(Route(method, path), form=form)

    async def refused(self, request: Awaitable[Any], status: int, code: int) -> str:
        """Expect a refusal with this status and code; its text."""
        with pytest.raises(discord.HTTPException) as caught:
            await request
        assert (caught.value.status, caught.value.code) == (status, code)
        return caught.value.text


@pytest_asyncio.fixture(loop_scope="session")
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordFake]:
    async with DiscordFake(TOKEN).serving() as served:
        monkeypatch.setattr(Route, "BASE", served.api_base)
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(served.gateway_url))
        yield served
        assert served.journal.of("bug") == []


@pytest.fixture
def place(fake: DiscordFake) -> Place:
    guild, user = fake.people.add_guild("Agoge"), fake.people.add_user("Ann", locale="ru")
    fake.people.join(guild, user)
    return Place(guild, fake.people.add_channel(guild, "general"), user)


@pytest_asyncio.fixture(loop_scope="session")
async def api(fake: DiscordFake) -> AsyncIterator[Api]:
    http = HTTPClient(asyncio.get_running_loop())
    await http.static_login(TOKEN)
    yield Api(http)
    await http.close()
