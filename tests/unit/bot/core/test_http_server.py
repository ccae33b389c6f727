"""The HTTP server on a real socket: clients that go away, that are slow, and the end of the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import httpx
import pytest
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from bot.app.http_application import make_application
from bot.core import http_protocol, http_server
from bot.core.http_body import BodyTimedOut, BodyTooLarge, read_body
from bot.core.http_connections import ConnectionLimits
from bot.core.http_server import run_http_server

Endpoint = Callable[[Request], Awaitable[Response]]


@asynccontextmanager
async def serving(endpoint: Endpoint, methods: tuple[str, ...] = ("GET", "POST")) -> AsyncIterator[str]:
    """The address of a server with this endpoint at `/`."""
    router = APIRouter()
    router.add_api_route("/", endpoint, methods=list(methods), response_class=Response)
    async with run_http_server(make_application(router), "127.0.0.1", 0) as address:
        yield address


@asynccontextmanager
async def connection(address: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
    try:
        yield reader, writer
    finally:
        writer.close()


class Handler:
    """An endpoint that waits, and remembers what became of it."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.gate = asyncio.Event()
        self.calls = 0

    async def __call__(self, request: Request) -> Response:
        self.calls += 1
        self.began.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return PlainTextResponse("done")


@pytest.mark.parametrize("body", [b"", b"x" * 100])
async def test_a_handler_is_cancelled_when_its_client_goes_away(body: bytes) -> None:
    handler = Handler()
    async with serving(handler.__call__) as address, asyncio.timeout(5):
        async with connection(address) as (_, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await handler.began.wait()
        await handler.cancelled.wait()
        handler.gate.set()
        async with httpx.AsyncClient() as client:
            assert (await client.get(address)).text == "done"


async def test_what_follows_a_response_is_not_cancelled() -> None:
    ended = asyncio.Event()

    class LongResponse(PlainTextResponse):
        async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
            await super().__call__(scope, receive, send)
            await asyncio.sleep(0.05)
            ended.set()

    async def endpoint(request: Request) -> Response:
        return LongResponse("done")

    async with serving(endpoint) as address, httpx.AsyncClient() as client, asyncio.timeout(5):
        assert (await client.get(address)).text == "done"
        await client.aclose()
        await ended.wait()


async def test_handlers_are_cancelled_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "SHUTDOWN_SECONDS", 0.05)
    handler = Handler()
    async with httpx.AsyncClient() as client:
        async with serving(handler.__call__) as address, asyncio.timeout(5):
            asking = asyncio.create_task(client.get(address))
            await handler.began.wait()
        assert handler.cancelled.is_set()
        assert (await asking).status_code == 503


async def test_a_response_that_is_being_sent_ends_first() -> None:
    handler = Handler()
    async with httpx.AsyncClient() as client:
        async with serving(handler.__call__) as address, asyncio.timeout(5):
            asking = asyncio.create_task(client.get(address))
            await handler.began.wait()
            asyncio.get_running_loop().call_later(0.05, handler.gate.set)
        assert (await asking).text == "done"


@pytest.mark.parametrize("head", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_half_a_head_does_not_stay(monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.1)

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("done")

    async with serving(endpoint) as address, connection(address) as (reader, writer), asyncio.timeout(5):
        writer.write(head)
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


async def test_trickling_bytes_do_not_lengthen_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.1)

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("done")

    async with serving(endpoint) as address, connection(address) as (reader, writer), asyncio.timeout(5):
        writer.write(b"GET / HTTP/1.1\r\n")
        reading = asyncio.create_task(reader.read())
        while not reading.done():
            writer.write(b"X-A: b\r\n")
            await asyncio.sleep(0.02)
        [ended] = await asyncio.gather(reading, return_exceptions=True)
        # What the client wrote after the end may have reset the connection.
        assert isinstance(ended, ConnectionError) or (isinstance(ended, bytes) and b" 408 " in ended)


async def test_many_slow_clients_hold_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 1.0)

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("done")

    async with serving(endpoint) as address, AsyncExitStack() as stack, asyncio.timeout(20):
        slow = [await stack.enter_async_context(connection(address)) for _ in range(200)]
        for _, writer in slow:
            writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
        async with httpx.AsyncClient() as client:
            assert (await client.get(address)).text == "done"
        ended = await asyncio.gather(*(reader.read() for reader, _ in slow))
        assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in ended)


