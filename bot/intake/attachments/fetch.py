"""Downloads a file that came with a message, within limits of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from bot.core.attachments import Attachment
from bot.core.errors import DeliveryError, FetchFailed, TemporaryDeliveryError
from bot.core.ports import FetchFile
from bot.library.parse.errors import DocumentRefused, TooLarge
from bot.library.parse.limits import MB
from consilium.errors import N_, N_plural


class FileGone(DocumentRefused):
    """The platform does not have the file any more."""

    sentence = N_("The platform no longer has this file: {reason}.")
    remedy = N_("Send it again.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class FetchTimedOut(FetchFailed):
    """The platform took too long to send the file; a later try may help."""

    sentence = N_plural(
        "I could not get “{name}” within {seconds} second.",
        "I could not get “{name}” within {seconds} seconds.",
        "seconds",
    )

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(name, f"timed out after {seconds:.0f} s")
        self.details["seconds"] = round(seconds)


async def download_to(
    path: Path, file: Attachment, fetch: FetchFile, *, max_megabytes: int, timeout_seconds: float
) -> None:
    """Write a file's content to `path`. The limit holds for what really comes, whatever size the platform announced.

    Raises:
        TooLarge: the file is larger than `max_megabytes`.
        FileGone: the platform does not have it any more.
        FetchFailed: the platform does not send it now.
    """
    if file.size > max_megabytes * MB:
        raise TooLarge(max_megabytes)
    try:
        async with asyncio.timeout(timeout_seconds):
            await _write(path, fetch(file.handle), max_megabytes)
    except TimeoutError:
        raise FetchTimedOut(file.name, timeout_seconds) from None
    except TemporaryDeliveryError as error:
        raise FetchFailed(file.name, str(error.details["reason"]), error.retry_after) from error
    except DeliveryError as error:
        raise FileGone(str(error.details["reason"])) from error


async def _write(path: Path, pieces: AsyncGenerator[bytes, None], max_megabytes: int) -> None:
    bytes_left = max_megabytes * MB
    with path.open("wb") as target:
        async with aclosing(pieces):
            async for piece in pieces:
                bytes_left -= len(piece)
                if bytes_left < 0:
                    raise TooLarge(max_megabytes)
                await asyncio.to_thread(target.write, piece)
