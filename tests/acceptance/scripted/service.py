"""The whole service as an operator starts it: one process for both platforms, the real model, its own Postgres."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx

from db.infra.embedded_server import EmbeddedServer
from tests.acceptance.conftest import CONSILIUM, DEADLINE
from tests.fakes.discord.server import DiscordFake
from tests.fakes.telegram.server import FakeTelegram
from tests.fixtures.fleet import Process

ROOT = Path(__file__).resolve().parents[3]
RECALLED = "SELECT recalled FROM turns WHERE question = $1 AND kind = 'question' AND state = 'delivered'"
READY = re.compile(r"(http://\S+)/readyz")


class Service:
    """`consilium serve`, started and stopped."""

    def __init__(self, environment: Mapping[str, str], telegram: FakeTelegram, discord: DiscordFake) -> None:
        self._data = Path(environment["CONSILIUM_DATA_DIR"])
        own = {
            # The code under test is the one next to this file, whatever is installed.
            "PYTHONPATH": str(ROOT),
            "CONSILIUM_HTTP_PORT": "0",
            "CONSILIUM_TELEGRAM_TOKEN": telegram.token,
            "CONSILIUM_TELEGRAM_API": telegram.url,
            "CONSILIUM_DISCORD_TOKEN": discord.token,
            "CONSILIUM_DISCORD_API": discord.api_base,
            "CONSILIUM_DISCORD_GATEWAY": discord.gateway_url,
        }
        log = self._data.parent / "serve.log"
        self._process = Process("serve", [str(CONSILIUM), "serve"], {**environment, **own}, log)

    @property
    def log(self) -> str:
        """The log of all runs."""
        return self._process.log.read_text("utf-8", "replace")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """One run, from ready to a clean exit on SIGTERM."""
        begins = self._process.log.stat().st_size if self._process.log.exists() else 0
        self._process.start()
        try:
            await asyncio.wait_for(self._ready(begins), DEADLINE)
            yield
        except BaseException:
            await asyncio.to_thread(self._process.end)
            print(self._process.tail)
            raise
        assert await asyncio.to_thread(self._process.end) == 0, self._process.tail
        assert not (self._data / "postgres" / "data" / "postmaster.pid").exists(), "the database is still running"

    async def recalled(self, question: str) -> list[str]:
        """The memories that the answer to a question was made with, once the turn is delivered.

        An answer is visible a while before: discord.py waits out a rate limit after the request that reaches it.
        """
        async with await EmbeddedServer.open(self._data / "postgres") as server:
            connection = await asyncpg.connect(server.dsn)
            try:
                async with asyncio.timeout(DEADLINE):
                    while (recalled := await connection.fetchval(RECALLED, question)) is None:  # noqa: ASYNC110  # no event tells of a row
                        await asyncio.sleep(0.1)
            finally:
                await connection.close()
        return list(json.loads(recalled))

    async def _ready(self, begins: int) -> None:
        async with httpx.AsyncClient() as client:
            while True:
                running = self._process.running
                assert running is not None
                assert running.poll() is None, f"it ended before it was ready: {self._process.tail}"
                address = READY.search(self.log.encode()[begins:].decode("utf-8", "replace"))
                if address and (await client.get(address[0])).status_code == 200:
                    return
                await asyncio.sleep(0.2)
