"""Telegram, as the settings ask for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.channels.telegram.client import make_bot
from bot.channels.telegram.errands import BackgroundTasks
from bot.channels.telegram.gateway import PollingGateway
from bot.channels.telegram.intake import UpdateHandler
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.pacing import BotApiLimits, RateLimit, RateLimiter
from bot.channels.telegram.platform import TelegramPlatform
from bot.channels.telegram.reply import RenderOptions
from bot.channels.telegram.webhook import WebhookConfig, WebhookGateway
from bot.services.channels import Channels
from bot.services.opening import Services
from bot.settings import Settings
from bot.turns.inbox import Inbox


@asynccontextmanager
async def open_telegram(settings: Settings, services: Services, *, receives: bool) -> AsyncIterator[Channels]:
    """Where answers are shown in Telegram, and where messages are received if this process does."""
    bot = make_bot(settings)
    try:
        outbox = Outbox(bot, RateLimiter(BotApiLimits(overall=RateLimit(settings.telegram_per_second, 1))))
        channels = Channels()
        platform = TelegramPlatform(outbox, RenderOptions(services.mind, settings.telegram_rich))
        channels.platforms[platform.name] = platform
        if receives:
            errands = BackgroundTasks()
            inbox = services.inbox
            intake = UpdateHandler(inbox, platform, outbox, services.database, services.mind, errands)
            gateway = _make_gateway(WebhookConfig.from_settings(settings), outbox, intake, inbox, errands)
            channels.gateways[platform.name] = gateway
            channels.connection_checks[platform.name] = gateway.health_problem
        yield channels
    finally:
        await bot.session.close()


def _make_gateway(
    hook: WebhookConfig | None, outbox: Outbox, intake: UpdateHandler, inbox: Inbox, background_tasks: BackgroundTasks
) -> PollingGateway | WebhookGateway:
    """One that Telegram posts to, where it is told of an address, or one that asks."""
    if hook is None:
        return PollingGateway(outbox, intake, inbox, background_tasks)
    return WebhookGateway(outbox, intake, inbox, background_tasks, hook)
