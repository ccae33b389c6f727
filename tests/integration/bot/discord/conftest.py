"""A fake Discord, and a service connected to it: its gateway, its inbox on a real Postgres, and workers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest
import pytest_asyncio
import yarl
from pydantic import SecretStr

from bot.app.bootstrap import open_services
from bot.app.settings import Settings
from bot.channels.discord.platform import DiscordPlatform
from tests.fakes.discord.server import DiscordFake
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.discord_service import TOKEN, DiscordService
from tests.fixtures.minds import copy_bilingual_mind


@pytest_asyncio.fixture(loop_scope="session")
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordFake]:
    async with DiscordFake(TOKEN).serving() as served:
        monkeypatch.setattr(discord.http.Route, "BASE", served.api_base)
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(served.gateway_url))
        yield served
        assert served.journal.of("bug") == []


@pytest.fixture(scope="session")
def core_by_default(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo mind without `auto`, which would embed all its dialogues before the first answer."""
    folder = tmp_path_factory.mktemp("minds") / "agoge"
    copy_bilingual_mind(folder)
    spec = folder / "mind.yaml"
    spec.write_text(spec.read_text("utf-8").replace("default_mode: auto", "default_mode: core"), "utf-8")
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def service(
    fake: DiscordFake, sglang_settings: Settings, server: SGLangServer, dsn: str, core_by_default: Path
) -> AsyncIterator[DiscordService]:
    server.echoes = True
    # Discord's limits at a tenth of their time: what they demand of the bot is the same.
    fake.gateway.identify_interval = 0
    fake.rate_limits.rules = {
        route: (requests, seconds / 10) for route, (requests, seconds) in fake.rate_limits.rules.items()
    }
    overrides = {"database_url": SecretStr(dsn), "prewarm_modes": 0, "mind": core_by_default}
    settings = sglang_settings.model_copy(update=overrides)
    guild = fake.people.add_guild("Agoge")
    ann = fake.people.add_user("Ann")
    fake.people.join(guild, ann)
    channel = fake.people.add_channel(guild, "general")
    async with open_services(settings, role="worker") as services:
        platform = DiscordPlatform(TOKEN, services.mind, [command.name for command in services.inbox.commands])
        yield DiscordService(
            fake=fake, services=services, dsn=dsn, platform=platform, guild=guild, channel=channel, ann=ann
        )
        await platform.close()
