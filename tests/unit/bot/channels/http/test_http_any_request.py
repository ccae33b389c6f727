"""Whatever a client sends, it gets a documented status and OpenAI's error, never a failure of ours."""

from __future__ import annotations

import copy
import json
import os
from typing import Any, cast

import httpx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.app.http_application import make_application
from bot.channels.http import Api, ApiClient, ApiClients, KeyStore, api_routes
from bot.channels.http.response_models import ErrorObject
from bot.channels.http.routes import ENDPOINTS
from bot.core.errors import EmptyMessage
from bot.core.i18n import Translator
from bot.core.messages import Incoming
from bot.intake.inline import AcceptedMessage
from inference.engines.port import Sampling

EXAMPLES = 10_000 if os.environ.get("CONSILIUM_LONG") == "1" else 60
KEY = "key-of-the-site"
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
WHOLE = {
    "model": "base", "user": "anna", "metadata": {"session": "s"}, "conversation": {"id": "c"}, "conversationId": "c",
    "stream": True, "temperature": 1, "top_p": 0.5,
    "stream_options": {"include_usage": True}, "max_tokens": 5, "max_completion_tokens": -1,
    "top_k": 3, "min_p": 0.1, "frequency_penalty": 1, "presence_penalty": 1, "repetition_penalty": 1.1, "seed": 1,
    "logit_bias": {"5": 1}, "stop": ["x"], "n": 1, "logprobs": True, "strict": False,
    "tools": [{"type": "function", "function": {"name": "f", "description": "x", "parameters": {"type": "object"}}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}}, "parallel_tool_calls": True,
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "refusal", "refusal": "x"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "1", "content": "7"},
        {"role": "user", "content": "How are you?"},
    ],
}  # fmt: skip
RESPONSE: dict[str, Any] = {
    "model": "base", "user": "anna", "instructions": "Be brief.", "stream": True, "temperature": 1, "top_p": 0.5,
    "max_output_tokens": 5, "metadata": {"session": "s"}, "store": True, "strict": False,
    "text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}},
    "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}, {"type": "web_search"}],
    "tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": False,
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "7"},
        {"type": "reasoning", "summary": []},
        {"role": "user", "content": "How are you?"},
    ],
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


class _Mode:
    text = "base"


class _Direct:
    """Accepts nothing: what is tested ends before an answer."""

    async def accept(self, incoming: Incoming) -> AcceptedMessage:
        assert incoming.share == "client:site"
        assert incoming.client_conversation is not None
        incoming.client_conversation.resolve_sampling(Sampling())
        raise EmptyMessage


class _Heartbeat:
    draining = False


class _NoKeys:
    """Counts nothing: the key is of the settings."""

    async def count_request(self, client: ApiClient) -> None:
        assert client.key_id is None


class _StubApi:
    clients = ApiClients({"site": KEY}, cast(KeyStore, _NoKeys()))
    direct = _Direct()
    heartbeat = _Heartbeat()

    async def accept(self, client: ApiClient, incoming: Incoming) -> AcceptedMessage:
        return await self.direct.accept(client.admit(incoming))

    def resolve_mode(self, model: str) -> _Mode:
        return _Mode()

    async def takes_tools(self) -> bool:
        return True

    def translator_for(self, request: object) -> Translator:
        return Translator("en")


APPLICATION = make_application(api_routes(cast(Api, _StubApi())))
DOCUMENTED = {
    (method.upper(), path): set(operation["responses"])
    for path, methods in APPLICATION.openapi()["paths"].items()
    for method, operation in methods.items()
}


async def send(method: str, path: str, **more: Any) -> httpx.Response:
    transport = httpx.ASGITransport(APPLICATION)
    headers = {"Authorization": f"Bearer {KEY}", **more.pop("headers", {})}
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        return await client.request(method, path, headers=headers, **more)


def check_error(response: httpx.Response, statuses: set[str]) -> None:
    assert str(response.status_code) in statuses
    assert response.status_code < 500
    ErrorObject.model_validate(response.json(), strict=True)


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    found = [place] if place else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [each for key, part in inner for each in places(part, (*place, key))]


def changed(place: tuple[Any, ...], value: Any, whole: dict[str, Any] = WHOLE) -> dict[str, Any]:
    body: dict[str, Any] = copy.deepcopy(whole)
    part: Any = body
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    return body


@pytest.mark.long
@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(places(WHOLE)), JSON)
async def test_a_request_with_anything_anywhere(place: tuple[Any, ...], value: object) -> None:
    response = await send("POST", "/v1/chat/completions", json=changed(place, value))
    check_error(response, DOCUMENTED["POST", "/v1/chat/completions"])
    param = response.json()["error"]["param"]
    assert param is None or param.partition(".")[0] in {*WHOLE, *map(str, place), "messages", "body"}


@pytest.mark.long
@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(places(RESPONSE)), JSON)
async def test_a_response_with_anything_anywhere(place: tuple[Any, ...], value: object) -> None:
    body = changed(place, value, RESPONSE)
    assume(not body.get("conversation") and not body.get("previous_response_id"))  # these ask the database
    response = await send("POST", "/v1/responses", json=body)
    check_error(response, DOCUMENTED["POST", "/v1/responses"])
    param = response.json()["error"]["param"]
    assert param is None or param.partition(".")[0] in {*RESPONSE, *map(str, place), "input", "body"}


@pytest.mark.long
@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=50) | JSON.map(lambda value: json.dumps(value).encode()))
async def test_any_body(body: bytes) -> None:
    kind = {"Content-Type": "application/json"}
    response = await send("POST", "/v1/chat/completions", content=body, headers=kind)
    check_error(response, DOCUMENTED["POST", "/v1/chat/completions"])


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.tag == "people"], ids=lambda each: each.path)
async def test_names_of_people_have_limits(endpoint: Any) -> None:
    path = endpoint.path.format(id="00000000-0000-0000-0000-000000000000")
    for user in ("a" * 257, "a\x00b", "a\nb"):
        body = {"json": {"rating": 1}} if endpoint.method == "POST" else {}
        response = await send(endpoint.method, path, params={"user": user, "name": "notes.md"}, **body)
        check_error(response, DOCUMENTED[endpoint.method, endpoint.path])
        assert (response.status_code, response.json()["error"]["param"]) == (400, "user")


async def test_a_key_that_is_too_long_is_named() -> None:
    body = {"model": "base", "messages": [{"role": "user", "content": "Hi"}]}
    response = await send("POST", "/v1/chat/completions", json=body, headers={"Idempotency-Key": "k" * 256})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "Idempotency-Key")
