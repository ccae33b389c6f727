"""The tools of the MCP server, asked by the SDK's own client, in front of a complete service with a fake engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest_asyncio
from mcp import Client
from pydantic import SecretStr

from bot.app.bootstrap import Services, open_services
from bot.app.settings import Settings
from bot.channels.mcp.tools import McpTools, make_server
from bot.core.i18n import Translator

PEOPLE = "SELECT count(*) FROM identities WHERE platform = 'mcp' AND external_id = 'anna'"
QUESTION = "Tell me a word about lighthouses, please."


@pytest_asyncio.fixture(loop_scope="session")
async def services(sglang_settings: Settings, dsn: str) -> AsyncIterator[Services]:
    settings = sglang_settings.model_copy(
        update={"database_url": SecretStr(dsn), "prewarm_modes": 0, "language": "en", "library_at_start": False}
    )
    async with open_services(settings, load_on_demand=True) as services:
        yield services


@asynccontextmanager
async def client(services: Services, person: str | None = None) -> AsyncIterator[Client]:
    tools = McpTools(
        mind=services.mind,
        composer=services.composer,
        library=services.library,
        direct=services.direct,
        say=Translator("en"),
        person=person,
    )
    async with Client(make_server(tools, "1.0")) as client:
        yield client


async def test_a_program_asks_searches_and_lists(services: Services) -> None:
    async with client(services) as program:
        offered = (await program.list_tools()).tools
        assert [tool.name for tool in offered] == ["ask", "search_library", "list_modes"]
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in offered)
        assert all(tool.output_schema and tool.description for tool in offered)

        modes = await content(program, "list_modes")
        assert (modes["mind"], modes["default"]) == (services.mind.name, services.mind.default_mode)
        names = [mode["name"] for mode in modes["modes"]]
        assert {"auto", "base", *services.mind.adapters} <= set(names)

        answer = await content(program, "ask", question=QUESTION, mode="core")
        assert answer["answer"] == "Rest and sleep."
        assert answer["mode"] == "core"
        assert answer["sources"] == []
        found = await content(program, "search_library", query="rest", limit=3)
        assert found == {"passages": []}  # nothing has been read into this library


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"question": QUESTION, "mode": "nonsense"}, "nonsense"),
    ({"question": QUESTION, "mode": "core++"}, "core++"),
    ({"question": "", "mode": "core"}, "question"),
    ({"question": "x" * 20_001}, "question"),
    ({"mode": "core"}, "question"),
]


async def test_what_cannot_be_answered_is_an_error_that_says_why(services: Services) -> None:
    async with client(services) as program:
        for arguments, said in REFUSED:
            result = await program.call_tool("ask", arguments)
            assert result.is_error
            text = " ".join(getattr(part, "text", "") for part in result.content)
            assert said in text
            assert "Traceback" not in text


async def test_nobody_is_remembered_unless_it_is_said_who_asks(services: Services, dsn: str) -> None:
    async with client(services) as program:
        await content(program, "ask", question=QUESTION, mode="core")
    assert await count_people(dsn) == 0
    async with client(services, person="anna") as program:
        tools = {tool.name: tool.annotations for tool in (await program.list_tools()).tools}
        assert tools["ask"]
        assert tools["ask"].read_only_hint is False
        answer = await content(program, "ask", question="/forget me", mode="core")
        assert answer["answer"] == "Rest and sleep.", "a command is a question here"
    assert await count_people(dsn) == 1


async def count_people(dsn: str) -> int:
    """How many people there are that the tools were asked for, whoever owns the rows."""
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(PEOPLE))
    finally:
        await connection.close()


async def content(program: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured result of a tool."""
    result = await program.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return dict(result.structured_content)
