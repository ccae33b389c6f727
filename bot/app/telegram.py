"""Builds the Telegram channel from the settings. Imported only where it is set up: its library takes a while."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.app.bootstrap import Services
from bot.app.channels import Channels
from bot.app.settings import Settings
from bot.channels.telegram.client import make_bot
from bot.channels.telegram.dispatch import BackgroundTasks
from bot.channels.telegram.gateway import PollingGateway
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.platform import TelegramPlatform
from bot.channels.telegram.rate_limiter import BotApiLimits, RateLimit, RateLimiter
from bot.channels.telegram.reply import RenderOptions
from bot.channels.telegram.update_handler import UpdateHandler
from bot.channels.telegram.webhook import WebhookConfig, WebhookGateway
from bot.core.redaction import register_secrets
from bot.intake.inbox import Inbox


@asynccontextmanager
async def open_telegram(settings: Settings, services: Services, *, receives: bool) -> AsyncIterator[Channels]:
    """What shows answers in Telegram and, if this process `receives`, what receives messages from it."""
    assert settings.telegram_token is not None
    bot = make_bot(settings.telegram_token.get_secret_value(), settings.telegram_api)
    try:
        outbox = Outbox(bot, RateLimiter(BotApiLimits(overall=RateLimit(settings.telegram_per_second, 1))))
        channels = Channels()
        platform = TelegramPlatform(outbox, RenderOptions(services.mind, settings.telegram_rich))
        channels.platforms[platform.name] = platform
        if receives:
            errands = BackgroundTasks()
            inbox = services.inbox
            intake = UpdateHandler(
                inbox=inbox,
                platform=platform,
                outbox=outbox,
                database=services.database,
                mind=services.mind,
                background=errands,
            )
            gateway = _make_gateway(webhook_config(settings), outbox, intake, inbox, errands)
            channels.gateways[platform.name] = gateway
            channels.connection_checks[platform.name] = gateway.health_problem
        yield channels
    finally:
        await bot.session.close()


def _make_gateway(
    hook: WebhookConfig | None, outbox: Outbox, intake: UpdateHandler, inbox: Inbox, background_tasks: BackgroundTasks
) -> PollingGateway | WebhookGateway:
    """A gateway that Telegram posts updates to, if there is an address for that, or one that polls."""
    if hook is None:
        return PollingGateway(outbox, intake, inbox, background_tasks)
    return WebhookGateway(outbox, intake, inbox, background_tasks, hook)


def webhook_config(settings: Settings) -> WebhookConfig | None:
    """The webhook that the settings ask for; None for long polling. An unset secret is derived from the token."""
    if settings.telegram_webhook_url is None or settings.telegram_token is None:
        return None
    token = settings.telegram_token.get_secret_value()
    derived = hashlib.sha256(f"consilium webhook {token}".encode()).hexdigest()
    secret = settings.telegram_webhook_secret.get_secret_value() if settings.telegram_webhook_secret else derived
    register_secrets([secret])
    return WebhookConfig(
        settings.telegram_webhook_url, secret, settings.telegram_webhook_host, settings.telegram_webhook_port
    )