async def test_an_answer_may_take_longer_than_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.05)

    async def endpoint(request: Request) -> Response:
        await asyncio.sleep(0.15)
        return PlainTextResponse("done")

    async with serving(endpoint) as address, httpx.AsyncClient() as client:
        for _ in range(2):
            assert (await client.post(address, content=b"{}")).text == "done"


async def test_an_unexpected_error_says_nothing() -> None:
    async def endpoint(request: Request) -> Response:
        raise ValueError("my secret illness")

    async with serving(endpoint) as address, httpx.AsyncClient() as client:
        failed = await client.get(address)
    assert failed.status_code == 500
    assert "illness" not in failed.text


async def test_bodies_have_limits_of_size_and_time() -> None:
    refused: list[type[Exception]] = []

    async def endpoint(request: Request) -> Response:
        try:
            return Response(await read_body(request, 10, 0.1))
        except (BodyTooLarge, BodyTimedOut) as error:
            refused.append(type(error))
            return Response(status_code=error.status)

    async with serving(endpoint) as address, httpx.AsyncClient() as client, asyncio.timeout(5):
        assert (await client.post(address, content=b"x" * 10)).content == b"x" * 10
        assert (await client.post(address, content=b"x" * 11)).status_code == 413

        async def in_chunks() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"x" * 5

        assert (await client.post(address, content=in_chunks())).status_code == 413
        async with connection(address) as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nxx")
            assert b" 408 " in await reader.readline()
    assert refused == [BodyTooLarge, BodyTooLarge, BodyTimedOut]


async def test_the_port_of_another_is_an_error() -> None:
    async def endpoint(request: Request) -> Response:
        return Response()

    async with serving(endpoint) as address:
        with pytest.raises(OSError, match="address already in use"):
            async with run_http_server(make_application(), "127.0.0.1", int(address.rpartition(":")[2])):
                pass


async def test_slow_connections_keep_nobody_out() -> None:
    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("done")

    router = APIRouter()
    router.add_api_route("/", endpoint, response_class=Response)
    limits = ConnectionLimits(in_all=40, per_address=30)
    async with (
        run_http_server(make_application(router), "127.0.0.1", 0, limits) as address,
        AsyncExitStack() as stack,
        httpx.AsyncClient() as client,
        asyncio.timeout(20),
    ):
        slow = [await stack.enter_async_context(connection(address)) for _ in range(150)]
        for _, writer in slow:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert (await client.get(address)).text == "done"
        # Those that came first have given way; the latest still have their time.
        for reader, _ in slow[:100]:
            with suppress(ConnectionError):
                assert await reader.read() == b""
        assert not slow[-1][0].at_eof()


async def test_a_new_connection_is_turned_away_only_when_all_are_busy() -> None:
    handler = Handler()
    router = APIRouter()
    router.add_api_route("/", handler.__call__, response_class=Response)
    async with (
        run_http_server(make_application(router), "127.0.0.1", 0, ConnectionLimits(8, 8)) as address,
        httpx.AsyncClient(timeout=20) as client,
        asyncio.timeout(20),
    ):
        asking = [asyncio.create_task(client.get(address)) for _ in range(8)]
        await handler.began.wait()
        while handler.calls < 8:  # noqa: ASYNC110  # each begins by itself
            await asyncio.sleep(0.01)
        async with connection(address) as (reader, _):
            assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
        handler.gate.set()
        assert [(await each).text for each in asking] == ["done"] * 8
        assert (await client.get(address)).text == "done"


async def test_a_client_that_reads_nothing_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "SEND_SECONDS", 0.1)
    cancelled = asyncio.Event()

    async def endless(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * 65536
                    await asyncio.sleep(0)  # what is sent to a client that is gone waits for nothing
            except asyncio.CancelledError:
                cancelled.set()
                raise

        return StreamingResponse(pieces())

    async with serving(endless) as address, connection(address) as (_, writer), asyncio.timeout(10):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await cancelled.wait()
