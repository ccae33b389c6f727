"""Which requests are taken, which parameters are refused, and by what name a mistake is called."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bot.channels.http.request_models import ChatRequest
from bot.channels.http.request_parsing import first_problem

ASKED = {"role": "user", "content": "How do I sleep better?"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def chat_request(*, messages: list[Any] | None = None, **more: Any) -> ChatRequest:
    return ChatRequest.model_validate({"model": "base", "messages": messages or [ASKED], **more})


def problem(**body: Any) -> tuple[str, str]:
    """The name of the wrong field, and what is wrong with it."""
    with pytest.raises(ValidationError) as refused:
        chat_request(**body)
    problems = [{**error, "loc": ("body", *error["loc"])} for error in refused.value.errors()]
    error = first_problem(problems)
    return error.param or "", str(error.details["problem"])


@pytest.mark.parametrize(
    "more",
    [
        {"stop": "x"}, {"stop": ["x"]}, {"stop": None}, {"stop": []}, {"max_tokens": -1}, {"n": 1}, {"n": None},
        {"tools": []}, {"tools": None}, {"logit_bias": {}}, {"logit_bias": None}, {"logit_bias": {"50256": -100}},
        {"logprobs": True, "top_logprobs": 5}, {"frequency_penalty": 0}, {"frequency_penalty": 1.5}, {"min_p": 0},
        {"top_k": 40}, {"repetition_penalty": 1}, {"store": False}, {"service_tier": "auto"}, {"strict": False},
        {"reasoning_effort": "low"}, {"stream_options": {"include_usage": True, "include_obfuscation": False}},
    ],
    ids=str,
)  # fmt: skip
def test_what_front_ends_send_is_taken(more: dict[str, Any]) -> None:
    assert list(chat_request(**more).unsupported_parameters()) == []


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a", "a"), (None, ""), ([], ""), ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab"),
        ([{"type": "refusal", "refusal": "no"}], "no"),
    ],
    ids=str,
)  # fmt: skip
def test_content(content: Any, text: str) -> None:
    assert chat_request(messages=[{"role": "assistant", "content": content}, ASKED]).messages[0].text == text


def test_a_message_may_have_no_content_at_all() -> None:
    assert chat_request(messages=[{"role": "assistant"}, ASKED]).messages[0].text == ""


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({"functions": [{"name": "f"}]}, ["functions"]),
        ({"audio": {"voice": "x"}}, ["audio"]),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "See:"}, IMAGE]}]},
         ["messages.0.content.1.image_url"]),
        ({"strict": True, "logprobs": True, "top_logprobs": 2, "store": True}, ["logprobs", "top_logprobs", "store"]),
        ({"strict": True, "temperature": 0.5, "logit_bias": {"1": 1}}, []),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_called_by_its_name(more: dict[str, Any], names: list[str]) -> None:
    assert list(chat_request(**more).unsupported_parameters()) == names


@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop", "at most 4 items"),
        ({"stop": ["a", ""]}, "stop.1", "at least 1 character"),
        ({"stop": 5}, "stop", "list"),
        ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
        ({"max_tokens": "many"}, "max_tokens", "integer"),
        ({"n": 2}, "n", "1"),
        ({"temperature": 3}, "temperature", "less than or equal to 2"),
        ({"frequency_penalty": 2.5}, "frequency_penalty", "less than or equal to 2"),
        ({"logit_bias": {"word": 1}}, "logit_bias.word", "pattern"),
        ({"logit_bias": {"5": 101}}, "logit_bias.5", "less than or equal to 100"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content", "list"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0", "needs a text"),
        ({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, "messages.0.content.0.type", "image_url"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0", "tool_call_id"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role", "assistant"),
        ({"tools": [{"type": "function"}]}, "tools.0.function", "required"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools.0.function.name", "pattern"),
        ({"tool_choice": "always"}, "tool_choice", "required"),
        ({"response_format": {"type": "xml"}}, "response_format", "json_schema"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "required"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": 5}}},
         "response_format.json_schema.schema", "dictionary"),
        ({"metadata": {"session": 5}}, "metadata.session", "string"),
    ],
)  # fmt: skip
def test_a_mistake_is_called_by_its_field_and_limit(body: dict[str, Any], param: str, says: str) -> None:
    named, told = problem(**body)
    assert named == param
    assert says in told
