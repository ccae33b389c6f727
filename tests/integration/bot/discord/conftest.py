"""A fake Discord, and a service in front of it: its gateway, its inbox on a real Postgres, and workers."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest
import pytest_asyncio
import yarl
from pydantic import SecretStr

from bot.app.bootstrap import open_services
from bot.app.settings import DEMO_MIND, Settings
from bot.channels.discord.platform import DiscordPlatform
from tests.fakes.discord.server import DiscordFake
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.discord_service import TOKEN, Discord


@pytest_asyncio.fixture(loop_scope="session")
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordFake]:
    async with DiscordFake(TOKEN).serving() as served:
        monkeypatch.setattr(discord.http.Route, "BASE", served.api_base)
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(served.gateway_url))
        yield served


@pytest.fixture(scope="session")
def core_by_default(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo mind without `auto`, which embeds all its dialogues before the first answer."""
    folder = tmp_path_factory.mktemp("minds") / "agoge"
    shutil.copytree(DEMO_MIND, folder)
    spec = folder / "mind.yaml"
    spec.write_text(spec.read_text("utf-8").replace("default_mode: auto", "default_mode: core"), "utf-8")
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def service(
    fake: DiscordFake, sglang_settings: Settings, server: SGLangServer, dsn: str, core_by_default: Path
) -> AsyncIterator[Discord]:
    server.echoes = True
    own = {"database_url": SecretStr(dsn), "prewarm_modes": 0, "mind": core_by_default}
    settings = sglang_settings.model_copy(update=own)
    guild = fake.people.guild("Agoge")
    ann = fake.people.user("Ann")
    fake.people.join(guild, ann)
    channel = fake.people.channel(guild, "general")
    async with open_services(settings, role="worker") as services:
        platform = DiscordPlatform(TOKEN, services.mind, [command.name for command in services.inbox.commands])
        yield Discord(fake, services, platform, guild, channel, ann)
        await platform.close()
