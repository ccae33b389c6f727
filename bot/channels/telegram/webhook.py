"""Receives updates by a webhook: Telegram posts each update, and repeats it until it gets a 200."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

import structlog
from aiogram.methods import SetWebhook
from aiogram.types import Update
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from bot.channels.telegram.client import DISPLAY_NAME
from bot.channels.telegram.dispatch import BackgroundTasks, log_deferred
from bot.channels.telegram.gateway import ALLOWED_UPDATES, UpdateReceiver
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.update_handler import UpdateHandler
from bot.core.errors import PermanentDeliveryError, PlatformAccessDenied
from bot.core.http_body import BodyRefused, read_body
from bot.intake.inbox import Inbox

MAX_CONNECTIONS: Final = 20
"""Posts that Telegram may make at the same time."""
MAX_UPDATE_SIZE: Final = 1 << 20
"""Bytes of one post."""
POST_SECONDS: Final = 30.0
"""Seconds that one post may take to arrive."""
SHUTDOWN_SECONDS: Final = 30.0
"""Seconds that posts have to be handled at the end, before they are given up: Telegram sends them again."""
_SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
_RETRY_AFTER: Final = "2"
"""Seconds that Telegram is asked to wait before it sends an update again; the value of a header."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """Where Telegram posts to."""

    url: str
    """The address that Telegram posts to; the gateway's route has its path."""
    secret: str
    """What Telegram sends in a header of each post; a post without it is refused."""

    @property
    def path(self) -> str:
        """The path of the address."""
        return unquote(urlsplit(self.url).path) or "/"


class WebhookGateway(UpdateReceiver):
    """Receives by a webhook (`bot.core.ports.Gateway`), in any number of processes.

    The HTTP server is somebody else's: it has the gateway's `routes`, which answer 503 while the gateway does not run.
    """

    def __init__(
        self, outbox: Outbox, handler: UpdateHandler, inbox: Inbox, background: BackgroundTasks, config: WebhookConfig
    ) -> None:
        super().__init__(outbox, handler, inbox, background)
        self._config = config
        self._is_receiving = False
        self._posts: set[asyncio.Task[bool]] = set()
        """Posts that are being handled. Each ends even if its connection breaks: Telegram repeats it to no effect."""

    def routes(self) -> APIRouter:
        """The route that Telegram posts to. No client but Telegram's uses it, so OpenAPI does not show it."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route(self._config.path, self.handle_post, methods=["POST"], response_class=Response)
        return router

    async def run(self) -> None:
        """Receive until cancelled. The webhook stays set, so that later updates wait at Telegram.

        Raises:
            PlatformAccessDenied: Telegram does not accept the bot's token or the webhook's address.
        """
        try:
            await self.connect()
            self._is_receiving = True
            await self._register_webhook()
            await asyncio.Event().wait()
        finally:
            self._is_receiving = False
            if self._posts:
                _, late = await asyncio.wait(self._posts, timeout=SHUTDOWN_SECONDS)
                for post in late:
                    post.cancel()
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

    async def handle_post(self, request: Request) -> Response:
        """Answers 200 when Telegram must not send the update again, 503 when it has to, 4xx to bad posts."""
        secret = request.headers.get(_SECRET_HEADER, "")
        if not hmac.compare_digest(secret.encode("latin-1"), self._config.secret.encode()):
            return Response(status_code=403)
        if not self._is_receiving:
            return _post_again()
        self.last_contact_at = time.monotonic()
        try:
            raw = json.loads(await read_body(request, MAX_UPDATE_SIZE, POST_SECONDS))
        except BodyRefused as error:
            return Response(status_code=error.status)
        except (ValueError, RecursionError):
            return Response(status_code=400)
        update = await self.parse(raw)
        if update is None:
            return Response()
        post = asyncio.create_task(self._handle(update), name="telegram-post")
        self._posts.add(post)
        post.add_done_callback(self._posts.discard)
        return Response() if await asyncio.shield(post) else _post_again()

    async def _handle(self, update: Update) -> bool:
        """Whether the update is stored, or refused with a sentence."""
        try:
            await self._handler.handle(update)
        except Exception as error:
            log_deferred(update, error)
            return False
        return True


def _post_again() -> Response:
    return Response(status_code=503, headers={"Retry-After": _RETRY_AFTER})
