"""A fake Discord, and a service in front of it: its gateway, its inbox on a real Postgres, and workers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import discord
import pytest
import pytest_asyncio
import yarl
from pydantic import SecretStr

from bot.channels.discord.platform import DiscordPlatform
from bot.mind import Mind
from bot.services import open_services
from bot.settings import Settings
from tests.fakes.discord.server import DiscordFake
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.discord_service import TOKEN, Discord


@pytest_asyncio.fixture(loop_scope="session")
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordFake]:
    async with DiscordFake(TOKEN).serving() as served:
        monkeypatch.setattr(discord.http.Route, "BASE", served.api_base)
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(served.gateway_url))
        yield served


@pytest_asyncio.fixture(loop_scope="session")
async def service(
    fake: DiscordFake, sglang_settings: Settings, server: SGLangServer, dsn: str, agoge: Mind
) -> AsyncIterator[Discord]:
    server.echoes = True
    settings = sglang_settings.model_copy(update={"database_url": SecretStr(dsn), "prewarm_modes": 0})
    guild = fake.people.guild("Agoge")
    ann = fake.people.user("Ann")
    fake.people.join(guild, ann)
    channel = fake.people.channel(guild, "general")
    async with open_services(settings, role="worker") as services:
        platform = DiscordPlatform(TOKEN, agoge, [command.name for command in services.inbox.commands])
        yield Discord(fake, services, platform, guild, channel, ann)
        await platform.close()
