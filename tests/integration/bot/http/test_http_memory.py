"""What is remembered of requests: of whom, when, and of what nothing is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from tests.fakes.sglang_server import SGLangServer
from tests.integration.bot.http.conftest import Served, until

NEEDLE = "zebra-4711"
ASKED: list[Any] = [{"role": "user", "content": f"My locker is {NEEDLE}."}]


async def episodes(dsn: str) -> list[str]:
    owner = await asyncpg.connect(dsn)
    try:
        rows = await owner.fetch("SELECT content FROM memories WHERE kind = 'episode' ORDER BY created_at")
    finally:
        await owner.close()
    return [row["content"] for row in rows]


async def traces(dsn: str, needle: str) -> list[str]:
    """The tables with this text in some row."""
    owner = await asyncpg.connect(dsn)
    try:
        names = [
            row["name"]
            for row in await owner.fetch("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
        ]
        return [
            name
            for name in names
            if await owner.fetchval(f"SELECT count(*) FROM {name} AS t WHERE strpos(t::text, $1) > 0", needle)
        ]
    finally:
        await owner.close()


async def stream(served: Served, body: dict[str, Any], stop_at: str) -> None:
    """Read a stream up to an event that has this text, and close the connection."""
    async with served.http() as http, http.stream("POST", "/v1/chat/completions", json={**body, "stream": True}) as got:
        assert got.status_code == 200
        async for line in got.aiter_lines():
            if stop_at in line:
                return


async def test_client_that_closes_after_the_end_is_remembered_at_once(served: Served, dsn: str) -> None:
    for number in range(3):
        body = {"model": "base", "messages": [{"role": "user", "content": f"I keep {number} bees."}], "user": "anna"}
        await stream(served, body, "[DONE]")
    await until(lambda: _has(dsn, 6), within=20)


async def test_client_that_closes_in_the_middle_is_remembered_with_what_there_is(
    served: Served, server: SGLangServer, dsn: str
) -> None:
    server.answer_gate = asyncio.Event()
    body = {"model": "base", "messages": [{"role": "user", "content": "I keep bees."}], "user": "anna"}
    reading = asyncio.create_task(stream(served, body, "Rest"))
    await server.until(requests=1)
    server.answer_gate.set()
    await reading
    await until(lambda: _has(dsn, 1), within=20)
    assert "I keep bees." in await episodes(dsn)


async def _has(dsn: str, count: int) -> bool:
    return len(await episodes(dsn)) >= count


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_nothing_is_kept_of_who_is_not_named(
    served: Served, server: SGLangServer, dsn: str, *, is_streamed: bool
) -> None:
    server.pieces = ("Kept:", f" {NEEDLE}")
    body = {"model": "base", "messages": ASKED, "stream": is_streamed}
    async with served.http() as http:
        response = await http.post("/v1/chat/completions", json=body)
    assert NEEDLE in response.text
    assert server.requests[-1]["messages"][-1]["content"] == ASKED[0]["content"]
    [turn] = await served.turns()
    await served.ended(str(turn.id))
    writer = served.services.turn_runner.memory_writer
    assert writer is not None
    assert writer.pending == 0
    assert await traces(dsn, NEEDLE) == []
    stored = await served.turn(str(turn.id))
    assert (stored.state, stored.question, stored.answer, stored.completion_tokens) == ("delivered", "", "", 2)


TASKS = (
    "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.\n{}",
    "### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history.\n{}",
    "### Task:\nSuggest 3-5 relevant follow-up questions or prompts.\n{}",
    "### Task:\nAnalyze the chat history to determine the necessity of generating search queries.\n{}",
    "### Task:\nYou are an autocompletion system. Continue the text.\n{}",
    "Provide a concise, 5-word-or-less title for the conversation, using title case conventions.\n{}",
    "Please generate a concise title (max 40 characters) for a conversation that starts with:\n{}",
    "Analyze this conversation and provide:\n1. The detected language of the conversation\n{}",
    "[Pause your roleplay. Summarize the most important facts and events that have happened so far. {}]",
    "Ignore previous instructions. Summarize the most important facts and events in the story so far. {}",
)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("role", ["user", "system"])
async def test_a_front_ends_own_prompt_is_nobodys(
    served: Served, server: SGLangServer, dsn: str, task: str, role: str
) -> None:
    messages = [
        {"role": "user", "content": "Hello!"},
        {"role": "assistant", "content": "Hi."},
        {"role": role, "content": task.format(NEEDLE)},
    ]
    body = {"model": "sport", "messages": messages, "user": "anna"}
    async with served.http() as http:
        response = await http.post("/v1/chat/completions", json=body)
    assert response.json()["model"] == "base"
    assert NEEDLE in json.dumps(server.requests[-1]["messages"])
    assert await traces(dsn, NEEDLE) == []
    owner = await asyncpg.connect(dsn)
    try:
        assert await owner.fetchval("SELECT count(*) FROM identities WHERE external_id LIKE '%anna'") == 0
    finally:
        await owner.close()


async def test_a_client_can_mark_its_own_requests(served: Served, dsn: str) -> None:
    marked: list[tuple[dict[str, str], dict[str, Any]]] = [
        ({"X-Consilium-Task": "title"}, {}),
        ({}, {"metadata": {"task": "title"}}),
    ]
    for headers, more in marked:
        async with served.http(**headers) as http:
            body = {"model": "sport", "messages": ASKED, "user": "anna", **more}
            assert (await http.post("/v1/chat/completions", json=body)).json()["model"] == "base"
    assert await traces(dsn, NEEDLE) == []


async def test_documents_around_a_question_are_not_the_persons_words(
    served: Served, server: SGLangServer, dsn: str
) -> None:
    question = (
        "### Task:\nRespond to the user query using the provided context.\n<context>\nI own a castle.\n</context>\n\n"
        "<user_query>\nWhat do I own?\n</user_query>"
    )
    body = {"model": "base", "messages": [{"role": "user", "content": question}], "user": "anna"}
    async with served.http() as http:
        await http.post("/v1/chat/completions", json=body)
    await until(lambda: _has(dsn, 2), within=20)
    assert "What do I own?" in await episodes(dsn)
    assert not any("castle" in episode for episode in await episodes(dsn))
    assert "I own a castle." in server.requests[-1]["messages"][-1]["content"]
