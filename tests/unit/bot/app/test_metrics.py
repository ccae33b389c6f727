from __future__ import annotations

import socket
import threading

import httpx
import pytest
from prometheus_client import Counter

from bot.app.monitoring import MetricsServerNotStarted, metrics_server

ASKED = Counter("test_of_metrics_asked", "How often this test has asked")


@pytest.fixture
def taken() -> socket.socket:
    """A socket that holds a free port of this machine."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder


async def test_they_are_served_as_long_as_it_is_open(taken: socket.socket) -> None:
    port = taken.getsockname()[1]
    taken.close()
    threads = set(threading.enumerate())
    async with httpx.AsyncClient() as client:
        async with metrics_server("127.0.0.1", port):
            ASKED.inc()
            reply = await client.get(f"http://127.0.0.1:{port}/metrics")
            assert reply.status_code == 200
            assert "test_of_metrics_asked_total 1.0" in reply.text
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/metrics")
    left = {thread for thread in threading.enumerate() if "serve_forever" in thread.name} - threads
    assert not left
    async with metrics_server("127.0.0.1", port):
        pass  # the port is free again


async def test_without_a_port_nothing_listens() -> None:
    before = {thread for thread in threading.enumerate() if "serve_forever" in thread.name}
    async with metrics_server("127.0.0.1", None):
        assert {thread for thread in threading.enumerate() if "serve_forever" in thread.name} == before


async def test_a_taken_port_is_said_so(taken: socket.socket) -> None:
    taken.listen()
    port = taken.getsockname()[1]
    with taken, pytest.raises(MetricsServerNotStarted, match=rf"127\.0\.0\.1:{port}.*in use.*CONSILIUM_METRICS_PORT"):
        async with metrics_server("127.0.0.1", port):
            pytest.fail("it cannot be open")


async def test_an_address_of_no_machine_is_said_so() -> None:
    with pytest.raises(MetricsServerNotStarted):
        async with metrics_server("no.such.host.invalid", 9464):
            pytest.fail("it cannot be open")
