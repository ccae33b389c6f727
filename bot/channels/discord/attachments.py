"""Files that came with a message: where Discord has them, and their content."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

import httpx

from bot.channels.discord.errors import DISPLAY_NAME, RequestRejected
from bot.channels.discord.rest import RestClient
from bot.core.errors import PermanentDeliveryError, TemporaryDeliveryError
from bot.core.messages import Address, FileRef

CHUNK_BYTES: Final = 64 * 1024
_EXPIRED_STATUSES: Final = (403, 404)


def file_ref_from_attachment(
    attachment: Mapping[str, Any], channel: str | None = None, message: str | None = None
) -> FileRef:
    """An attachment as Discord describes it; with its message, its address can be asked for again once it is old."""
    size = int(attachment["size"])
    handle = {
        "url": str(attachment["url"]),
        "id": str(attachment["id"]),
        "size": size,
        "channel": channel,
        "message": message,
    }
    return FileRef(str(attachment["filename"]), size, handle)


async def download(rest: RestClient, handle: Address) -> AsyncGenerator[bytes, None]:
    """The content, in pieces; no more of it than Discord has said there is.

    Raises:
        DeliveryError: it is not there any more, or not now.
    """
    url = str(handle["url"])
    async with httpx.AsyncClient(timeout=httpx.Timeout(30), follow_redirects=False) as client:
        response = await _open(client, url)
        if response.status_code in _EXPIRED_STATUSES and handle["message"] is not None:
            await response.aclose()
            response = await _open(client, await _fresh_url(rest, handle))
        try:
            _raise_for_status(response)
            left = int(handle["size"])
            async for piece in response.aiter_bytes(CHUNK_BYTES):
                left -= len(piece)
                if left < 0:
                    raise PermanentDeliveryError(DISPLAY_NAME, "the file is larger than was said")
                yield piece
        except httpx.TransportError as error:
            raise TemporaryDeliveryError(DISPLAY_NAME, str(error) or type(error).__name__) from error
        finally:
            await response.aclose()


async def _open(client: httpx.AsyncClient, url: str) -> httpx.Response:
    try:
        return await client.send(client.build_request("GET", url), stream=True)
    except httpx.TransportError as error:
        raise TemporaryDeliveryError(DISPLAY_NAME, str(error) or type(error).__name__) from error


async def _fresh_url(rest: RestClient, handle: Address) -> str:
    """Addresses of attachments end after a day; the message always has one that is good."""
    message = await rest.request(
        "GET",
        "/channels/{channel_id}/messages/{message_id}",
        {"channel_id": str(handle["channel"]), "message_id": str(handle["message"])},
    )
    for attachment in message.get("attachments", ()):
        if str(attachment["id"]) == handle["id"]:
            return str(attachment["url"])
    raise RequestRejected("the file was taken away")


def _raise_for_status(response: httpx.Response) -> None:
    if response.status_code >= 500 or response.status_code == 429:
        raise TemporaryDeliveryError(DISPLAY_NAME, f"status {response.status_code} for a file")
    if response.status_code != 200:
        raise PermanentDeliveryError(DISPLAY_NAME, f"status {response.status_code} for a file")
