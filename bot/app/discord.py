"""Builds the Discord channel from the settings. Imported only where it is set up: its library takes a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.app.bootstrap import Services
from bot.app.channels import Channels
from bot.app.settings import Settings
from bot.channels.discord.gateway import DiscordGateway, GatewayConfig
from bot.channels.discord.platform import DiscordPlatform
from bot.channels.discord.rest import set_base_urls
from bot.intake.commands import COMMANDS


@asynccontextmanager
async def open_discord(settings: Settings, services: Services, *, receives: bool) -> AsyncIterator[Channels]:
    """What shows answers on Discord and, if this process `receives`, what receives messages from it."""
    assert settings.discord_token is not None
    token = settings.discord_token.get_secret_value()
    set_base_urls(settings.discord_api, settings.discord_gateway)
    platform = DiscordPlatform(token, services.mind, [command.name for command in COMMANDS])
    try:
        channels = Channels(platforms={platform.name: platform})
        if receives:
            config = GatewayConfig(token, settings.discord_message_content, settings.discord_guilds)
            gateway = DiscordGateway(config, services.mind, services.inbox, services.database, platform)
            channels.gateways[platform.name] = gateway
            channels.connection_checks[platform.name] = gateway.check_connection
        yield channels
    finally:
        await platform.close()
