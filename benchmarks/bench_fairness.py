"""What one greedy program costs another: `make bench-fairness`.

A process of the service over a real Postgres, with an engine that echoes at a fixed pace. One program asks alone, one
question after another; then again while another program has fifty requests open all the time. Shown is the time to the
first token of either, and the ratio. Last, a thousand connections send half a head, and `/healthz` is asked
beside them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.serving import base_model_folder, load_average, machine
from bot.core.api_keys import SHOWN_LENGTH, generate_key, key_digest
from db.infra.connection import Connection
from db.infra.driver_errors import open_connection
from db.infra.embedded_server import EmbeddedServer
from db.infra.migrate import migrate
from db.people import api_keys
from db.people.api_keys import KeyScope
from tests.fixtures.fleet import Fleet, environment_of
from tests.fixtures.postgres import server_directory
from tests.fixtures.sglang import free_port

BASE: Final = "SmolLM2-135M-Instruct"
PAUSE: Final = 0.15
"""Seconds between the engine's words: the time to the first token of an engine alone."""
GREEDY_REQUESTS: Final = 50
SLOW_CONNECTIONS: Final = 1000
QUESTION: Final = "How should I rest after a long run today"
SCOPE: Final = KeyScope(
    rights=["read", "write"], models=None, people=None, people_from=["user"], requests_per_minute=None,
    requests_per_day=None, tokens_per_minute=None, tokens_per_day=None, at_once=None,
)  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """What was measured, in seconds."""

    alone: float
    """Median time to the first token of a program alone."""
    beside: float
    """The same beside fifty requests of another."""
    ratio: float
    greedy_answers: int
    """Answers that the greedy program got meanwhile."""
    healthz_alone: float
    """Slowest of the health checks."""
    healthz_beside: float
    """The same beside a thousand slow connections."""


async def run(questions: int) -> Figures:
    """Start everything, measure, and end it."""
    models = base_model_folder().parent
    with server_directory() as folder:
        async with await EmbeddedServer.open(folder / "pg") as server:
            await migrate(server.dsn)
            one, other = [await make_key(server.dsn, name) for name in ("one", "other")]
            port = free_port()
            environment = environment_of(folder, server.dsn, "", port, models)
            fleet = Fleet(folder, environment, server.cluster)
            try:
                fleet.engine(port, BASE, PAUSE).start()
                fleet.serve("api", "api").start()
                url = await address_of(folder / "api.log", fleet)
                return await measure(url, one, other, questions)
            finally:
                fleet.end()


async def measure(url: str, greedy_key: str, key: str, questions: int) -> Figures:
    async with client_of(url, key) as client, client_of(url, greedy_key) as greedy:
        await ask_in_turn(client, 3)  # the first prompts fill caches
        alone = await ask_in_turn(client, questions)
        answers = [0]
        async with asking_all_the_time(greedy, answers):
            await asyncio.sleep(3)
            beside = await ask_in_turn(client, questions)
        healthz_alone = await slowest_health_check(client)
        async with slow_connections(url, SLOW_CONNECTIONS):
            healthz_beside = await slowest_health_check(client)
    first, second = statistics.median(alone), statistics.median(beside)
    return Figures(first, second, second / first, answers[0], healthz_alone, healthz_beside)


async def ask_in_turn(client: httpx.AsyncClient, questions: int) -> list[float]:
    """Times to the first token of questions one after another, with a little pause between them."""
    times = []
    for number in range(questions):
        times.append(await time_to_first_token(client, f"person-{number % 5}"))
        await asyncio.sleep(0.2)
    return times


async def time_to_first_token(client: httpx.AsyncClient, user: str) -> float:
    """Seconds from a request to the first text of its answer; the answer is read to its end."""
    body = {"model": "base", "stream": True, "user": user, "messages": [{"role": "user", "content": QUESTION}]}
    began, first = time.monotonic(), 0.0
    async with client.stream("POST", "/v1/chat/completions", json=body) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if line.startswith("data: {") and not first and _text(json.loads(line[6:])):
                first = time.monotonic() - began
    return first


@asynccontextmanager
async def asking_all_the_time(client: httpx.AsyncClient, answers: list[int]) -> AsyncIterator[None]:
    """As many requests open as a greedy program has, each followed by the next; counts the answers."""

    async def ask(number: int) -> None:
        while True:
            await time_to_first_token(client, f"greedy-{number}")
            answers[0] += 1

    tasks = [asyncio.create_task(ask(number)) for number in range(GREEDY_REQUESTS)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    failures = [each for each in ended if not isinstance(each, asyncio.CancelledError)]
    assert not failures, failures[0]


@asynccontextmanager
async def slow_connections(url: str, count: int) -> AsyncIterator[None]:
    """So many connections with half a head each, opened anew when they are closed."""
    host, port = httpx.URL(url).host, httpx.URL(url).port
    opened: list[asyncio.StreamWriter] = []

    async def hold() -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(host, port)
                opened.append(writer)
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
                await reader.read()
                writer.close()
            await asyncio.sleep(0.1)

    tasks = [asyncio.create_task(hold()) for _ in range(count)]
    try:
        while len(opened) < count:  # noqa: ASYNC110  # each connects by itself
            await asyncio.sleep(0.05)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in opened:
            writer.close()


async def slowest_health_check(client: httpx.AsyncClient, checks: int = 50) -> float:
    times = []
    for _ in range(checks):
        began = time.monotonic()
        (await client.get("/healthz", headers={"Connection": "close"})).raise_for_status()
        times.append(time.monotonic() - began)
        await asyncio.sleep(0.1)
    return max(times)


async def make_key(dsn: str, name: str) -> str:
    key = generate_key()
    async with open_connection(dsn, 10) as raw:
        await api_keys.create(
            Connection(raw, "benchmark"), mind="agoge", name=name, prefix=key[:SHOWN_LENGTH], digest=key_digest(key),
            scope=SCOPE,
        )  # fmt: skip
    return key


def client_of(url: str, key: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, limits=limits, timeout=120)


async def address_of(log: Path, fleet: Fleet) -> str:
    """Where the process serves, once it says that it is ready."""
    async with asyncio.timeout(300):
        while not (found := re.search(r"(http://\S+)/readyz", await asyncio.to_thread(log.read_text))):
            assert fleet.processes["api"].alive, fleet.tails()
            await asyncio.sleep(0.1)
    return found[1]


def _text(chunk: dict[str, Any]) -> str:
    return "".join(choice["delta"].get("content") or "" for choice in chunk.get("choices", ()))


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=30, help="of the one program, alone and beside the other")
    options = parser.parse_args()
    print(json.dumps({"machine": machine(), "load": load_average()}))
    figures = asyncio.run(run(options.questions))
    print(json.dumps({**{name: round(value, 4) for name, value in asdict(figures).items()}, "load": load_average()}))


if __name__ == "__main__":
    main()
