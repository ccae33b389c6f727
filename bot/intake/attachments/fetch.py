"""Downloads a file that came with a message, within limits, and the errors when it cannot."""

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
from consilium.errors import N_


async def download_to(
    path: Path, file: Attachment, fetch: FetchFile, *, max_megabytes: int, timeout_seconds: float
) -> None:
    """Write a file's content to `path`; no more than `megabytes` of it are asked for, whatever its size was said to be.

    Raises:
        TooLarge, FileGone: it is not to be had.
        FetchFailed: not now.
    """
    if file.size > max_megabytes * MB:
        raise TooLarge(max_megabytes)
    try:
        async with asyncio.timeout(timeout_seconds):
            await _write(path, fetch(file.handle), max_megabytes)
    except TimeoutError:
        raise FetchFailed(file.name, f"no end after {timeout_seconds:.0f} s") from None
    except TemporaryDeliveryError as error:
        raise FetchFailed(file.name, str(error.details["reason"]), error.retry_after) from error
    except DeliveryError as error:
        raise FileGone(str(error.details["reason"])) from error


async def _write(path: Path, pieces: AsyncGenerator[bytes, None], max_megabytes: int) -> None:
    left = max_megabytes * MB
    with path.open("wb") as target:
        async with aclosing(pieces):
            async for piece in pieces:
                left -= len(piece)
                if left < 0:
                    raise TooLarge(max_megabytes)
                await asyncio.to_thread(target.write, piece)


class TooManyFiles(DocumentRefused):
    """More files came with one message than are read."""

    sentence = N_("Of one message I read {limit} documents at most.")
    remedy = N_("Send it in a message of its own.")

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)


class FileGone(DocumentRefused):
    """The platform does not give the file, and never will."""

    sentence = N_("It is not to be had any more: {reason}.")
    remedy = N_("Send it again.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class ReadingTimedOut(DocumentRefused):
    """Reading it took longer than is allowed."""

    sentence = N_("Reading it took longer than {seconds} seconds.")
    remedy = N_("Split it into smaller files.")

    def __init__(self, seconds: object) -> None:
        super().__init__(seconds=seconds)
