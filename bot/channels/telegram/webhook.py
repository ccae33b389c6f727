"""Receives from Telegram by a webhook: Telegram posts each update, and again and again until it is told that it has
been taken in.
"""

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

from bot.channels.telegram.background import BackgroundTasks
from bot.channels.telegram.client import DISPLAY_NAME
from bot.channels.telegram.gateway import ALLOWED_UPDATES, UpdateReceiver, parse_update
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.update_handler import UpdateHandler
from bot.core.errors import PermanentDeliveryError, PlatformAccessDenied
from bot.intake.inbox import Inbox
from db.errors import DatabaseError

MAX_CONNECTIONS: Final = 20
"""Posts that Telegram makes at once."""
MAX_UPDATE_SIZE: Final = 1 << 20
"""Bytes of an update."""
_SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
_RETRY_AFTER: Final = "2"
"""Seconds that Telegram is asked to wait while the database is away."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """Where Telegram posts to, and where that comes out."""

    url: str
    """As Telegram reaches it."""
    secret: str
    """What its posts are known by."""
    host: str
    port: int
    """Where they are listened for, behind whatever takes them in from outside."""


class WebhookGateway(UpdateReceiver):
    """Listens for updates and hands them in (`bot.core.ports.Gateway`); any number of processes may."""

    def __init__(
        self, outbox: Outbox, handler: UpdateHandler, inbox: Inbox, background: BackgroundTasks, config: WebhookConfig
    ) -> None:
        super().__init__(outbox, handler, inbox, background)
        self._config = config

    async def run(self) -> None:
        """Receive until cancelled. The webhook stays set: what comes meanwhile waits at Telegram.

        Raises:
            PlatformAccessDenied: the bot's token or the webhook's address is not accepted, or the port is taken.
        """
        application = web.Application(client_max_size=MAX_UPDATE_SIZE)
        application.router.add_post(URL(self._config.url).path or "/", self._handle_post)
        runner = web.AppRunner(application, access_log=None)
        try:
            await self.connect()
            await runner.setup()
            try:
                await web.TCPSite(runner, self._config.host, self._config.port).start()
            except OSError as error:
                raise PlatformAccessDenied(DISPLAY_NAME, str(error), "CONSILIUM_TELEGRAM_WEBHOOK_PORT") from error
            await self._register_webhook()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()
            await self._background.close()

    async def _register_webhook(self) -> None:
        asked = SetWebhook(
            url=self._config.url,
            secret_token=self._config.secret,
            max_connections=MAX_CONNECTIONS,
            allowed_updates=list(ALLOWED_UPDATES),
            drop_pending_updates=False,
        )
        try:
            await self.call_until_answered(asked)
        except PermanentDeliveryError as error:
            raise PlatformAccessDenied(DISPLAY_NAME, str(error), "CONSILIUM_TELEGRAM_WEBHOOK_URL") from error
        log.info("telegram.webhook_set", url=self._config.url)

    async def _handle_post(self, request: web.Request) -> web.Response:
        """Answers 200 once the update is kept, and to what is none; 503 when it has to come again."""
        given = request.headers.get(_SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), self._config.secret.encode()):
            return web.Response(status=403)
        self.last_contact_at = time.monotonic()
        try:
            raw = json.loads(await request.read())
        except ValueError:
            return web.Response(status=400)
        update = parse_update(raw, self._outbox.bot)
        if update is not None:
            try:
                await self._handler.handle(update)
            except DatabaseError as error:
                log.warning("telegram.update_deferred", update=update.update_id, reason=str(error))
                return web.Response(status=503, headers={"Retry-After": _RETRY_AFTER})
            except Exception:
                log.exception("telegram.update_dropped", update=update.update_id)
        return web.Response()
