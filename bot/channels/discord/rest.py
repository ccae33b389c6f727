"""Requests to Discord's REST API, which raise delivery errors. Needs no gateway."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

import aiohttp
import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route

from bot.channels.discord.errors import CONNECTION_ERRORS, DISPLAY_NAME, to_delivery_error
from bot.core.errors import PlatformAccessDenied
from bot.core.messages import File
from consilium.error_texts import describe_exception
from consilium.retry import BackoffConfig, retry

REQUEST_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
"""Timeout of one attempt; discord.py makes several when Discord fails or asks to wait."""
MAX_RATE_LIMIT_WAIT: Final = 30.0
"""Seconds of a rate limit that are waited out here; a longer one is raised, and the turn is rescheduled."""
ATTEMPTS: Final = 3
"""Attempts for a request whose connection is lost."""
_RECONNECT_BACKOFF: Final = BackoffConfig(0.3, maximum=2.0, factor=7.0)

log = structlog.get_logger(__name__)


def set_base_urls(api: str, gateway: str) -> None:
    """Make discord.py use these addresses, in the whole process."""
    Route.BASE = api.rstrip("/")
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)


class RestClient:
    """Makes requests as the bot. Each may reach Discord twice: callers make sure that this does no harm."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._http: HTTPClient | None = None
        self._login_lock = asyncio.Lock()
        self._in_flight: set[asyncio.Task[Any]] = set()

    async def login(self) -> None:
        """Log in. The first request does so by itself; this finds an invalid token early.

        Raises:
            PlatformAccessDenied: the token is invalid.
            DeliveryError: Discord cannot be reached now.
        """
        try:
            await self._logged_in_client()
        except discord.LoginFailure as error:
            raise PlatformAccessDenied(DISPLAY_NAME, describe_exception(error), "CONSILIUM_DISCORD_TOKEN") from error
        except Exception as error:
            _raise_delivery_error(error)

    async def close(self) -> None:
        """Cancel requests in flight and close the connections."""
        for task in self._in_flight:
            task.cancel()
        await asyncio.gather(*self._in_flight, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    async def request(
        self,
        method: str,
        path: str,
        path_params: Mapping[str, str],
        *,
        json: Mapping[str, Any] | Sequence[Any] | None = None,
        query: Mapping[str, str] | None = None,
        files: Sequence[File] = (),
        attempts: int = ATTEMPTS,
    ) -> Any:
        """Discord's response as parsed JSON.

        Args:
            path_params: values for the path; channels, guilds and webhooks have rate limits of their own.
            attempts: 1 for a request that must not be repeated when it is unknown whether Discord has handled it.

        Raises:
            DeliveryError: Discord refused the request, or cannot be reached.
        """

        def log_lost_connection(error: Exception, _delay: float) -> None:
            log.info("discord.connection_lost", method=method, path=path, reason=to_delivery_error(error))

        try:
            return await retry(
                lambda: self._request(Route(method, path, **path_params), json, query, files),
                on=CONNECTION_ERRORS,
                backoff=_RECONNECT_BACKOFF,
                attempts=attempts,
                before_sleep=log_lost_connection,
            )
        except Exception as error:
            _raise_delivery_error(error)

    async def _request(self, route: Route, json: Any, query: Mapping[str, str] | None, files: Sequence[File]) -> Any:
        http = await self._logged_in_client()
        options: dict[str, Any] = {"timeout": REQUEST_TIMEOUT} | ({"params": query} if query else {})
        if files:
            options |= _multipart(json, files)
        elif json is not None:
            options["json"] = json
        # Cancelled while it waits out a global rate limit, discord.py would block every later request for good. So a
        # request that has started goes on to its end even when its caller is cancelled.
        task = asyncio.create_task(http.request(route, **options), name=f"discord-{route.method}")
        self._in_flight.add(task)
        task.add_done_callback(self._on_request_done)
        return await asyncio.shield(task)

    def _on_request_done(self, task: asyncio.Task[Any]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled():
            task.exception()  # marked as seen, even when nobody waits for it any more

    async def _logged_in_client(self) -> HTTPClient:
        async with self._login_lock:
            if self._http is None:
                http = HTTPClient(asyncio.get_running_loop(), max_ratelimit_timeout=MAX_RATE_LIMIT_WAIT)
                try:
                    await http.static_login(self._token)
                except BaseException:
                    await http.close()
                    raise
                self._http = http
            return self._http


def _raise_delivery_error(error: Exception) -> NoReturn:
    delivery_error = to_delivery_error(error)
    if delivery_error is None or delivery_error is error:
        raise error
    raise delivery_error from error


def _multipart(json: Any, files: Sequence[File]) -> dict[str, Any]:
    """Options of discord.py's request for a message with files, which replace the files it has."""
    uploads = [discord.File(io.BytesIO(file.content), filename=file.name) for file in files]
    described = [{"id": n, "filename": upload.filename} for n, upload in enumerate(uploads)]
    form: list[dict[str, Any]] = [
        {"name": "payload_json", "value": discord.utils._to_json({**json, "attachments": described})}
    ]
    for n, upload in enumerate(uploads):
        form.append(
            {
                "name": f"files[{n}]",
                "value": upload.fp,
                "filename": upload.filename,
                "content_type": "application/octet-stream",
            }
        )
    return {"form": form, "files": uploads}
