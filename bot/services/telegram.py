"""Telegram, as the settings ask for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.channels.telegram.client import make_bot
from bot.channels.telegram.errands import Errands
from bot.channels.telegram.gateway import TelegramGateway
from bot.channels.telegram.intake import Intake
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.pacing import Pacer, Rate, Rates
from bot.channels.telegram.platform import TelegramPlatform
from bot.services.channels import Channels
from bot.services.opening import Services
from bot.settings import Settings


@asynccontextmanager
async def open_telegram(settings: Settings, services: Services, *, receives: bool) -> AsyncIterator[Channels]:
    """Where answers are shown in Telegram, and where messages are received if this process does."""
    bot = make_bot(settings)
    try:
        outbox = Outbox(bot, Pacer(Rates(overall=Rate(settings.telegram_per_second, 1))))
        channels = Channels()
        platform = TelegramPlatform(outbox)
        channels.platforms[platform.name] = platform
        if receives:
            errands = Errands()
            intake = Intake(services.inbox, platform, services.database, errands)
            gateway = TelegramGateway(outbox, intake, errands)
            channels.gateways[platform.name] = gateway
            channels.heard[platform.name] = gateway.heard
        yield channels
    finally:
        await bot.session.close()
