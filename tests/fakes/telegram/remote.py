"""The people's side from another process than the server's."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from tests.fakes.telegram.views import Shown, ShownDraft

T = TypeVar("T")
LOOK_AGAIN = 0.5
"""Seconds after which a predicate is asked again though nothing happened: drafts end by themselves."""


@dataclass
class RemoteTelegram:
    """A server that runs in a process of its own."""

    url: str
    client: aiohttp.ClientSession
    process: asyncio.subprocess.Process | None = None

    async def act(self, deed: str, **arguments: Any) -> Any:
        """Do a deed of `Users` or of `Control`."""
        given = {k: b64encode(v).decode() if isinstance(v, bytes) else v for k, v in arguments.items()}
        async with self.client.post(f"{self.url}/control/{deed}", json=given) as response:
            answer = await response.json()
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["result"]

    async def messages(self, chat: int, thread: int | None = None) -> list[Shown]:
        """What is to be seen in a chat now."""
        return [Shown(**shown) for shown in await self.act("messages", chat=chat, thread=thread)]

    async def answers(self, chat: int, thread: int | None = None) -> list[Shown]:
        """The bot's messages that are to be seen now."""
        return [Shown(**shown) for shown in await self.act("answers", chat=chat, thread=thread)]

    async def draft(self, user: int, thread: int = 0) -> ShownDraft | None:
        """What the bot is writing now."""
        shown = await self.act("draft", user=user, thread=thread)
        return ShownDraft(**shown) if shown else None

    async def wait_for(self, predicate: Callable[[], Awaitable[T]], within: float = 10) -> T:
        """What a predicate comes to, as soon as it is true."""
        async with asyncio.timeout(within):
            seen = await self.act("changes", seen=-1)
            while not (value := await predicate()):
                seen = await self.act("changes", seen=seen, within=LOOK_AGAIN)
            return value


@asynccontextmanager
async def remote_telegram(*options: str) -> AsyncIterator[RemoteTelegram]:
    """A server in a new process, ended with this."""
    command = [sys.executable, "-m", "tests.fakes.telegram", "--port", "0", "--with-stdin", *options]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30), aiohttp.ClientSession() as client:
            port = int((await process.stdout.readline()).split()[-1])
        async with aiohttp.ClientSession() as client:
            yield RemoteTelegram(f"http://127.0.0.1:{port}", client, process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
