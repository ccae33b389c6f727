"""Standard input as an asynchronous stream of lines, whatever it is: a terminal, a pipe or a file."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from typing import BinaryIO


async def read_lines(source: BinaryIO | None = None) -> AsyncIterator[str]:
    """Yield each line without its end; bytes that are not UTF-8 become U+FFFD.

    A daemon thread reads, because a read that blocks can be neither cancelled nor waited for at exit.
    """
    stream = source or sys.stdin.buffer
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    def pump() -> None:
        line: bytes | None
        while line := stream.readline():
            loop.call_soon_threadsafe(queue.put_nowait, line)
        loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=pump, name="stdin", daemon=True).start()
    while (line := await queue.get()) is not None:
        yield line.decode("utf-8", errors="replace").rstrip("\r\n")
