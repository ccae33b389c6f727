"""Downloads of attachments, by each way a platform may send or not send them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.core.attachments import Attachment
from bot.core.errors import FetchFailed, PermanentDeliveryError, TemporaryDeliveryError, describe_error
from bot.core.i18n import Translator
from bot.core.messages import Address
from bot.core.ports import FetchFile
from bot.intake.attachments.fetch import FetchTimedOut, FileGone, download_to
from bot.library.parse.errors import TooLarge
from bot.library.parse.limits import MB

FILE = Attachment("plan.md", 10, {"file": "1"})


def sends(*pieces: bytes, error: Exception | None = None) -> FetchFile:
    async def fetch(_handle: Address) -> AsyncGenerator[bytes, None]:
        for piece in pieces:
            yield piece
        if error is not None:
            raise error

    return fetch


async def hangs(_handle: Address) -> AsyncGenerator[bytes, None]:
    yield b"x"
    await asyncio.Event().wait()


async def download(path: Path, fetch: FetchFile, file: Attachment = FILE, timeout_seconds: float = 60) -> None:
    await download_to(path, file, fetch, max_megabytes=1, timeout_seconds=timeout_seconds)


async def test_pieces_are_joined(tmp_path: Path) -> None:
    await download(tmp_path / "file", sends(b"one ", b"two"))
    assert (tmp_path / "file").read_bytes() == b"one two"


async def test_size_limit_announced_or_not(tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        await download(tmp_path / "file", sends(error=AssertionError("fetched")), Attachment("a", 2 * MB, {}))
    with pytest.raises(TooLarge):
        await download(tmp_path / "file", sends(bytes(MB), b"x"))


async def test_platform_errors(tmp_path: Path) -> None:
    with pytest.raises(FileGone, match="deleted"):
        await download(tmp_path / "file", sends(error=PermanentDeliveryError("telegram", "deleted")))
    with pytest.raises(FetchFailed, match="busy") as failure:
        await download(tmp_path / "file", sends(error=TemporaryDeliveryError("telegram", "busy", 3)))
    assert failure.value.retry_after == 3


async def test_timeout_is_translated(tmp_path: Path) -> None:
    with pytest.raises(FetchTimedOut):
        await download(tmp_path / "file", hangs, timeout_seconds=0.05)
    say = Translator("ru")
    sentence = describe_error(FetchTimedOut("plan.md", 120), say.language, say.translate)
    assert sentence == "За 120 секунд не удалось получить «plan.md». Пришлите его ещё раз чуть позже."
