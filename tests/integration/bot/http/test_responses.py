"""Responses as OpenAI's official client receives them."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from bot.channels.http import reply
from tests.fakes.sglang_server import SGLangServer
from tests.integration.bot.http.conftest import Served, until

QUESTION = "How do I sleep better?"
ANSWER = "Rest and sleep."


def turn_id(response: Any) -> str:
    name = response.id.removeprefix("resp_")
    return "-".join((name[:8], name[8:12], name[12:16], name[16:20], name[20:]))


async def test_response_object(served: Served) -> None:
    done = await served.client().responses.create(model="sport", input=QUESTION, user="anna", metadata={"a": "b"})
    assert (done.object, done.status, done.model, done.output_text) == ("response", "completed", "core+sport", ANSWER)
    assert done.usage is not None
    assert (done.usage.input_tokens, done.usage.output_tokens, done.usage.total_tokens) == (7, 3, 10)
    assert (done.metadata, done.model_extra and done.model_extra["consilium"]["mode"]) == ({"a": "b"}, "core+sport")
    turn = await served.ended(turn_id(done))
    assert (turn.question, turn.answer, turn.state) == (QUESTION, ANSWER, "delivered")
    again = await served.client().responses.retrieve(done.id, extra_query={"user": "anna"})
    assert (again.id, again.output_text, again.metadata) == (done.id, ANSWER, {"a": "b"})


async def test_stream_events(served: Served) -> None:
    async with served.client().responses.stream(model="base", input=QUESTION) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()
    assert [event.type for event in events if event.type != "response.output_text.delta"] == [
        "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
        "response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed",
    ]  # fmt: skip
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.delta for event in events if event.type == "response.output_text.delta"] == [
        "Rest",
        " and",
        " sleep.",
    ]
    assert (final.output_text, final.status, final.store) == (ANSWER, "completed", False)  # type: ignore[attr-defined]


async def test_a_response_that_is_cut(served: Served, server: SGLangServer) -> None:
    server.finish_reason = "length"
    done = await served.client().responses.create(model="base", input=QUESTION, max_output_tokens=3)
    assert done.status == "incomplete"
    assert done.incomplete_details is not None
    assert done.incomplete_details.reason == "max_output_tokens"


async def test_it_goes_on_from_previous_responses(served: Served, server: SGLangServer) -> None:
    create = served.client().responses.create
    first = await create(model="base", input=QUESTION, user="anna", instructions="Be brief.")
    second = await create(model="base", input="Why?", user="anna", previous_response_id=first.id)
    other = await create(model="base", input="And then?", user="anna", previous_response_id=first.id)
    await create(model="base", input="Really?", user="anna", previous_response_id=second.id)
    asked = [[m["content"] for m in request["messages"] if m["role"] != "system"] for request in server.requests]
    assert asked == [
        [QUESTION],
        [QUESTION, ANSWER, "Why?"],
        [QUESTION, ANSWER, "And then?"],
        [QUESTION, ANSWER, "Why?", ANSWER, "Really?"],
    ]
    assert other.previous_response_id == first.id
    assert "Be brief." in server.requests[0]["messages"][0]["content"]
    assert "Be brief." not in server.requests[1]["messages"][0]["content"]


async def test_a_conversation_is_kept_here(served: Served, server: SGLangServer) -> None:
    create = served.client().responses.create
    await create(model="base", input=QUESTION, conversation="n8n-7")
    done = await create(model="base", input="Why?", conversation={"id": "n8n-7"})
    await create(model="base", input="Alone?", conversation="n8n-8")
    asked = [[m["content"] for m in request["messages"] if m["role"] != "system"] for request in server.requests]
    assert asked == [[QUESTION], [QUESTION, ANSWER, "Why?"], ["Alone?"]]
    assert done.conversation is not None
    assert done.conversation.id == "n8n-7"


async def test_what_is_stored_without_a_person_is_remembered_of_nobody(served: Served) -> None:
    create = served.client().responses.create
    kept = await create(model="base", input="I live in Sparta.", store=True)
    assert (await served.ended(turn_id(kept))).question == "I live in Sparta."
    assert (await served.client().responses.retrieve(kept.id)).output_text == ANSWER
    async with served.http() as http:
        assert (await http.get("/v1/memories")).json()["data"] == []
    for more in ({}, {"store": False, "user": "anna"}):
        gone = await create(model="base", input="I live in Sparta.", **more)  # type: ignore[call-overload]
        assert (await served.ended(turn_id(gone))).question == ""
        with pytest.raises(openai.NotFoundError):
            await served.client().responses.retrieve(gone.id)
        with pytest.raises(openai.BadRequestError, match="store") as refused:
            await create(model="base", input="Where?", previous_response_id=gone.id)
        assert (refused.value.code, refused.value.param) == ("previous_response_not_found", "previous_response_id")


async def test_a_response_is_its_persons_alone(served: Served) -> None:
    mine = await served.client().responses.create(model="base", input=QUESTION, user="anna")
    for client, user in (("site", "boris"), ("site", None), ("app", "anna")):
        named = {"user": user} if user else {}
        responses = served.client(client).responses
        with pytest.raises(openai.NotFoundError):
            await responses.retrieve(mine.id, extra_query=named)
        with pytest.raises(openai.BadRequestError):
            await responses.create(model="base", input="?", previous_response_id=mine.id, **named)  # type: ignore[call-overload]


async def test_a_deleted_response_is_gone(served: Served, server: SGLangServer) -> None:
    client = served.client()
    first = await client.responses.create(model="base", input=QUESTION, user="anna", metadata={"secret": "x"})
    await served.ended(turn_id(first))
    await client.responses.delete(first.id, extra_query={"user": "anna"})
    turn = await served.turn(turn_id(first))
    assert (turn.question, turn.answer, turn.metadata) == ("", None, None)
    for call in (client.responses.retrieve, client.responses.delete):
        with pytest.raises(openai.NotFoundError):
            await call(first.id, extra_query={"user": "anna"})  # type: ignore[operator]
    with pytest.raises(openai.BadRequestError):
        await client.responses.create(model="base", input="Why?", user="anna", previous_response_id=first.id)


async def test_a_repeated_response_is_the_one_that_is_there(served: Served, server: SGLangServer) -> None:
    create = served.client().with_options(default_headers={"Idempotency-Key": "one"}).responses.create
    first = await create(model="base", input=QUESTION, user="anna")
    await served.ended(turn_id(first))
    again = await create(model="base", input=QUESTION, user="anna")
    assert (again.id, again.output) == (first.id, first.output)
    stream = await create(model="base", input=QUESTION, user="anna", stream=True)
    assert [event.type async for event in stream][-1] == "response.completed"
    assert len(server.requests) == 2


async def test_a_response_whose_engine_fails(served: Served, server: SGLangServer, monkeypatch: Any) -> None:
    server.fails_with = (500, "out of memory")
    with pytest.raises(openai.InternalServerError):
        await served.client().responses.create(model="base", input=QUESTION)
    monkeypatch.setattr(reply, "HEARTBEAT_SECONDS", 0.05)
    stream = await served.client().responses.create(model="base", input=QUESTION, stream=True)
    events = [event async for event in stream]
    assert [event.type for event in events] == ["response.created", "response.in_progress", "response.failed"]
    assert events[-1].response.error is not None  # type: ignore[union-attr]


async def test_a_client_that_goes_away_stops_a_response(served: Served, server: SGLangServer) -> None:
    server.answer_gate = asyncio.Event()
    stream = await served.client().responses.create(model="base", input=QUESTION, user="anna", stream=True)
    async for event in stream:
        if event.type == "response.output_text.delta":
            break
    await stream.close()

    async def is_stopped() -> bool:
        return [turn.state for turn in await served.turns()] == ["stopped"]

    await until(is_stopped)
    server.answer_gate.set()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "base"}, "input"),
        ({"model": "base", "input": ""}, "input"),
        ({"model": "base", "input": []}, "input"),
        ({"model": "base", "input": [{"role": "assistant", "content": "Hello!"}]}, "input"),
        ({"model": "base", "input": [{"role": "user", "content": [{"type": "input_image"}]}]},
         "input.0.content.0.input_image"),
        ({"model": "base", "input": [{"type": "function_call_output", "call_id": "1", "output": "7"}]}, "input"),
        ({"model": "base", "input": "Hi", "background": True}, "background"),
        ({"model": "base", "input": "Hi", "metadata": {"session": "a\u0000"}}, "metadata.session"),
        ({"model": "base", "input": "Hi", "text": {"format": {"type": "xml"}}}, "text.format"),
        ({"model": "base", "input": "Hi", "strict": True, "include": ["x"]}, "include"),
        ({"model": "base", "input": "Hi", "conversation": "a", "previous_response_id": "b"}, "body"),
        ({"model": "no such", "input": "Hi"}, "model"),
    ],
)  # fmt: skip
async def test_invalid_responses(served: Served, body: dict[str, Any], param: str) -> None:
    async with served.http() as http:
        response = await http.post("/v1/responses", json=body)
    assert response.status_code in (400, 404)
    assert response.json()["error"]["param"].startswith(param)
