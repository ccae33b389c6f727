"""`consilium mcp` as a program starts it: a process that speaks over standard input and output."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.acceptance.conftest import CONSILIUM, DEADLINE, Home


async def test_the_official_client_talks_to_the_process(home: Home, tmp_path: Path) -> None:
    parameters = StdioServerParameters(command=str(CONSILIUM), args=["mcp"], env=dict(home.environment))
    with (tmp_path / "errors").open("w") as errors:
        async with asyncio.timeout(DEADLINE), Client(stdio_client(parameters, errlog=errors)) as program:
            assert len((await program.list_tools()).tools) == 3
            modes = await program.call_tool("list_modes", {})
            assert modes.structured_content
            assert modes.structured_content["mind"] == "agoge"
            found = await program.call_tool("search_library", {"query": "How do I recover after a hard day?"})
            assert not found.is_error, found.content
    assert "Traceback" not in (tmp_path / "errors").read_text()
