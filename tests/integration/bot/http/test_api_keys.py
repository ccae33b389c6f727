"""API keys: every way to misuse one is refused, and what they may do they can."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot.channels.http import key_store
from bot.channels.http.response_models import ErrorObject
from bot.core.api_keys import SHOWN_LENGTH, generate_key
from db.infra.connection import Connection
from db.infra.driver_errors import open_connection
from db.people import access_rules, api_keys
from tests.fakes.sglang_server import SGLangServer
from tests.integration.bot.http.conftest import KEYS, Serve, Served, until

CHAT = "/v1/chat/completions"
MEMORIES = "/v1/memories"
NO_RIGHT, NO_PERSON, NO_MODEL = "insufficient_permissions", "person_not_allowed", "model_not_allowed"
TOO_MUCH = "rate_limit_exceeded"


def asked(**more: Any) -> dict[str, Any]:
    return {"model": "base", "messages": [{"role": "user", "content": "How do I sleep?"}], **more}


async def count_people(served: Served) -> int:
    async with open_connection(served.dsn, 10) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM users"))


def refused(response: httpx.Response, status: int, code: str | None = None) -> None:
    """A response has this status, in OpenAI's form."""
    error = response.json()
    ErrorObject.model_validate(error, strict=True)
    assert response.status_code == status, error
    if code is not None:
        assert error["error"]["code"] == code
    kinds = {401: "invalid_request_error", 403: "permission_error", 429: "rate_limit_error"}
    assert error["error"]["type"] == kinds[status]
    assert ("Retry-After" in response.headers) == (status == 429)
    assert ("WWW-Authenticate" in response.headers) == (status == 401)


def malformed(key: str) -> list[list[bytes]]:
    """`Authorization` headers that are no key, made of one that is."""
    raw = key.encode()
    bearer = b"Bearer "
    ways = [
        [b""], [b"Bearer"], [b"Bearer x"], [raw], [b"Basic " + raw], [b"Bearer" + raw], [bearer + raw[:SHOWN_LENGTH]],
        [bearer + raw[:-1]], [bearer + raw[1:]], [bearer + raw + b"x"], [bearer + raw.swapcase()],
        [bearer + raw.lower()], [bearer + raw.upper()], [bearer + raw[::-1]], [bearer + raw + b" " + raw],
        [bearer + b'"' + raw + b'"'], [bearer + b"<" + raw + b">"], [bearer + raw + b","],
        [bearer + raw.replace(b"csk_", b"csk-")], [bearer + raw.replace(b"csk_", b"sk_")],
        [bearer + "ключ-по-русски".encode()], [bearer + raw[:-1] + "é".encode()], [bearer + b"\xff\xfe"],
        [bearer + raw[:-1] + b"\xb7"], [bearer + b"%63sk_" + raw[4:]], [bearer + b"x" * 5000],
        [bearer + generate_key().encode()], [bearer + b"undefined"], [bearer + b"' OR 1=1 --"],
        [bearer + raw, bearer + raw], [bearer + raw, bearer + b"other"], [bearer + b"other", bearer + raw],
    ]  # fmt: skip
    return [way for way in ways if way != [bearer + raw]]


async def test_a_key_that_is_not_whole_is_none(served: Served) -> None:
    key = await served.make_key()
    async with served.with_key(key) as http:
        assert (await http.get("/v1/models")).status_code == 200
    ways = malformed(key) + malformed(KEYS["site"])
    async with served.http(None) as http:
        for headers in ways:
            sent = [(b"Authorization", value) for value in headers]
            refused(await http.get("/v1/models", headers=sent), 401)
    assert len(ways) > 60


