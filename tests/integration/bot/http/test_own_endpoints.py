"""Compositions and conflicts, turns and what people think of them, and documents, over HTTP."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from bot.core.messages import Incoming
from db.memory import forgetting
from db.people import access_rules, personal_data, users
from db.people.access_rules import Rule
from tests.integration.bot.http.conftest import Serve, Served

ALL = [
    ("GET", "/v1/compositions"), ("GET", "/v1/modes/base/composition"), ("GET", "/v1/modes/base/conflicts"),
    ("GET", "/v1/turns"), ("POST", f"/v1/turns/{uuid4()}/feedback"), ("DELETE", f"/v1/turns/{uuid4()}/feedback"),
    ("POST", "/v1/library/documents"),
]  # fmt: skip
NOTES = b"# Rest\n\nI sleep on the floor, by an open window, eight hours in winter.\n"


async def ask(http: httpx.AsyncClient, text: str, user: str | None = "anna", model: str = "sport+core") -> str:
    """Ask a question; the turn's id."""
    body = {"model": model, "messages": [{"role": "user", "content": text}]} | ({"user": user} if user else {})
    response = await http.post("/v1/chat/completions", json=body)
    assert response.status_code == 200, response.text
    turn: str = response.json()["consilium"]["turn"]
    return turn


async def persons(served: Served) -> int:
    """How many people of `site` there are."""
    names = ("site:anna", "site:boris")
    async with served.services.database.anonymous_transaction() as connection:
        found = [await users.find(connection, platform="http", external_id=name) for name in names]
    return sum(each is not None for each in found)


async def test_they_need_a_key_with_the_right(served: Served) -> None:
    reads, writes = await served.make_key(rights=["read"]), await served.make_key(rights=["write"])
    for method, path in ALL:
        for key, status in ((reads, 403 if method != "GET" else None), (writes, 403 if method == "GET" else None)):
            async with served.with_key(key) as http:
                response = await http.request(method, path, params={"name": "a.md"}, json={"rating": 1})
                if status is not None:
                    assert (response.status_code, response.json()["error"]["code"]) == (403, "insufficient_permissions")
        async with served.http(None) as http:
            assert (await http.request(method, path)).status_code == 401


async def test_what_a_mode_is_composed_of(served: Served) -> None:
    async with served.http() as http:
        asked = (await http.get("/v1/modes/sport*0.5+core/composition")).json()
        assert asked["mode"] == "core+sport*0.5"
        assert {part["adapter"]: part["kind"] for part in asked["parts"]} == {"core": "core", "sport": "topic"}
        assert {part["adapter"]: part["weight"] for part in asked["parts"]}["sport"] == pytest.approx(0.5)
        assert (asked["is_composed"], asked["rank"], asked["bytes"], asked["loaded"]) == (False, None, None, False)
        assert (await http.get("/v1/compositions")).json()["data"] == []

        await ask(http, "How do I rest?", model="sport*0.5+core")
        made = (await http.get("/v1/modes/sport*0.5+core/composition")).json()
        assert made["composition"] == asked["composition"]
        assert made["is_composed"]
        assert made["loaded"]
        [listed] = (await http.get("/v1/compositions")).json()["data"]
        assert listed["id"] == made["composition"]
        assert listed["loaded"]
        assert (listed["rank"], listed["bytes"]) == (made["rank"], made["bytes"])
        assert sorted(part["adapter"] for part in listed["parts"]) == ["core", "sport"]

        base = (await http.get("/v1/modes/base/composition")).json()
        assert (base["composition"], base["parts"], base["is_composed"]) == (None, [], False)
        for name, status in (("nonsense", 404), ("sport+", 404), ("physics+core@1-999", 404)):
            for what in ("composition", "conflicts"):
                assert (await http.get(f"/v1/modes/{name}/{what}")).status_code == status, name


async def test_conflicts_of_a_mode(served: Served) -> None:
    async with served.http() as http:
        found = (await http.get("/v1/modes/sport+physics+core/conflicts")).json()
        assert {tuple(sorted(pair["adapters"])) for pair in found["data"]} == {
            ("core", "physics"), ("core", "sport"), ("physics", "sport"),
        }  # fmt: skip
        for pair in found["data"]:
            assert -1 <= pair["total"]["cosine"] <= 1
            assert pair["layers"]
            assert pair["modules"]
        assert found["verdicts"][0]["adapter"] == "core"
        for verdict in found["verdicts"]:
            assert verdict["cost"]["low"] <= verdict["cost"]["expected"] <= verdict["cost"]["high"]
            assert verdict["adapter"] in verdict["text"]
        alone = (await http.get("/v1/modes/base/conflicts")).json()
        assert (alone["data"], alone["verdicts"]) == ([], [])


