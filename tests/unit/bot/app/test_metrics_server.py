"""The metrics server."""

from __future__ import annotations

import socket
import threading

import httpx
import pytest
from prometheus_client import Counter

from bot.app.metrics import MetricsServerNotStarted, metrics_server

REQUESTS = Counter("test_of_metrics_requests", "Requests of this test")


@pytest.fixture
def used_port() -> socket.socket:
    """A socket bound to a free port of this machine."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


async def test_metrics_are_served_while_open(used_port: socket.socket) -> None:
    port = used_port.getsockname()[1]
    used_port.close()
    threads = set(threading.enumerate())
    async with httpx.AsyncClient() as client:
        async with metrics_server("127.0.0.1", port):
            REQUESTS.inc()
            reply = await client.get(f"http://127.0.0.1:{port}/metrics")
            assert reply.status_code == 200
            assert "test_of_metrics_requests_total 1.0" in reply.text
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/metrics")
    leaked = {thread for thread in threading.enumerate() if "serve_forever" in thread.name} - threads
    assert not leaked
    async with metrics_server("127.0.0.1", port):
        pass  # the port is free again


async def test_no_port_no_server() -> None:
    before = {thread for thread in threading.enumerate() if "serve_forever" in thread.name}
    async with metrics_server("127.0.0.1", None):
        assert {thread for thread in threading.enumerate() if "serve_forever" in thread.name} == before


async def test_port_in_use(used_port: socket.socket) -> None:
    used_port.listen()
    port = used_port.getsockname()[1]
    with (
        used_port,
        pytest.raises(MetricsServerNotStarted, match=rf"127\.0\.0\.1:{port}.*in use.*CONSILIUM_METRICS_PORT"),
    ):
        async with metrics_server("127.0.0.1", port):
            pytest.fail("the port is in use")


async def test_unknown_host() -> None:
    with pytest.raises(MetricsServerNotStarted):
        async with metrics_server("no.such.host.invalid", 9464):
            pytest.fail("there is no such host")