MISUSES: dict[str, tuple[dict[str, Any], tuple[str, str, dict[str, Any]], int, str]] = {
    # name: the key's scope, the request, the status, the code
    "expired": ({"lifetime": timedelta(seconds=-1)}, ("GET", "/v1/models", {}), 401, "api_key_expired"),
    "ask with a reading key": ({"rights": ["read"]}, ("POST", CHAT, {"json": asked()}), 403, NO_RIGHT),
    "delete with a reading key": (
        {"rights": ["read"]}, ("DELETE", MEMORIES, {"params": {"user": "anna"}}), 403, NO_RIGHT,
    ),
    "delete one with a reading key": (
        {"rights": ["read"]}, ("DELETE", f"{MEMORIES}/x", {"params": {"user": "anna"}}), 403, NO_RIGHT,
    ),
    "read with a writing key": (
        {"rights": ["write"]}, ("GET", MEMORIES, {"params": {"user": "anna"}}), 403, NO_RIGHT,
    ),
    "models with a key without rights": ({"rights": []}, ("GET", "/v1/models", {}), 403, NO_RIGHT),
    "another mode": ({"models": ["core+sport"]}, ("POST", CHAT, {"json": asked()}), 403, NO_MODEL),
    "auto": (
        {"models": ["core+sport"]}, ("POST", CHAT, {"json": asked(model="auto")}), 403, NO_MODEL,
    ),
    "a sum with more": (
        {"models": ["core+sport"]}, ("POST", CHAT, {"json": asked(model="sport+physics")}), 403, NO_MODEL,
    ),
    "other weights": (
        {"models": ["core+sport"]}, ("POST", CHAT, {"json": asked(model="sport*0.5")}), 403, NO_MODEL,
    ),
    "look at another mode": ({"models": ["core+sport"]}, ("GET", "/v1/models/physics", {}), 403, NO_MODEL),
    "search another mode's library": (
        {"models": ["core+sport"]}, ("GET", "/v1/library/search", {"params": {"query": "x", "mode": "physics"}}), 403,
        NO_MODEL,
    ),
    "other's response": (
        {"people": ["boris"]}, ("GET", "/v1/responses/resp_x", {"params": {"user": "anna"}}), 403, NO_PERSON,
    ),
    "answer other's response": (
        {"people": ["boris"]},
        ("POST", "/v1/responses", {"json": {"model": "base", "input": "x", "user": "anna"}}), 403, NO_PERSON,
    ),
    "a response in another mode": (
        {"models": ["core+sport"]}, ("POST", "/v1/responses", {"json": {"model": "base", "input": "x"}}), 403, NO_MODEL,
    ),
    "other's person": (
        {"people": ["boris"]}, ("POST", CHAT, {"json": asked(user="anna")}), 403, NO_PERSON,
    ),
    "other's person by the newer name": (
        {"people": ["boris"]}, ("POST", CHAT, {"json": asked(safety_identifier="anna")}), 403, NO_PERSON,
    ),
    "a name that only begins so": (
        {"people": ["ann"]}, ("POST", CHAT, {"json": asked(user="anna")}), 403, NO_PERSON,
    ),
    "a name outside the pattern": (
        {"people": ["team-*"]}, ("POST", CHAT, {"json": asked(user="team")}), 403, NO_PERSON,
    ),
    "the pattern's case": (
        {"people": ["team-*"]}, ("POST", CHAT, {"json": asked(user="Team-1")}), 403, NO_PERSON,
    ),
    "anybody with a key for nobody": ({"people": []}, ("POST", CHAT, {"json": asked(user="a")}), 403, NO_PERSON),
    "other's memories": (
        {"people": ["boris"]}, ("GET", MEMORIES, {"params": {"user": "anna"}}), 403, NO_PERSON,
    ),
    "delete other's memories": (
        {"people": ["boris"]}, ("DELETE", MEMORIES, {"params": {"user": "anna"}}), 403, NO_PERSON,
    ),
    "other's turn": (
        {"people": ["boris"]},
        ("GET", "/v1/turns/00000000-0000-0000-0000-000000000000", {"params": {"user": "anna"}}), 403,
        NO_PERSON,
    ),
    "memories by an untrusted name": (
        {"people_from": ["openwebui"]}, ("GET", MEMORIES, {"params": {"user": "anna"}}), 403, NO_PERSON,
    ),
    "other's person in a trusted header": (
        {"people": ["boris"], "people_from": ["openwebui"]},
        ("POST", CHAT, {"json": asked(), "headers": {"X-OpenWebUI-User-Id": "anna"}}), 403, NO_PERSON,
    ),
    "other's conversation": (
        {"people": ["boris"], "people_from": ["n8n"]}, ("POST", CHAT, {"json": asked(conversation="c")}), 403,
        NO_PERSON,
    ),
    "a second request a minute": (
        {"requests_per_minute": 1}, ("GET", "/v1/models", {"twice": True}), 429, TOO_MUCH,
    ),
    "a second request a day": (
        {"requests_per_day": 1}, ("GET", "/v1/models", {"twice": True}), 429, TOO_MUCH,
    ),
    "more tokens a minute": (
        {"tokens_per_minute": 1}, ("POST", CHAT, {"json": asked(), "twice": True}), 429, TOO_MUCH,
    ),
    "more tokens a day": (
        {"tokens_per_day": 1}, ("POST", CHAT, {"json": asked(), "twice": True}), 429, TOO_MUCH,
    ),
}  # fmt: skip


