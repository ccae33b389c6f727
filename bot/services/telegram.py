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
from bot.channels.telegram.reply import Looks
from bot.channels.telegram.webhook import Hook, TelegramWebhook
from bot.services.channels import Channels
from bot.services.opening import Services
from bot.settings import Settings
from bot.turns.inbox import Inbox


@asynccontextmanager
async def open_telegram(settings: Settings, services: Services, *, receives: bool) -> AsyncIterator[Channels]:
    """Where answers are shown in Telegram, and where messages are received if this process does."""
    bot = make_bot(settings)
    try:
        outbox = Outbox(bot, Pacer(Rates(overall=Rate(settings.telegram_per_second, 1))))
        channels = Channels()
        platform = TelegramPlatform(outbox, Looks(services.mind, settings.telegram_rich))
        channels.platforms[platform.name] = platform
        if receives:
            errands = Errands()
            inbox = services.inbox
            intake = Intake(inbox, platform, outbox, services.database, services.mind, errands)
            gateway = _make_gateway(Hook.of(settings), outbox, intake, inbox, errands)
            channels.gateways[platform.name] = gateway
            channels.heard[platform.name] = gateway.heard
        yield channels
    finally:
        await bot.session.close()


def _make_gateway(
    hook: Hook | None, outbox: Outbox, intake: Intake, inbox: Inbox, errands: Errands
) -> TelegramGateway | TelegramWebhook:
    """One that Telegram posts to, where it is told of an address, or one that asks."""
    if hook is None:
        return TelegramGateway(outbox, intake, inbox, errands)
    return TelegramWebhook(outbox, intake, inbox, errands, hook)
