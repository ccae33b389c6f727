"""Chat completions as OpenAI's official client receives them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest

from bot.channels.http import reply
from tests.fakes.sglang_server import SGLangServer
from tests.integration.bot.http.conftest import Serve, Served, until

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


async def test_an_assistants_last_message_is_gone_on_from(served: Served, server: SGLangServer) -> None:
    messages: list[Any] = [*ASKED, {"role": "assistant", "content": "Rest"}]
    done = await served.client().chat.completions.create(model="base", messages=messages, user="anna")
    assert done.choices[0].message.content == " and sleep."
    request = server.requests[-1]
    assert request["continue_final_message"] is True
    asked, begun = request["messages"][-2:]
    assert (asked["role"], asked["content"]) == ("user", ASKED[0]["content"])
    assert begun == {"role": "assistant", "content": "Rest"}
    turn = await served.ended(done.id.removeprefix("chatcmpl-"))
    assert (turn.question, turn.answer) == (ASKED[0]["content"], " and sleep.")


async def test_a_repeated_request_gets_the_answer_that_is_there(served: Served, server: SGLangServer) -> None:
    client = served.client().with_options(default_headers={"Idempotency-Key": "one"})
    create = client.chat.completions.create
    first = await create(model="base", messages=ASKED, user="anna")
    await served.ended(first.id.removeprefix("chatcmpl-"))
    again = await create(model="base", messages=ASKED, user="anna")
    assert (again.id, again.choices, again.usage) == (first.id, first.choices, first.usage)
    assert len(server.requests) == 1
    for other in ({"user": "boris"}, {"user": "anna", "temperature": 0.1}, {"user": "anna", "stream": True}):
        await create(model="base", messages=ASKED, **other)  # type: ignore[call-overload]
    await served.client().chat.completions.create(model="base", messages=ASKED, user="anna")
    assert len(server.requests) == 5


async def test_a_request_that_is_repeated_too_soon(served: Served, server: SGLangServer) -> None:
    server.answer_gate = asyncio.Event()
    request = {"model": "base", "messages": ASKED, "user": "anna"}
    async with served.http(**{"Idempotency-Key": "one"}) as http:
        asking = asyncio.create_task(http.post("/v1/chat/completions", json=request))
        await server.until(requests=1)
        early = await http.post("/v1/chat/completions", json=request)
        assert (early.status_code, early.json()["error"]["code"]) == (409, "request_in_progress")
        assert early.headers["Retry-After"] == "1"
        asking.cancel()
        await asyncio.wait([asking])
        server.answer_gate.set()

        async def is_stopped() -> bool:
            return all(turn.state == "stopped" for turn in await served.turns())

        await until(is_stopped)
        # What came to nothing is asked again.
        again = await http.post("/v1/chat/completions", json=request)
        assert again.json()["choices"][0]["message"]["content"] == ANSWER


async def test_a_stream_that_waits_is_not_silent(
    served: Served, server: SGLangServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reply, "HEARTBEAT_SECONDS", 0.1)
    server.prefill_gate = asyncio.Event()
    request = {"model": "base", "messages": ASKED, "stream": True}
    async with served.http() as http, http.stream("POST", "/v1/chat/completions", json=request) as response:
        lines = response.aiter_lines()
        assert await anext(lines) == ": still here"
        server.prefill_gate.set()
        rest = [line async for line in lines]
    assert rest[-2:] == ["data: [DONE]", ""]


async def test_browsers_are_let_in_where_the_operator_says_so(serve: Serve) -> None:
    page = {"Origin": "https://chat.example.org"}
    asking = {**page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with serve(http_origins=("https://chat.example.org",)) as served, served.http() as http:
        allowed = await http.options("/v1/chat/completions", headers=asking)
        assert allowed.status_code == 200
        assert allowed.headers["Access-Control-Allow-Origin"] == page["Origin"]
        assert "authorization" in allowed.headers["Access-Control-Allow-Headers"].lower()
        answered = await http.get("/v1/models", headers=page)
        assert answered.headers["Access-Control-Allow-Origin"] == page["Origin"]
        other = await http.get("/v1/models", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in other.headers


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
        await create(model="base", messages=[{"role": "assistant", "content": "Why?"}])
    assert last.value.param == "messages"
    assert await served.turns() == []
