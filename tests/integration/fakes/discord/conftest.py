"""A fake Discord with a guild in it, and real discord.py clients that are pointed at it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import discord
import pytest
import yarl
from discord import app_commands

from tests.fakes.discord.server import DiscordFake

TOKEN = "fake-token"


@dataclass
class Place:
    """Where the tests happen."""

    guild: str
    channel: str
    user: str


class Bot(discord.AutoShardedClient):
    """A bot that remembers what it hears and that a test can give commands to."""

    def __init__(self, intents: discord.Intents | None = None, **options: Any) -> None:
        super().__init__(intents=intents or discord.Intents.default(), guild_ready_timeout=0.05, **options)
        self.tree = app_commands.CommandTree(self)
        self.heard: list[discord.Message] = []
        self.ready = asyncio.Event()
        self.running: asyncio.Task[None] | None = None

    async def on_ready(self) -> None:
        self.ready.set()

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)

    async def connect_to(self, fake: DiscordFake) -> Bot:
        """Starts, and waits until it is ready or has failed."""
        self.running = asyncio.create_task(self.start(fake.token))
        waiting = asyncio.create_task(self.ready.wait())
        await asyncio.wait({self.running, waiting}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        if self.running.done():
            waiting.cancel()
            await self.running
        return self

    def ask(self, method: str, path: str, **body: Any) -> Awaitable[Any]:
        """A REST request as discord.py sends it, whatever is in it."""
        return self.http.request(discord.http.Route(method, path), **({"json": body} if body else {}))


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordFake]:
    async with DiscordFake(TOKEN).serving() as served:
        monkeypatch.setattr(discord.http.Route, "BASE", served.api_base)
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(served.gateway_url))
        yield served
        assert served.journal.of("bug") == []


@pytest.fixture
async def place(fake: DiscordFake) -> Place:
    guild = fake.people.guild("Agoge")
    user = fake.people.user("Ann", locale="ru")
    fake.people.join(guild, user)
    return Place(guild, fake.people.channel(guild, "general"), user)


@dataclass
class Bots:
    """Starts bots, and stops them at the end."""

    fake: DiscordFake
    started: list[Bot] = field(default_factory=list)

    async def start(self, intents: discord.Intents | None = None, **options: Any) -> Bot:
        """A bot that is connected."""
        self.started.append(bot := Bot(intents, **options))
        return await bot.connect_to(self.fake)

    async def login(self) -> Bot:
        """A bot that has only logged in."""
        self.started.append(bot := Bot())
        await bot.login(self.fake.token)
        return bot


@pytest.fixture
async def bots(fake: DiscordFake, place: Place) -> AsyncIterator[Bots]:
    bots = Bots(fake)
    yield bots
    for bot in bots.started:
        await bot.close()
        if bot.running is not None:
            with contextlib.suppress(discord.DiscordException):
                await bot.running


@pytest.fixture
def refused() -> Callable[[Awaitable[Any], int, int], Awaitable[str]]:
    """Expects a refusal with this status and code; gives its text."""

    async def check(request: Awaitable[Any], status: int, code: int) -> str:
        with pytest.raises(discord.HTTPException) as caught:
            await request
        assert (caught.value.status, caught.value.code) == (status, code)
        return caught.value.text

    return check
