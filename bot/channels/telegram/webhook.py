"""Receives from Telegram by a webhook: Telegram posts each update, and again and again until it is told that it has
been taken in.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Final

import structlog
from aiogram.methods import SetWebhook
from aiohttp import web
from yarl import URL

from bot.channels.errors import PlatformRefused, Undeliverable
from bot.channels.telegram.client import NAME
from bot.channels.telegram.errands import Errands
from bot.channels.telegram.gateway import UPDATES, Receiver, read_update
from bot.channels.telegram.intake import Intake
from bot.channels.telegram.outbox import Outbox
from bot.settings import Settings
from bot.turns.inbox import Inbox
from db.errors import DatabaseError

CONNECTIONS: Final = 20
"""Posts that Telegram makes at once."""
LARGEST: Final = 1 << 20
"""Bytes of an update."""
_SIGNED: Final = "X-Telegram-Bot-Api-Secret-Token"
_WAIT: Final = "2"
"""Seconds that Telegram is asked to wait while the database is away."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hook:
    """Where Telegram posts to, and where that comes out."""

    url: str
    """As Telegram reaches it."""
    secret: str
    """What its posts are known by."""
    host: str
    port: int
    """Where they are listened for, behind whatever takes them in from outside."""

    @classmethod
    def of(cls, settings: Settings) -> Hook | None:
        """As the settings ask for it; None when they do not. A secret that is not set is made of the token."""
        if settings.telegram_webhook_url is None or settings.telegram_token is None:
            return None
        token = settings.telegram_token.get_secret_value()
        made = hashlib.sha256(f"consilium webhook {token}".encode()).hexdigest()
        secret = settings.telegram_webhook_secret.get_secret_value() if settings.telegram_webhook_secret else made
        return cls(
            settings.telegram_webhook_url, secret, settings.telegram_webhook_host, settings.telegram_webhook_port
        )


class TelegramWebhook(Receiver):
    """Listens for updates and hands them in (`bot.channels.port.Gateway`); any number of processes may."""

    def __init__(self, outbox: Outbox, intake: Intake, inbox: Inbox, errands: Errands, hook: Hook) -> None:
        super().__init__(outbox, intake, inbox, errands)
        self._hook = hook

    async def run(self) -> None:
        """Receive until cancelled. The webhook stays set: what comes meanwhile waits at Telegram.

        Raises:
            PlatformRefused: the bot's token or the webhook's address is not accepted, or the port is taken.
        """
        application = web.Application(client_max_size=LARGEST)
        application.router.add_post(URL(self._hook.url).path or "/", self._take)
        runner = web.AppRunner(application, access_log=None)
        try:
            await self.meet()
            await runner.setup()
            try:
                await web.TCPSite(runner, self._hook.host, self._hook.port).start()
            except OSError as error:
                raise PlatformRefused(NAME, str(error), "CONSILIUM_TELEGRAM_WEBHOOK_PORT") from error
            await self._set()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()
            await self._errands.close()

    async def _set(self) -> None:
        asked = SetWebhook(
            url=self._hook.url,
            secret_token=self._hook.secret,
            max_connections=CONNECTIONS,
            allowed_updates=list(UPDATES),
            drop_pending_updates=False,
        )
        try:
            await self.insist(asked)
        except Undeliverable as error:
            raise PlatformRefused(NAME, str(error), "CONSILIUM_TELEGRAM_WEBHOOK_URL") from error
        log.info("telegram.webhook_set", url=self._hook.url)

    async def _take(self, request: web.Request) -> web.Response:
        """Answers 200 once the update is kept, and to what is none; 503 when it has to come again."""
        given = request.headers.get(_SIGNED, "")
        if not hmac.compare_digest(given.encode(), self._hook.secret.encode()):
            return web.Response(status=403)
        self.last_heard = time.monotonic()
        try:
            raw = json.loads(await request.read())
        except ValueError:
            return web.Response(status=400)
        update = read_update(raw, self._outbox.bot)
        if update is not None:
            try:
                await self._intake.take(update)
            except DatabaseError as error:
                log.warning("telegram.update_waits", update=update.update_id, reason=str(error))
                return web.Response(status=503, headers={"Retry-After": _WAIT})
            except Exception:
                log.exception("telegram.update_lost", update=update.update_id)
        return web.Response()