async def test_a_key_sees_its_modes_alone(served: Served) -> None:
    async with served.http() as http:
        await ask(http, "How do I rest?", model="physics+core")
    async with served.with_key(await served.make_key(models=["core+sport"])) as http:
        assert (await http.get("/v1/compositions")).json()["data"] == []
        for what in ("composition", "conflicts"):
            response = await http.get(f"/v1/modes/physics+core/{what}")
            assert (response.status_code, response.json()["error"]["code"]) == (403, "model_not_allowed")
        await ask(http, "How do I rest?")
        assert len((await http.get("/v1/compositions")).json()["data"]) == 1


async def test_turns_are_listed_to_their_person(served: Served) -> None:
    async with served.http() as http, served.http("app") as other:
        asked = [await ask(http, f"Question {n}?") for n in range(3)]
        first = (await http.get("/v1/turns", params={"user": "anna", "limit": 2})).json()
        assert [turn["id"] for turn in first["data"]] == [asked[2], asked[1]]
        assert first["has_more"]
        rest = (await http.get("/v1/turns", params={"user": "anna", "before": f"chatcmpl-{asked[1]}"})).json()
        assert [turn["question"] for turn in rest["data"]] == ["Question 0?"]
        assert not rest["has_more"]
        for nobody in ({"user": "boris"}, {}):
            assert (await http.get("/v1/turns", params=nobody)).json()["data"] == []
        for strange in (
            {"user": "anna", "before": str(uuid4())},
            {"user": "boris", "before": asked[1]},
            {"before": "x"},
        ):
            assert (await http.get("/v1/turns", params=strange)).status_code == 404
        assert (await other.get("/v1/turns", params={"user": "anna"})).json()["data"] == []
        for wrong in ({"limit": 0}, {"limit": 101}, {"user": "a\x00"}):
            assert (await http.get("/v1/turns", params=wrong)).status_code == 400
        assert await persons(served) == 1, "reading makes nobody"
    narrow = await served.make_key(people=["app-*"])
    async with served.with_key(narrow) as http:
        for path in ("/v1/turns", f"/v1/turns/{asked[0]}"):
            response = await http.get(path, params={"user": "anna"})
            assert (response.status_code, response.json()["error"]["code"]) == (403, "person_not_allowed")


async def test_a_rating_belongs_to_the_turn(served: Served) -> None:
    async with served.http() as http, served.http("app") as other:
        turn = await ask(http, "How do I rest?")
        path, anna = f"/v1/turns/{turn}", {"user": "anna"}
        assert (await http.get(path, params=anna)).json()["feedback"] is None
        thought = {"rating": -1, "comment": "Слишком длинно"}
        rated = (await http.post(f"{path}/feedback", params=anna, json=thought)).json()
        assert (rated["feedback"]["rating"], rated["feedback"]["comment"]) == (-1, "Слишком длинно")
        again = await http.post(f"{path}/feedback", params=anna, json={"rating": 1})
        assert (again.json()["feedback"]["rating"], again.json()["feedback"]["comment"]) == (1, None)
        assert (await http.get(path, params=anna)).json()["feedback"] == again.json()["feedback"]
        for client, user, known in ((http, {"user": "boris"}, 404), (http, {}, 404), (other, anna, 404)):
            assert (await client.post(f"{path}/feedback", params=user, json={"rating": -1})).status_code == known
            assert (await client.delete(f"{path}/feedback", params=user)).status_code == known
        for wrong in ({}, {"rating": 0}, {"rating": 2}, {"rating": True}, {"rating": 1, "comment": "x" * 4001}):
            assert (await http.post(f"{path}/feedback", params=anna, json=wrong)).status_code == 400
        assert (await http.post("/v1/turns/nonsense/feedback", params=anna, json={"rating": 1})).status_code == 404
        assert (await http.get(path, params=anna)).json()["feedback"] == again.json()["feedback"], "nothing changed it"
        assert (await http.delete(f"{path}/feedback", params=anna)).json()["feedback"] is None
        assert await persons(served) == 1