async def test_what_a_key_may_not_do(served: Served) -> None:
    async with served.services.database.anonymous_transaction() as connection:
        people = await count_people(served)
        assert not await api_keys.has_valid_key(connection, "another mind")
    for name, (scope, (method, path, more), status, code) in MISUSES.items():
        key = await served.make_key(f"program-{status}", **scope)
        arguments = dict(more)
        is_twice = arguments.pop("twice", False)
        async with served.with_key(key) as http:
            if is_twice:
                first = await http.request(method, path, **arguments)
                assert first.status_code == 200, name
                if path == CHAT:
                    await served.ended(first.json()["id"].removeprefix("chatcmpl-"))
            response = await http.request(method, path, **arguments)
            assert response.status_code == status, (name, response.text)
            refused(response, status, code)
    assert len(MISUSES) > 25
    # Of the refused requests nobody was made; the two that spent tokens were the program's own.
    assert await count_people(served) == people + 1


async def test_a_revoked_key_is_refused_while_the_service_runs(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_store, "FRESH_SECONDS", 0.05)
    key = await served.make_key()
    async with served.with_key(key) as http:
        assert (await http.get("/v1/models")).status_code == 200
        async with open_connection(served.dsn, 10) as raw:
            connection = Connection(raw, "test")
            [found] = await api_keys.find_named(connection, served.services.mind.name, key[:SHOWN_LENGTH])
            assert found.last_used_at is not None
            assert await api_keys.revoke(connection, found.id)
            assert not await api_keys.revoke(connection, found.id)

        async def is_refused() -> bool:
            return (await http.get("/v1/models")).status_code != 200

        await until(is_refused)
        refused(await http.get("/v1/models"), 401, "api_key_revoked")


async def test_a_key_of_another_mind_is_unknown(served: Served) -> None:
    key = await served.make_key()
    async with open_connection(served.dsn, 10) as raw:
        await raw.execute("UPDATE api_keys SET mind = 'other' WHERE prefix = $1", key[:SHOWN_LENGTH])
    async with served.with_key(key) as http:
        refused(await http.get("/v1/models"), 401, "invalid_api_key")


async def test_without_a_key_nobody_is_let_in(serve: Serve) -> None:
    async with serve({}) as served, served.http(None) as http:
        refused(await http.get("/v1/models"), 401, "invalid_api_key")
        assert (await http.get("/v1/nothing")).status_code == 404


async def test_a_key_sees_its_modes_and_its_people(served: Served) -> None:
    key = await served.make_key(models=["core+sport"], people=["team-*", "anna"])
    async with served.with_key(key) as http:
        listed = (await http.get("/v1/models")).json()["data"]
        assert [model["id"] for model in listed] == ["sport", "coach"]
        for name in ("спорт", "sport+core", "coach"):
            assert (await http.post(CHAT, json=asked(model=name, user="team-7"))).status_code == 200
        assert (await http.get(MEMORIES, params={"user": "anna"})).json()["data"] == []


async def test_messages_open_at_a_time(served: Served, server: SGLangServer) -> None:
    key = await served.make_key(at_once=2)
    gate = server.answer_gate = asyncio.Event()
    async with served.with_key(key) as http:
        held = [asyncio.create_task(http.post(CHAT, json=asked())) for _ in range(6)]

        async def four_are_refused() -> bool:
            return sum(task.done() for task in held) == 4

        await until(four_are_refused)
        gate.set()
        responses = [await task for task in held]
    assert sorted(response.status_code for response in responses) == [200, 200, 429, 429, 429, 429]
    for response in responses:
        if response.status_code == 429:
            refused(response, 429, TOO_MUCH)


async def test_reading_makes_nobody_and_passes_the_same_door(served: Served) -> None:
    async with served.services.database.anonymous_transaction() as connection:
        await access_rules.add(connection, "agoge", access_rules.Rule("deny", "user", "http", "site:kept-out"))
    people = await count_people(served)
    turn = "/v1/turns/00000000-0000-0000-0000-000000000000"
    requests = [("GET", MEMORIES), ("DELETE", MEMORIES), ("DELETE", f"{MEMORIES}/{turn[-36:]}"), ("GET", turn)]
    async with served.http() as http:
        for method, path in requests:
            for name in ("nobody-yet", "kept-out"):
                response = await http.request(method, path, params={"user": name})
                if name == "kept-out":
                    refused(response, 403, "not_let_in")
                else:
                    assert response.status_code in (200, 404)
    assert await count_people(served) == people


