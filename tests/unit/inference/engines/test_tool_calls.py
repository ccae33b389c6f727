"""Calls of tools, found in what a model writes in the form of its own chat template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.engines.chat_template import ChatTemplate
from inference.engines.port import Message, TextDelta, ThoughtDelta, ToolCall
from inference.engines.reasoning import ReasoningParser
from inference.engines.tool_calls import CallForm, ToolCallParser, call_schema, parse_schema_call

TEMPLATES = Path("tests/data/chat_templates/trl")
UNDERSTOOD = (
    "glm4moe", "llama3_1", "llama3_2", "nemotron_3_nano", "nemotron_3_super", "qwen2_5", "qwen3", "qwen3_5_think",
    "qwen3_6", "qwen3_8", "qwen3_instruct_2507", "qwen3_vl",
)  # fmt: skip
WITHOUT = ("cohere", "gemma", "gemma3", "llama3", "phi3", "phi3_5", "smolvlm", "deepseek_r1_distill")
"""Templates that show no tools to the model."""
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": "Looks something up.",
            "parameters": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "count": {"type": "integer"}, "deep": {"type": "object"}},
            },
        },
    }
    for name in ("find_passages", "get-weather")
]
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        # Tags around a value cannot be told from the same tags in it.
        "text": st.text("abcдеж 0123456789,.:!?{}[]\"'\\\n/-", max_size=20).map(str.strip),
        "count": st.integers(-1000, 1000),
        "deep": st.fixed_dictionaries({"a": st.lists(st.integers(0, 9), max_size=2)}),
    },
)
CALLS = st.lists(st.tuples(st.sampled_from(["find_passages", "get-weather"]), ARGUMENTS), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ChatTemplate]:
    read = {}
    for name in (*UNDERSTOOD, *WITHOUT):
        folder = tmp_path_factory.mktemp(name)
        (folder / "chat_template.jinja").write_text((TEMPLATES / f"{name}.jinja").read_text("utf-8"), "utf-8")
        (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<s>", "eos_token": "</s>"}))
        read[name] = ChatTemplate(folder)
    return read


def form_of(template: ChatTemplate) -> CallForm:
    assert template.call_form is not None
    return template.call_form


def read(form: CallForm, pieces: list[str]) -> tuple[str, str, list[ToolCall]]:
    parser = ToolCallParser(ReasoningParser(), form, TOOLS)
    events = [event for piece in pieces for event in parser.feed(piece)] + list(parser.finish())
    thoughts = "".join(event.text for event in events if isinstance(event, ThoughtDelta))
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    return thoughts, text, [event for event in events if isinstance(event, ToolCall)]


def written_answer(template: ChatTemplate, calls: list[tuple[str, dict[str, Any]]]) -> str:
    """What the template writes as an answer with these calls."""
    asked = Message("user", "quicksand")
    made = [ToolCall(name, json.dumps(given), f"call0000{n}") for n, (name, given) in enumerate(calls)]
    calling = Message("assistant", "", tool_calls=tuple(made))
    results = [Message("tool", f"gossamer{n}", tool_call_id=f"call0000{n}") for n in range(len(calls))]
    whole = template.render([asked, calling, *results], tools=TOOLS).partition("quicksand")[2].partition("gossamer0")[0]
    opening = form_of(template).opening or "{"
    return whole[whole.index(opening) :]


@pytest.mark.parametrize("name", UNDERSTOOD)
@settings(max_examples=12, deadline=None)
@given(calls=CALLS, data=st.data())
def test_what_a_template_writes_is_read(
    name: str, calls: list[tuple[str, dict[str, Any]]], data: st.DataObject, templates: dict[str, ChatTemplate]
) -> None:
    template = templates[name]
    if name.startswith("llama"):
        calls = calls[:1]  # its template has one call at a time
    written = written_answer(template, calls)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=4)))
    pieces = [written[start:end] for start, end in zip([0, *cuts], [*cuts, len(written)], strict=True)]
    _, _, found = read(form_of(template), pieces)
    assert [(call.name, json.loads(call.arguments)) for call in found] == calls


@pytest.mark.parametrize("name", WITHOUT)
def test_templates_without_tools(name: str, templates: dict[str, ChatTemplate]) -> None:
    assert templates[name].call_form is None


@pytest.mark.parametrize("name", UNDERSTOOD)
@given(text=st.text("abc <>{}[]\n/_tool", max_size=30))
@settings(max_examples=30, deadline=None)
def test_text_without_calls_stays(name: str, text: str, templates: dict[str, ChatTemplate]) -> None:
    _, found, calls = read(form_of(templates[name]), list(text))
    assert calls == []
    assert found == text


def test_text_and_thoughts_come_before_a_call(templates: dict[str, ChatTemplate]) -> None:
    call = '{"name": "find_passages", "arguments": {"text": "x"}}'
    text = f"<think>I look.</think>Let me see.\n<tool_call>\n{call}\n</tool_call>"
    thoughts, said, calls = read(form_of(templates["qwen3"]), list(text))
    assert (thoughts, said.strip()) == ("I look.", "Let me see.")
    assert calls == [ToolCall("find_passages", '{"text": "x"}')]


def test_a_call_that_was_cut_is_text(templates: dict[str, ChatTemplate]) -> None:
    text = '<tool_call>\n{"name": "find_passages", "argu'
    assert read(form_of(templates["qwen3"]), [text]) == ("", text, [])


def test_results_are_in_the_prompt(templates: dict[str, ChatTemplate]) -> None:
    messages = [
        Message("user", "Where?"),
        Message("assistant", "", tool_calls=(ToolCall("find_passages", '{"text": "x"}', "call00001"),)),
        Message("tool", "On page 7.", tool_call_id="call00001"),
    ]
    prompt = templates["qwen3"].render(messages, tools=TOOLS)
    assert "get-weather" in prompt
    assert prompt.index("find_passages") < prompt.index("On page 7.")


def test_the_schema_of_a_call() -> None:
    assert call_schema(TOOLS, "get-weather")["properties"]["name"] == {"const": "get-weather"}
    assert len(call_schema(TOOLS)["anyOf"]) == 2
    call = parse_schema_call('{"name": "get-weather", "arguments": {"count": 1}}')
    assert call == ToolCall("get-weather", '{"count": 1}')
    assert parse_schema_call('{"name": "get-wea') is None
