"""Receives updates by a webhook: Telegram posts each update, and repeats it until it gets a 200."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from dataclasses import dataclass
from typing import Final

import structlog
from aiogram.methods import SetWebhook
from aiohttp import web
from yarl import URL

from bot.channels.telegram.client import DISPLAY_NAME
from bot.channels.telegram.dispatch import BackgroundTasks, log_deferred
from bot.channels.telegram.gateway import ALLOWED_UPDATES, UpdateReceiver
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.update_handler import UpdateHandler
from bot.core.errors import PermanentDeliveryError, PlatformAccessDenied
from bot.core.http_server import PrivateRunner
from bot.intake.inbox import Inbox
from consilium.error_texts import describe_exception

MAX_CONNECTIONS: Final = 20
"""Posts that Telegram may make at the same time."""
MAX_UPDATE_SIZE: Final = 1 << 20
"""Bytes of one post."""
_SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
_RETRY_AFTER: Final = "2"
"""Seconds that Telegram is asked to wait before it sends an update again; the value of a header."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """Where Telegram posts to, and where this process listens."""

    url: str
    """The address that Telegram posts to; this process listens on its path."""
    secret: str
    """What Telegram sends in a header of each post; a post without it is refused."""
    host: str
    port: int
    """Where this process listens, behind a reverse proxy."""


class WebhookGateway(UpdateReceiver):
    """Receives by a webhook (`bot.core.ports.Gateway`), in any number of processes."""

    def __init__(
        self, outbox: Outbox, handler: UpdateHandler, inbox: Inbox, background: BackgroundTasks, config: WebhookConfig
    ) -> None:
        super().__init__(outbox, handler, inbox, background)
        self._config = config

    async def run(self) -> None:
        """Receive until cancelled. The webhook stays set, so that later updates wait at Telegram.

        Raises:
            PlatformAccessDenied: Telegram does not accept the bot's token or the webhook's address, or the port is in
                use.
        """
        application = web.Application(client_max_size=MAX_UPDATE_SIZE)
        application.router.add_post(URL(self._config.url).path or "/", self._handle_post)
        runner = PrivateRunner(application, access_log=None)
        try:
            await self.connect()
            await runner.setup()
            try:
                await web.TCPSite(runner, self._config.host, self._config.port).start()
            except OSError as error:
                raise PlatformAccessDenied(
                    DISPLAY_NAME, describe_exception(error), "CONSILIUM_TELEGRAM_WEBHOOK_PORT"
                ) from error
            await self._register_webhook()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()
            await self._background.close()

    async def _register_webhook(self) -> None:
        method = SetWebhook(
            url=self._config.url,
            secret_token=self._config.secret,
            max_connections=MAX_CONNECTIONS,
            allowed_updates=list(ALLOWED_UPDATES),
            drop_pending_updates=False,
        )
        try:
            await self.call_until_answered(method)
        except PermanentDeliveryError as error:
            raise PlatformAccessDenied(DISPLAY_NAME, str(error), "CONSILIUM_TELEGRAM_WEBHOOK_URL") from error
        log.info("telegram.webhook_set", url=self._config.url)

    async def _handle_post(self, request: web.Request) -> web.Response:
        """Answers 200 when Telegram must not send the update again, 503 when it has to, 403 and 400 to bad posts."""
        secret = request.headers.get(_SECRET_HEADER, "")
        if not hmac.compare_digest(secret.encode(), self._config.secret.encode()):
            return web.Response(status=403)
        self.last_contact_at = time.monotonic()
        try:
            raw = json.loads(await request.read())
        except ValueError:
            return web.Response(status=400)
        update = await self.parse(raw)
        if update is not None:
            try:
                await self._handler.handle(update)
            except Exception as error:
                log_deferred(update, error)
                return web.Response(status=503, headers={"Retry-After": _RETRY_AFTER})
        return web.Response()
