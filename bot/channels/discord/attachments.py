"""Files that came with a message: where Discord stores them, and their content."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

import httpx

from bot.channels.discord.errors import DISPLAY_NAME, RequestRejected
from bot.channels.discord.rest import RestClient
from bot.core.errors import PermanentDeliveryError, TemporaryDeliveryError
from bot.core.messages import Address, FileRef
from consilium.error_texts import describe_exception

PASTE_NAME: Final = "message.txt"
"""The name of a file that Discord's client makes of a pasted text."""
CHUNK_BYTES: Final = 64 * 1024
_EXPIRED_STATUSES: Final = (403, 404)
"""How Discord's CDN answers an address that has expired."""
_TIMEOUT: Final = 30.0
"""Seconds that connecting and each read may take."""


def file_ref_from_attachment(
    attachment: Mapping[str, Any], channel: str | None = None, message: str | None = None
) -> FileRef:
    """The reference to an attachment in Discord's JSON.

    Args:
        channel, message: where it was sent; with them, a fresh address can be fetched once the present one has expired.
    """
    size = int(attachment["size"])
    handle = {
        "url": str(attachment["url"]),
        "id": str(attachment["id"]),
        "size": size,
        "channel": channel,
        "message": message,
    }
    name, content_type = str(attachment["filename"]), attachment.get("content_type")
    return FileRef(name, size, handle, is_pasted_text=is_pasted_file(name, content_type))


def is_pasted_file(name: str, content_type: str | None) -> bool:
    """Whether a file is what Discord's client makes of a text that is too long for a message."""
    return name == PASTE_NAME and (content_type or "text/plain").startswith("text/plain")


async def download(rest: RestClient, handle: Address) -> AsyncGenerator[bytes, None]:
    """The content in chunks, at most as many bytes as Discord announced.

    Raises:
        DeliveryError: the file is gone, is larger than announced, or cannot be fetched now.
    """
    url = str(handle["url"])
    async with httpx.AsyncClient(timeout=httpx.Timeout(_TIMEOUT), follow_redirects=False) as client:
        response = await _open(client, url)
        if response.status_code in _EXPIRED_STATUSES and handle["message"] is not None:
            await response.aclose()
            response = await _open(client, await _fresh_url(rest, handle))
        try:
            _raise_for_status(response)
            remaining = int(handle["size"])
            async for chunk in response.aiter_bytes(CHUNK_BYTES):
                remaining -= len(chunk)
                if remaining < 0:
                    raise PermanentDeliveryError(DISPLAY_NAME, "the file is larger than announced")
                yield chunk
        except httpx.TransportError as error:
            raise TemporaryDeliveryError(DISPLAY_NAME, describe_exception(error)) from error
        finally:
            await response.aclose()


async def _open(client: httpx.AsyncClient, url: str) -> httpx.Response:
    try:
        return await client.send(client.build_request("GET", url), stream=True)
    except httpx.TransportError as error:
        raise TemporaryDeliveryError(DISPLAY_NAME, describe_exception(error)) from error


async def _fresh_url(rest: RestClient, handle: Address) -> str:
    """A valid address from the message itself: addresses of attachments expire after a day."""
    message = await rest.request(
        "GET",
        "/channels/{channel_id}/messages/{message_id}",
        {"channel_id": str(handle["channel"]), "message_id": str(handle["message"])},
    )
    for attachment in message.get("attachments", ()):
        if str(attachment["id"]) == handle["id"]:
            return str(attachment["url"])
    raise RequestRejected("the file was removed")


def _raise_for_status(response: httpx.Response) -> None:
    if response.status_code >= 500 or response.status_code == 429:
        raise TemporaryDeliveryError(DISPLAY_NAME, f"status {response.status_code} for a file")
    if response.status_code != 200:
        raise PermanentDeliveryError(DISPLAY_NAME, f"status {response.status_code} for a file")
