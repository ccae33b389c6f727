"""The MCP server over a real socket, asked by the SDK's own client, under the keys of the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.fakes.sglang_server import SGLangServer
from tests.integration.bot.http.conftest import KEYS, Served

INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}  # fmt: skip
ACCEPT = {"Accept": "application/json, text/event-stream"}
QUESTION = "Tell me a word about lighthouses, please."


@asynccontextmanager
async def program(served: Served, key: str) -> AsyncIterator[Client]:
    """A client of the official SDK with this key."""
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http:
        transport = streamable_http_client(f"{served.url}/mcp", http_client=http)
        async with Client(transport) as client:
            yield client


async def call(client: Client, tool: str, **arguments: Any) -> tuple[bool, Any]:
    """Whether a call failed, and what it gave."""
    result = await client.call_tool(tool, arguments)
    text = " ".join(getattr(part, "text", "") for part in result.content)
    return bool(result.is_error), text if result.is_error else result.structured_content


async def test_a_program_asks_searches_and_lists(served: Served) -> None:
    async with program(served, KEYS["site"]) as client:
        offered = (await client.list_tools()).tools
        assert [tool.name for tool in offered] == ["ask", "search_library", "list_modes"]
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in offered)
        assert all("context" not in str(tool.input_schema) for tool in offered), "what is ours is no argument"
        failed, modes = await call(client, "list_modes")
        assert not failed
        assert {"auto", "base", "core", "sport"} <= {mode["name"] for mode in modes["modes"]}
        failed, answer = await call(client, "ask", question=QUESTION, mode="core")
        assert (failed, answer["answer"], answer["mode"]) == (False, "Rest and sleep.", "core")
        assert await call(client, "search_library", query="rest", limit=3) == (False, {"passages": []})
        for arguments, said in (
            ({"question": QUESTION, "mode": "nonsense"}, "nonsense"),
            ({"question": ""}, "question"),
        ):
            failed, text = await call(client, "ask", **arguments)
            assert failed
            assert said in text
    [turn] = await served.turns()
    stored = await served.turn(str(turn.id))
    assert not stored.question
    assert not stored.answer, "nothing of it is kept"


async def test_a_key_opens_what_its_scope_says(served: Served) -> None:
    reads, narrow = await served.make_key(rights=["read"]), await served.make_key(models=["core"])
    async with program(served, reads) as reader, program(served, narrow) as one_mode:
        (_, all_modes), (_, its_modes) = await asyncio.gather(call(reader, "list_modes"), call(one_mode, "list_modes"))
        assert [mode["name"] for mode in its_modes["modes"]] == ["core"]
        assert len(all_modes["modes"]) > 1
        for _ in range(3):
            (refused, why), (failed, answer), (outside, said) = await asyncio.gather(
                call(reader, "ask", question=QUESTION, mode="core"),
                call(one_mode, "ask", question=QUESTION, mode="core"),
                call(one_mode, "ask", question=QUESTION, mode="physics"),
            )
            assert refused, "reading is not asking"
            assert "write" in why
            assert (failed, answer["answer"]) == (False, "Rest and sleep.")
            assert outside
            assert "physics" in said
        assert (await call(reader, "search_library", query="rest"))[0] is False


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer wrong", "Basic x"])
async def test_nobody_comes_in_without_a_key(served: Served, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with served.http(None, **headers) as http:
        response = await http.post("/mcp", json=INITIALIZE, headers=ACCEPT)
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "invalid_api_key"


async def test_a_key_ends_in_the_middle(served: Served) -> None:
    key = await served.make_key(requests_per_day=1)
    async with served.with_key(key) as http:
        assert (await http.post("/mcp", json=INITIALIZE, headers=ACCEPT)).status_code == 200
        refused = await http.post("/mcp", json=INITIALIZE, headers=ACCEPT)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")


async def test_what_is_no_message_of_the_protocol(served: Served) -> None:
    async with served.http() as http:
        for method in ("GET", "DELETE", "PUT"):
            response = await http.request(method, "/mcp", headers=ACCEPT)
            assert (response.status_code, response.headers["Allow"]) == (405, "POST")
        for body in (b"", b"{", b"[]", b'"x"', b'{"jsonrpc": "2.0"}', b"\xff", b'{"method": "\\ud800"}'):
            response = await http.post("/mcp", content=body, headers={**ACCEPT, "Content-Type": "application/json"})
            assert 400 <= response.status_code < 500, body
        large = b'"' + b"x" * 1_100_000 + b'"'
        response = await http.post("/mcp", content=large, headers={**ACCEPT, "Content-Type": "application/json"})
        assert response.status_code == 413


async def test_what_failed_within_the_service_is_not_told(served: Served, server: SGLangServer) -> None:
    server.fails_with = (500, "CUDA error at /srv/models/secret-path")
    async with program(served, KEYS["site"]) as client:
        failed, text = await call(client, "ask", question=QUESTION, mode="core")
    assert failed
    assert "secret-path" not in text
    assert "127.0.0.1" not in text