async def test_what_a_front_end_says_counts_only_under_a_key_that_trusts_it(served: Served) -> None:
    headers = {"X-OpenWebUI-User-Id": "anna", "X-OpenWebUI-Chat-Id": "chat-1"}
    ways: list[tuple[str, dict[str, Any]]] = [
        ("user", {"json": asked(user="anna")}),
        ("user", {"json": asked(safety_identifier="anna")}),
        ("openwebui", {"json": asked(), "headers": headers}),
        ("n8n", {"json": asked(conversationId="c1")}),
        ("n8n", {"json": asked(conversation={"id": "c1"})}),
    ]
    for source in ("user", "openwebui", "n8n"):
        key = await served.make_key(f"trusts-{source}", people_from=[source])
        async with served.with_key(key) as http:
            for by, request in ways:
                answer = (await http.post(CHAT, **request)).json()
                turn = await served.ended(answer["id"].removeprefix("chatcmpl-"))
                # Of nobody nothing is kept but a count.
                assert bool(turn.question) == (by == source), (source, request)
    places = {(turn.platform, turn.place) for turn in await served.turns()}
    assert {("http", "agoge/chat-1"), ("http", "agoge/c1")} <= places


async def test_a_name_in_a_header_has_limits(served: Served) -> None:
    key = await served.make_key(people_from=["openwebui"])
    async with served.with_key(key) as http:
        response = await http.post(CHAT, json=asked(), headers={"X-OpenWebUI-User-Id": "a" * 257})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "X-OpenWebUI-User-Id")


async def test_what_one_said_without_a_name_is_recalled_for_nobody(served: Served, server: SGLangServer) -> None:
    async with served.http() as http:
        told = {"messages": [{"role": "user", "content": "Remember: my password hint is lighthouse."}]}
        first = (await http.post(CHAT, json=asked(**told))).json()
        await served.ended(first["id"].removeprefix("chatcmpl-"))
        question = {"messages": [{"role": "user", "content": "What is my password hint?"}]}
        for user in ({}, {"user": "anna"}):
            second = (await http.post(CHAT, json=asked(**question, **user))).json()
            assert second["consilium"]["memories"] == []
            assert "lighthouse" not in str(server.requests[-1])


async def test_one_key_cannot_fill_the_waiting_room(serve: Serve, server: SGLangServer) -> None:
    async with serve(waiting=10) as served:
        gate = server.answer_gate = asyncio.Event()
        async with served.http("app") as greedy, served.http("site") as other:
            held = [asyncio.create_task(greedy.post(CHAT, json=asked())) for _ in range(20)]

            async def rest_is_refused() -> bool:
                return sum(task.done() for task in held) == 15

            await until(rest_is_refused)
            waiting = asyncio.create_task(other.post(CHAT, json=asked()))

            async def is_accepted() -> bool:
                return len(await served.turns()) == 6

            await until(is_accepted)
            gate.set()
            statuses = [(await task).status_code for task in held]
            assert (statuses.count(200), statuses.count(429)) == (5, 15)
            assert (await waiting).status_code == 200


async def test_a_request_of_another_is_answered_next(serve: Serve, server: SGLangServer) -> None:
    """Order by count and not by the clock: of 50 requests and one that comes after them, the one begins second."""
    async with serve(answers_at_once=1, person_at_once=100) as served:
        gate = server.answer_gate = asyncio.Event()
        async with served.http("app") as greedy, served.http("site") as other:
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(
                base_url=served.url, headers=greedy.headers, limits=limits, timeout=120
            ) as many:
                mass = [asyncio.create_task(many.post(CHAT, json=asked())) for _ in range(50)]

                async def all_wait() -> bool:
                    return len(await served.turns()) == 50 and len(server.requests) > 0

                await until(all_wait)
                before = len(server.requests)
                words = [{"role": "user", "content": "One question."}]
                one = asyncio.create_task(other.post(CHAT, json=asked(messages=words)))

                async def it_waits() -> bool:
                    return len(await served.turns()) == 51

                await until(it_waits)
                gate.set()
                assert (await one).status_code == 200
                asked_in_order = [str(request["messages"][-1]["content"]) for request in server.requests]
                assert asked_in_order.index("One question.") == before
                for task in mass:
                    assert (await task).status_code == 200
