"""What FastAPI and uvicorn cost a request, beside aiohttp and beside no server at all: `make bench-http-layer`.

Three ways to the same work, which is to read a chat request of OpenAI's, to check it against the model of it, and to
write an answer: through the server of the service with its routes, its keys' check and its cancellation; through a
plain aiohttp application, as the API was served before; and called directly, without a socket. What is counted is
processor time of this process a request, so that a machine's other work does not count. The client is a process of
its own.

    python -m benchmarks.bench_http_layer [--requests N] [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Final

from aiohttp import web
from fastapi import APIRouter
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.serving import load_average, machine
from bot.app.http_application import make_application
from bot.channels.http.api_client import ApiClient
from bot.channels.http.api_route import ApiRoute
from bot.channels.http.completion_objects import Completion
from bot.channels.http.completions import CHAT_PATH
from bot.channels.http.request_models import ChatRequest
from bot.core.http_server import run_http_server
from bot.core.messages import Outcome

BODY: Final = json.dumps(
    {
        "model": "sport+core",
        "user": "anna",
        "temperature": 0.7,
        "messages": [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": "How should I rest after a long run today?"},
        ],
    }
).encode()
OUTCOME: Final = Outcome("core+sport", answer="Rest for a day, and then walk for half an hour.")
CLIENT: Final = """
import asyncio, sys
async def main(port, count, path, body):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nAuthorization: Bearer sk-none\\r\\n"
    request = f"{head}Content-Type: application/json\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n{body}".encode()
    for _ in range(count):
        writer.write(request)
        head = await reader.readuntil(b"\\r\\n\\r\\n")
        assert b" 200 " in head.split(b"\\r\\n", 1)[0], head
        length = next(line for line in head.lower().split(b"\\r\\n") if line.startswith(b"content-length"))
        await reader.readexactly(int(length.partition(b":")[2]))
asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]))
"""


def work(value: object) -> str:
    """What any way has to do: check the request, and write the answer."""
    request = ChatRequest.model_validate(value)
    completion = Completion("0" * 32, int(time.time()))
    assert request.messages
    return completion.answer_object(OUTCOME).model_dump_json()


@asynccontextmanager
async def service() -> AsyncIterator[int]:
    """The port of the service's own server and route."""

    async def authenticate(_: Request) -> ApiClient:
        return ApiClient(name="bench")

    class Route(ApiRoute):
        api: Any = SimpleNamespace(clients=SimpleNamespace(authenticate=authenticate))

    async def answer(chat_request: ChatRequest) -> Response:
        completion = Completion("0" * 32, int(time.time()))
        assert chat_request.messages
        return Response(completion.answer_object(OUTCOME).model_dump_json(), media_type="application/json")

    router = APIRouter(route_class=Route)
    router.add_api_route(CHAT_PATH, answer, methods=["POST"])
    async with run_http_server(make_application(router), "127.0.0.1", 0) as address:
        yield int(address.rpartition(":")[2])


@asynccontextmanager
async def bare() -> AsyncIterator[int]:
    """The port of a plain aiohttp server that does the same work."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=work(from_json(await request.read())), content_type="application/json")

    application = web.Application()
    application.router.add_post(CHAT_PATH, answer)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def over_a_socket(port: int, count: int) -> None:
    """So many requests, one after another, by another process."""
    command = [sys.executable, "-c", CLIENT, str(port), str(count), CHAT_PATH, BODY.decode()]
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0


async def directly(count: int) -> None:
    """The work alone."""
    for _ in range(count):
        work(from_json(BODY))


async def measure(requests: int, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of processor time a request, round by round."""
    async with service() as ours, bare() as theirs:
        ways: dict[str, Callable[[int], Awaitable[None]]] = {
            "FastAPI and uvicorn": lambda count: over_a_socket(ours, count),
            "aiohttp": lambda count: over_a_socket(theirs, count),
            "called directly": directly,
        }
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for ask in ways.values():
            await ask(50)
        for _ in range(rounds):
            for name, ask in ways.items():
                before = time.process_time()
                await ask(requests)
                spent[name].append(1000 * (time.process_time() - before) / requests)
        return spent


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=500, help="in each round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(machine(), load_average())
    spent = asyncio.run(measure(options.requests, options.rounds))
    for name, values in spent.items():
        print(f"{name}: {statistics.median(values):.3f} ms a request ({min(values):.3f} to {max(values):.3f})")
    added = [mine - other for mine, other in zip(spent["FastAPI and uvicorn"], spent["aiohttp"], strict=True)]
    print(f"FastAPI and uvicorn over aiohttp: {statistics.median(added):.3f} ms (goal: at most 1)")


if __name__ == "__main__":
    main()
