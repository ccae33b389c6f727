"""Chat completions as OpenAI's official client receives them."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.fakes.sglang_server import SGLangServer
from tests.integration.bot.http.conftest import Served

ASKED: list[Any] = [{"role": "user", "content": "How do I sleep better?"}]
ANSWER = "Rest and sleep."


async def test_completion_object(served: Served) -> None:
    done = await served.client().chat.completions.create(model="sport", messages=ASKED, user="anna")
    assert (done.object, done.model) == ("chat.completion", "core+sport")
    [choice] = done.choices
    assert (choice.index, choice.finish_reason, choice.message.role) == (0, "stop", "assistant")
    assert choice.message.content == ANSWER
    assert done.usage is not None
    assert (done.usage.prompt_tokens, done.usage.completion_tokens, done.usage.total_tokens) == (7, 3, 10)
    assert done.model_extra is not None
    details = done.model_extra["consilium"]
    assert (details["mode"], details["sources"], details["memories"]) == ("core+sport", [], [])
    assert details["adapter"].startswith("c-")
    turn = await served.ended(details["turn"])
    assert done.id == f"chatcmpl-{turn.id}"
    assert (turn.state, turn.question, turn.answer) == ("delivered", "How do I sleep better?", ANSWER)
    assert (turn.asked_mode, turn.mode, turn.finish_reason) == ("core+sport", "core+sport", "stop")


async def test_streamed_completion(served: Served) -> None:
    stream = await served.client().chat.completions.create(model="base", messages=ASKED, stream=True)
    chunks = [chunk async for chunk in stream]
    assert {(c.object, c.model, c.id) for c in chunks} == {("chat.completion.chunk", "base", chunks[0].id)}
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert (deltas[0].role, deltas[0].content) == ("assistant", "")
    assert [delta.content for delta in deltas[1:-1]] == ["Rest", " and", " sleep."]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert all(chunk.usage is None for chunk in chunks)
    assert (await served.ended(chunks[0].id.removeprefix("chatcmpl-"))).state == "delivered"


async def test_usage_chunk(served: Served) -> None:
    request = {"model": "base", "messages": ASKED, "stream": True, "stream_options": {"include_usage": True}}
    async with served.http() as http:
        response = await http.post("/v1/chat/completions", json=request)
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    events = response.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


async def test_prompt_consists_of_the_requests_messages(served: Served, server: SGLangServer) -> None:
    client = served.client()
    await client.chat.completions.create(model="base", messages=ASKED, user="anna")
    messages: list[Any] = [
        {"role": "system", "content": "Answer in one line."},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "My knee hurts."},
        {"role": "user", "content": [{"type": "text", "text": "Since "}, {"type": "text", "text": "May."}]},
        {"role": "assistant", "content": "Rest it."},
        {"role": "developer", "content": "No lists."},
        {"role": "user", "content": "/help me, for how long?"},
    ]
    await client.chat.completions.create(model="base", messages=messages, user="anna")
    (system, *rest) = server.requests[-1]["messages"]
    assert system["role"] == "system"
    assert system["content"].endswith("\n\nAnswer in one line.\n\nNo lists.")
    assert [(m["role"], m["content"]) for m in rest] == [
        ("assistant", "Hello!"),
        ("user", "My knee hurts.\n\nSince May."),
        ("assistant", "Rest it."),
        ("user", "/help me, for how long?"),
    ]


async def test_sampling_parameters(served: Served, server: SGLangServer) -> None:
    create = served.client().chat.completions.create
    await create(model="base", messages=ASKED, temperature=0.1, top_p=0.5, seed=7, max_completion_tokens=2)
    sampling = server.requests[-1]
    assert [sampling[name] for name in ("temperature", "top_p", "seed", "max_tokens")] == [0.1, 0.5, 7, 2]
    await create(model="base", messages=ASKED, max_tokens=100_000)
    defaults = served.services.mind.sampling
    sampling = server.requests[-1]
    assert [sampling[name] for name in ("temperature", "top_p", "max_tokens")] == [
        defaults.temperature,
        defaults.top_p,
        defaults.max_tokens,
    ]


async def test_finish_reason_length(served: Served, server: SGLangServer) -> None:
    server.finish_reason = "length"
    done = await served.client().chat.completions.create(model="base", messages=ASKED)
    assert done.choices[0].finish_reason == "length"


@pytest.mark.parametrize(("stop", "expected"), [(" sleep", "Rest and"), (["nothing", "d sl"], "Rest an")])
async def test_stop_sequences(served: Served, stop: Any, expected: str) -> None:
    done = await served.client().chat.completions.create(model="base", messages=ASKED, stop=stop, user="anna")
    assert done.choices[0].message.content == expected
    assert done.choices[0].finish_reason == "stop"
    assert done.usage is not None
    assert 1 <= done.usage.completion_tokens <= 3
    assert done.usage.prompt_tokens > 3
    turn = await served.turn(done.id.removeprefix("chatcmpl-"))
    assert turn.answer == done.choices[0].message.content


async def test_response_schema(served: Served, server: SGLangServer) -> None:
    server.pieces = ['{"hours"', ": 8}"]
    schema = {"type": "object", "properties": {"hours": {"type": "integer"}}, "required": ["hours"]}
    response_format: Any = {"type": "json_schema", "json_schema": {"name": "sleep", "schema": schema, "strict": True}}
    done = await served.client().chat.completions.create(model="base", messages=ASKED, response_format=response_format)
    assert json.loads(done.choices[0].message.content or "") == {"hours": 8}
    assert server.requests[-1]["response_format"]["json_schema"]["schema"] == schema
    await served.client().chat.completions.create(model="base", messages=ASKED, response_format={"type": "json_object"})
    assert server.requests[-1]["response_format"]["json_schema"]["schema"] == {"type": "object"}


async def test_clients_do_not_share_people(served: Served) -> None:
    for name in ("site", "app"):
        await served.client(name).chat.completions.create(model="base", messages=ASKED, user="anna")
    assert len({turn.user_id for turn in await served.turns()}) == 2


async def test_sessions(served: Served) -> None:
    create = served.client().chat.completions.create
    for session in ("one", "two", "one"):
        await create(model="base", messages=ASKED, user="anna", metadata={"session": session})
    turns = await served.turns()
    assert sorted(turn.place for turn in turns) == ["agoge/one", "agoge/one", "agoge/two"]
    assert len({turn.user_id for turn in turns}) == 1
    assert {turn.platform for turn in turns} == {"http"}


async def test_error_classes_of_the_openai_client(served: Served) -> None:
    create = served.client().chat.completions.create
    with pytest.raises(openai.NotFoundError, match="sport") as unknown:
        await create(model="sprot", messages=ASKED)
    assert unknown.value.code == "model_not_found"
    assert unknown.value.param == "model"
    with pytest.raises(openai.NotFoundError, match="classical"):
        await create(model="classical+sport", messages=ASKED)
    with pytest.raises(openai.BadRequestError, match="from the user") as last:
        await create(model="base", messages=[*ASKED, {"role": "assistant", "content": "Why?"}])
    assert last.value.param == "messages"
    assert await served.turns() == []