async def test_a_comment_is_exported_and_forgotten(served: Served) -> None:
    async with served.http() as http:
        turn = await ask(http, "How do I rest?")
        path = f"/v1/turns/{turn}/feedback"
        await http.post(path, params={"user": "anna"}, json={"rating": 1, "comment": "My dog Rex likes it."})
        stored = await served.turn(turn)
        async with served.services.database.person_transaction(stored.user_id) as connection:
            exported = await personal_data.export(connection, [])
            assert [row["rating_comment"] for row in exported["turns"]] == ["My dog Rex likes it."]
        await http.delete("/v1/memories", params={"user": "anna"})
        rated = await served.turn(turn)
        assert (rated.rating, rated.rating_comment) == (1, None)
        await http.post(path, params={"user": "anna"}, json={"rating": 1, "comment": "It stays gone."})
        assert (await served.turn(turn)).rating_comment is None


async def test_a_comment_goes_with_the_fact_that_it_says(served: Served) -> None:
    async with served.http() as http:
        said, rated = await ask(http, "My dog is called Rex."), await ask(http, "How do I rest?")
        thought = {"rating": 1, "comment": "My dog is called Rex."}
        await http.post(f"/v1/turns/{rated}/feedback", params={"user": "anna"}, json=thought)
        stored = await served.ended(said)
        async with served.services.database.person_transaction(stored.user_id) as connection:
            assert len(await forgetting.list_turns(connection)) == 2
        response = await http.delete(f"/v1/memories/q:{said}", params={"user": "anna"})
        assert response.status_code == 200, response.text
        assert (await served.turn(rated)).rating_comment is None


async def send(http: httpx.AsyncClient, name: str, content: bytes = NOTES, **params: str) -> httpx.Response:
    kind = {"Content-Type": "application/octet-stream"}
    return await http.post("/v1/library/documents", params={"name": name, **params}, content=content, headers=kind)


async def test_a_document_for_a_persons_memory(served: Served) -> None:
    async with served.http() as http:
        taken = (await send(http, "../notes.md", user="anna")).json()
        assert (taken["name"], taken["to"], taken["replaced"]) == ("notes.md", "memory", False)
        assert taken["passages"] == 1
        assert (await http.get(f"/v1/turns/{taken['turn']}", params={"user": "anna"})).json()["state"] == "delivered"
        stored = await served.turn(taken["turn"])
        async with served.services.database.person_transaction(stored.user_id) as connection:
            kept = await forgetting.list_memories(connection)
        assert sorted(each.kind for each in kept) == ["document", "passage"]
        found = await http.get("/v1/library/search", params={"query": "open window"})
        assert "notes.md" not in found.text, "it is nobody else's"


async def test_a_document_that_is_not_taken(serve: Serve) -> None:
    async with serve(document_megabytes=1) as served, served.http() as http:
        cases = [
            (await send(http, "notes.md"), 400, "user"),
            (await send(http, "notes.exe", user="anna"), 400, "body"),
            (await send(http, "broken.pdf", user="anna"), 400, "body"),
            (await send(http, "empty.md", b"", user="anna"), 400, "body"),
            (await send(http, "notes.md", b"x" * 1_100_000, user="anna"), 413, None),
            (await send(http, "notes.md", to="library"), 403, "to"),
            (await send(http, "notes.md", to="library", user="anna"), 403, "to"),
            (await send(http, "notes.md", to="elsewhere", user="anna"), 400, "to"),
        ]
        for response, status, param in cases:
            assert (response.status_code, response.json()["error"]["param"]) == (status, param), response.text


async def test_a_document_for_the_library_needs_an_admin(serve: Serve) -> None:
    async with serve() as served, served.http() as http:
        policy = served.services.inbox.access_policy
        async with served.services.database.anonymous_transaction() as connection:
            await access_rules.add(connection, policy.mind, Rule("role", "user", "http", "site:", "admin"))
            permissions = await policy.check(connection, Incoming("http", "site:", "", ""))
        assert not isinstance(permissions, Exception)
        assert permissions.is_admin
        taken = (await send(http, "notes.md", to="library")).json()
        assert (taken["to"], taken["passages"], taken["replaced"]) == ("library", 1, False)
        found = (await http.get("/v1/library/search", params={"query": "open window eight hours"})).json()
        assert "I sleep on the floor" in str(found["data"])
        assert (await send(http, "notes.md", NOTES + b"\nAlways.\n", to="library")).json()["replaced"]
        assert (await send(http, "notes.md", to="library", user="anna")).status_code == 403
