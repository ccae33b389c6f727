"""Builds the Telegram channel from the settings. Imported only where it is set up: its library takes a while."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.app.bootstrap import Services
from bot.app.channels import Channels
from bot.app.http_application import make_application
from bot.app.settings import Settings
from bot.channels.telegram.client import DISPLAY_NAME, make_bot
from bot.channels.telegram.dispatch import BackgroundTasks
from bot.channels.telegram.gateway import PollingGateway
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.platform import TelegramPlatform
from bot.channels.telegram.rate_limiter import BotApiLimits, RateLimit, RateLimiter
from bot.channels.telegram.reply import RenderOptions
from bot.channels.telegram.update_handler import UpdateHandler
from bot.channels.telegram.webhook import WebhookConfig, WebhookGateway
from bot.core.errors import BotError, PlatformAccessDenied
from bot.core.http_server import run_http_server
from bot.core.redaction import register_secrets
from consilium.error_texts import describe_exception
from consilium.errors import N_


class WebhookNotServed(BotError):
    """Telegram is to post to a process that listens nowhere."""

    sentence = N_("Telegram is to post messages to this process, and it listens on no port.")
    remedy = N_("Set CONSILIUM_HTTP_PORT or CONSILIUM_TELEGRAM_WEBHOOK_PORT, or remove CONSILIUM_TELEGRAM_WEBHOOK_URL.")
    exit_code = 2


@asynccontextmanager
async def open_telegram(settings: Settings, services: Services, *, receives: bool) -> AsyncIterator[Channels]:
    """What shows answers in Telegram and, if this process `receives`, what receives messages from it.

    Raises:
        WebhookNotServed, PlatformAccessDenied: Telegram could not post to this process.
    """
    assert settings.telegram_token is not None
    async with AsyncExitStack() as stack:
        bot = make_bot(settings.telegram_token.get_secret_value(), settings.telegram_api)
        stack.push_async_callback(bot.session.close)
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
            hook = webhook_config(settings)
            gateway: PollingGateway | WebhookGateway
            if hook is None:
                gateway = PollingGateway(outbox, intake, inbox, errands)
            else:
                gateway = WebhookGateway(outbox, intake, inbox, errands, hook)
                await _serve_webhook(settings, gateway, channels, stack)
            channels.gateways[platform.name] = gateway
            channels.connection_checks[platform.name] = gateway.health_problem
        yield channels


async def _serve_webhook(
    settings: Settings, gateway: WebhookGateway, channels: Channels, stack: AsyncExitStack
) -> None:
    """Put the webhook on the HTTP server of the process, or on a port of its own where the settings name one."""
    port = settings.telegram_webhook_port
    if port is None:
        if settings.http_port is None:
            raise WebhookNotServed
        channels.routers.append(gateway.routes())
        return
    server = run_http_server(make_application(gateway.routes()), settings.telegram_webhook_host, port)
    try:
        await stack.enter_async_context(server)
    except OSError as error:
        raise PlatformAccessDenied(
            DISPLAY_NAME, describe_exception(error), "CONSILIUM_TELEGRAM_WEBHOOK_PORT"
        ) from error


def webhook_config(settings: Settings) -> WebhookConfig | None:
    """The webhook that the settings ask for; None for long polling. An unset secret is derived from the token."""
    if settings.telegram_webhook_url is None or settings.telegram_token is None:
        return None
    token = settings.telegram_token.get_secret_value()
    derived = hashlib.sha256(f"consilium webhook {token}".encode()).hexdigest()
    secret = settings.telegram_webhook_secret.get_secret_value() if settings.telegram_webhook_secret else derived
    register_secrets([secret])
    return WebhookConfig(settings.telegram_webhook_url, secret)
