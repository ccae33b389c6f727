"""Discord's REST: requests that may be made twice, with errors of the port. Needs no gateway."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiohttp
import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route

from bot.channels.discord.errors import CONNECTION_ERRORS, DISPLAY_NAME, to_delivery_error
from bot.core.errors import PlatformAccessDenied
from bot.core.messages import File

REQUEST_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
"""Of one try; discord.py makes several where Discord is at fault or asks to wait."""
MAX_RATE_LIMIT_WAIT: Final = 30.0
"""Seconds that a rate limit is waited out here; a longer one puts the answer off."""
RETRY_DELAYS: Final = (0.3, 2.0)
"""Seconds before a request whose connection was lost is made again."""

log = structlog.get_logger(__name__)


def set_base_urls(api: str, gateway: str) -> None:
    """Have discord.py talk to these addresses; for the whole process."""
    Route.BASE = api.rstrip("/")
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)


class RestClient:
    """Makes requests as the bot. Every one of them may reach Discord twice: see to it that this does no harm."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._http: HTTPClient | None = None
        self._login_lock = asyncio.Lock()
        self._in_flight: set[asyncio.Task[Any]] = set()

    async def login(self) -> None:
        """Log in; not needed before the first request, but tells early of a token that is not valid.

        Raises:
            PlatformAccessDenied: the token is not valid.
            DeliveryError: Discord is not to be reached now.
        """
        try:
            await self._logged_in_client()
        except discord.LoginFailure as error:
            raise PlatformAccessDenied(DISPLAY_NAME, str(error), "CONSILIUM_DISCORD_TOKEN") from error
        except Exception as error:
            raise to_delivery_error(error) or error from error

    async def close(self) -> None:
        """Drop what is under way and the connections."""
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
        no_retry: bool = False,
    ) -> Any:
        """What Discord answers, as parsed JSON.

        Args:
            at: what the path names; channels, guilds and webhooks each have limits of their own.
            once: not to be made again when it is unknown whether Discord got it.

        Raises:
            DeliveryError: with what Discord says.
        """
        for pause in (*(() if no_retry else RETRY_DELAYS), None):
            try:
                return await self._request(Route(method, path, **path_params), json, query, files)
            except Exception as error:
                known = to_delivery_error(error)
                if pause is None or not isinstance(error, CONNECTION_ERRORS):
                    raise known or error from error
                log.info("discord.connection_lost", method=method, path=path, reason=str(known))
            await asyncio.sleep(pause)
        raise AssertionError("the last try returns or raises")

    async def _request(self, route: Route, json: Any, query: Mapping[str, str] | None, files: Sequence[File]) -> Any:
        http = await self._logged_in_client()
        sent: dict[str, Any] = {"timeout": REQUEST_TIMEOUT} | ({"params": query} if query else {})
        if files:
            sent |= _multipart(json, files)
        elif json is not None:
            sent["json"] = json
        # Cut off in the middle of a global limit, discord.py would hold up every later request for good. So a request
        # once begun goes on to its end, whatever becomes of who asked for it.
        task = asyncio.create_task(http.request(route, **sent), name=f"discord-{route.method}")
        self._in_flight.add(task)
        task.add_done_callback(self._on_request_done)
        return await asyncio.shield(task)

    def _on_request_done(self, task: asyncio.Task[Any]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled():
            task.exception()  # seen, even where nobody waits for it any more

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


def _multipart(json: Any, files: Sequence[File]) -> dict[str, Any]:
    sent = [discord.File(io.BytesIO(file.content), filename=file.name) for file in files]
    described = [{"id": n, "filename": file.filename} for n, file in enumerate(sent)]
    form: list[dict[str, Any]] = [
        {"name": "payload_json", "value": discord.utils._to_json({**json, "attachments": described})}
    ]
    for n, file in enumerate(sent):
        form.append(
            {
                "name": f"files[{n}]",
                "value": file.fp,
                "filename": file.filename,
                "content_type": "application/octet-stream",
            }
        )
    return {"form": form, "files": sent}
