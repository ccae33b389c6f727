"""A file brought from its platform to this machine, within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

from bot.channels.errors import DeliveryError, DeliveryFailed
from bot.channels.port import Address
from bot.recall.library.parse.limits import MB
from bot.recall.library.parse.refusals import TooLarge
from bot.turns.documents.errors import FileGone, NotFetched
from bot.turns.documents.sent import SentFile

Fetch = Callable[[Address], AsyncGenerator[bytes, None]]
"""`bot.channels.port.Platform.fetch`."""


async def fetch_into(path: Path, file: SentFile, fetch: Fetch, *, megabytes: int, seconds: float) -> None:
    """Write a file's content to `path`; no more than `megabytes` of it are asked for, whatever its size was said to be.

    Raises:
        TooLarge, FileGone: it is not to be had.
        NotFetched: not now.
    """
    if file.size > megabytes * MB:
        raise TooLarge(megabytes)
    try:
        async with asyncio.timeout(seconds):
            await _write(path, fetch(file.handle), megabytes)
    except TimeoutError:
        raise NotFetched(file.name, f"no end after {seconds:.0f} s") from None
    except DeliveryFailed as error:
        raise NotFetched(file.name, str(error.details["reason"]), error.wait) from error
    except DeliveryError as error:
        raise FileGone(str(error.details["reason"])) from error


async def _write(path: Path, pieces: AsyncGenerator[bytes, None], megabytes: int) -> None:
    left = megabytes * MB
    with path.open("wb") as target:
        async with aclosing(pieces):
            async for piece in pieces:
                left -= len(piece)
                if left < 0:
                    raise TooLarge(megabytes)
                await asyncio.to_thread(target.write, piece)
