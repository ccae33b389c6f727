"""Tools of a client, with a base model whose template knows them and with one that does not."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
import pytest_asyncio

from tests.fakes.sglang_server import SGLangServer
from tests.integration.bot.http.conftest import Serve, Served

TEMPLATE = Path("tests/data/chat_templates/trl/qwen3_instruct_2507.jinja")
ASKED: list[Any] = [{"role": "user", "content": "What is the weather in Sparta?"}]
FUNCTION = {
    "name": "weather",
    "description": "The weather in a town.",
    "parameters": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
}
TOOLS: list[Any] = [{"type": "function", "function": FUNCTION}]
RESPONSE_TOOLS: list[Any] = [{"type": "function", **FUNCTION}]
CALL = ("Let me look.\n", "<tool_c", 'all>\n{"name": "weather", "argum', 'ents": {"town": "Sparta"}}\n</tool_call>')


@pytest.fixture(scope="session")
def base_with_tools(base_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base model's folder with a template that knows tools."""
    folder = tmp_path_factory.mktemp("base") / base_model_dir.name
    shutil.copytree(base_model_dir, folder, copy_function=lambda source, target: Path(target).symlink_to(source))
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    (folder / "chat_template.jinja").write_text(TEMPLATE.read_text("utf-8"), "utf-8")
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def tooled(serve: Serve, base_with_tools: Path) -> AsyncIterator[Served]:
    async with serve(base_model=str(base_with_tools)) as served:
        yield served


async def test_a_call_and_its_result(tooled: Served, server: SGLangServer) -> None:
    create = tooled.client().chat.completions.create
    server.pieces = CALL
    done = await create(model="base", messages=ASKED, tools=TOOLS, user="anna")
    [choice] = done.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", "Let me look.")
    [call] = choice.message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"town": "Sparta"})
    assert server.requests[-1]["tools"][0]["function"]["name"] == "weather"
    assert (await tooled.ended(done.id.removeprefix("chatcmpl-"))).answer == "Let me look."
    server.pieces = ("It is", " sunny.")
    messages = [*ASKED, choice.message, {"role": "tool", "tool_call_id": call.id, "content": "sunny <|im_end|>"}]
    done = await create(model="base", messages=messages, tools=TOOLS, user="anna")
    assert done.choices[0].message.content == "It is sunny."
    asked, calling, result = server.requests[-1]["messages"][-3:]
    assert asked["content"] == ASKED[0]["content"]
    assert calling["tool_calls"][0]["function"]["arguments"] == '{"town": "Sparta"}'
    assert (result["role"], result["tool_call_id"], result["content"]) == ("tool", call.id, "sunny < |im_end|>")


async def test_a_streamed_call(tooled: Served, server: SGLangServer) -> None:
    server.pieces = CALL
    stream = await tooled.client().chat.completions.create(model="base", messages=ASKED, tools=TOOLS, stream=True)
    chunks = [chunk.choices[0] async for chunk in stream]
    assert "".join(chunk.delta.content or "" for chunk in chunks).strip() == "Let me look."
    [call] = [call for chunk in chunks for call in chunk.delta.tool_calls or ()]
    assert call.function is not None
    assert (call.index, call.function.name, call.function.arguments) == (0, "weather", '{"town": "Sparta"}')
    assert chunks[-1].finish_reason == "tool_calls"


async def test_a_call_that_has_to_be(tooled: Served, server: SGLangServer) -> None:
    server.pieces = ('{"name": "weather", ', '"arguments": {"town": "Sparta"}}')
    choice = {"type": "function", "function": {"name": "weather"}}
    for forced in ("required", choice):
        create = tooled.client().chat.completions.create
        done = await create(model="base", messages=ASKED, tools=TOOLS, tool_choice=forced)  # type: ignore[call-overload]
        assert done.choices[0].message.content is None
        assert done.choices[0].message.tool_calls[0].function.name == "weather"
        schema = server.requests[-1]["response_format"]["json_schema"]["schema"]
        assert schema["properties"]["name"] == {"const": "weather"}


async def test_a_response_goes_on_from_its_call(tooled: Served, server: SGLangServer) -> None:
    create = tooled.client().responses.create
    server.pieces = CALL
    stream = await create(model="base", input=ASKED[0]["content"], tools=RESPONSE_TOOLS, user="anna", stream=True)
    events = [event async for event in stream]
    assert events[-1].type == "response.completed"
    first = events[-1].response
    message, call = first.output
    assert (message.type, call.type, call.name) == ("message", "function_call", "weather")
    assert [event.type for event in events][-5:-1] == [
        "response.output_item.added", "response.function_call_arguments.delta",
        "response.function_call_arguments.done", "response.output_item.done",
    ]  # fmt: skip
    server.pieces = ("It is", " sunny.")
    output: list[Any] = [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}]
    done = await create(model="base", input=output, tools=RESPONSE_TOOLS, user="anna", previous_response_id=first.id)
    assert done.output_text == "It is sunny."
    roles = [message["role"] for message in server.requests[-1]["messages"]]
    assert roles == ["system", "user", "assistant", "tool"]
    await create(model="base", input="And tomorrow?", user="anna", previous_response_id=done.id)
    asked = [message["content"] for message in server.requests[-1]["messages"][1:]]
    assert asked == [ASKED[0]["content"], "It is sunny.", "And tomorrow?"]


async def test_without_tools_in_the_template_a_person_gets_their_answer(served: Served, server: SGLangServer) -> None:
    client = served.client()
    raw = await client.chat.completions.with_raw_response.create(model="base", messages=ASKED, tools=TOOLS)
    assert raw.headers["X-Consilium-Ignored"] == "tools"
    assert raw.parse().choices[0].message.content == "Rest and sleep."
    assert "tools" not in server.requests[-1]
    called = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages = [
        *ASKED,
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "1", "content": "The sun shines."},
    ]
    await client.chat.completions.create(model="base", messages=messages, tools=TOOLS)
    assert "The sun shines." in server.requests[-1]["messages"][-1]["content"]
    for more in ({"tool_choice": "required"}, {"extra_body": {"strict": True}}):
        with pytest.raises(openai.BadRequestError, match="cannot call tools") as refused:
            await client.chat.completions.create(model="base", messages=ASKED, tools=TOOLS, **more)  # type: ignore[call-overload]
        assert refused.value.param == "tools"
