"""A file brought from its platform to this machine, within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

from bot.channels.errors import DeliveryError, TemporaryDeliveryError
from bot.channels.port import Address
from bot.recall.library.parse.limits import MB
from bot.recall.library.parse.refusals import TooLarge
from bot.turns.documents.errors import FetchFailed, FileGone
from bot.turns.documents.sent import Attachment

FetchFile = Callable[[Address], AsyncGenerator[bytes, None]]
"""`bot.channels.port.Platform.fetch`."""


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
