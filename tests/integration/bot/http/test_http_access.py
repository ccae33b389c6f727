"""API keys, modes that need roles, and access to turns and memories."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import openai
import pytest

from bot.app.settings import DEMO_MIND
from db.memory import memories
from db.people import access_rules, users
from tests.fakes.sglang_server import SGLangServer
from tests.integration.bot.http.conftest import Serve, Served, until

ASKED: list[Any] = [{"role": "user", "content": "How do I sleep better?"}]
ALL_ENDPOINTS = [
    ("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("GET", "/v1/models/base"), ("GET", "/v1/modes"),
    ("GET", "/v1/turns/00000000-0000-0000-0000-000000000000"), ("GET", "/v1/memories"), ("DELETE", "/v1/memories"),
    ("DELETE", "/v1/memories/00000000-0000-0000-0000-000000000000"),
]  # fmt: skip


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer no-such-key", "Basic key-of-the-site-in-the-settings", "Bearer \xff"]
)
async def test_all_endpoints_need_a_known_key(served: Served, authorization: str | None) -> None:
    async with served.http(None) as http:
        for method, path in ALL_ENDPOINTS:
            headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
            response = await http.request(method, path, headers=headers)  # type: ignore[arg-type]
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert response.json()["error"]["code"] == "invalid_api_key"
    assert await served.turns() == []


async def test_an_open_service_lets_in_programs_on_this_machine_only(serve: Serve) -> None:
    async with serve({}, api_open=True) as served, served.http(None) as http:
        assert (await http.get("/v1/models")).status_code == 200
        for header in ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via"):
            assert (await http.get("/v1/models", headers={header: "203.0.113.5"})).status_code == 401
        for page in ("https://evil.example", "null", "http://[::1"):
            assert (await http.get("/v1/models", headers={"Origin": page})).status_code == 401
        assert (await http.get("/v1/models", headers={"Origin": "http://localhost:3000"})).status_code == 200
        # DNS rebinding: the request of a web page has the host name of that page.
        assert (await http.get("/v1/models", headers={"Host": "evil.example"})).status_code == 401
        assert (await http.get("/v1/models", headers={"Host": "localhost:8080"})).status_code == 200


async def test_models_are_modes(served: Served) -> None:
    client = served.client()
    names = [model.id async for model in client.models.list()]
    assert names == ["auto", "core", "sport", "physics", "classical", "coach", "lab", "textbook", "base"]
    for name in ("спорт", "sport*0.5+physics", "тренер"):
        assert (await client.models.retrieve(name)).id == name
    with pytest.raises(openai.NotFoundError, match="sport"):
        await client.models.retrieve("sprot")
    async with served.http(**{"Accept-Language": "ru"}) as http:
        listed = (await http.get("/v1/modes")).json()
    assert (listed["mind"], listed["default"]) == ("agoge", "auto")
    modes = {mode["name"]: mode for mode in listed["data"]}
    assert (modes["lab"]["mode"], modes["lab"]["about"]) == ("core+physics*0.7", "Лаборатория")
    assert (modes["sport"]["kind"], "спорт" in modes["sport"]["aliases"]) == ("topic", True)


@pytest.fixture
def guarded(tmp_path: Path) -> Path:
    """The demo mind with physics for editors only."""
    folder = shutil.copytree(DEMO_MIND, tmp_path / "guarded")
    with (folder / "mind.yaml").open("a", encoding="utf-8") as spec:
        spec.write("\naccess:\n  physics: [editor]\n")
    return folder


async def test_mode_that_needs_a_role(serve: Serve, guarded: Path) -> None:
    async with serve(mind=guarded) as served:
        async with served.services.database.anonymous_transaction() as connection:
            await access_rules.add(
                connection, "agoge", access_rules.Rule("role", "user", "http", "site:anna", "editor")
            )
        client = served.client()
        names = [model.id async for model in client.models.list()]
        assert "sport" in names
        assert not {"physics", "lab"} & set(names)
        create = client.chat.completions.create
        assert (await create(model="lab", messages=ASKED, user="anna")).model == "core+physics*0.7"
        with pytest.raises(openai.PermissionDeniedError) as denied:
            await create(model="lab", messages=ASKED, user="boris")
        assert denied.value.code == "model_not_allowed"


async def test_denied_person(served: Served) -> None:
    async with served.services.database.anonymous_transaction() as connection:
        await access_rules.add(connection, "agoge", access_rules.Rule("deny", "user", "http", "site:anna"))
    create = served.client().chat.completions.create
    for _ in range(2):
        with pytest.raises(openai.PermissionDeniedError, match="not allowed") as denied:
            await create(model="base", messages=ASKED, user="anna")
        assert (denied.value.code, denied.value.param) == ("not_let_in", "user")
    await create(model="base", messages=ASKED, user="boris")
    await served.client("app").chat.completions.create(model="base", messages=ASKED, user="anna")
    assert len(await served.turns()) == 2


async def test_turn_is_visible_to_its_person_only(served: Served) -> None:
    done = await served.client().chat.completions.create(model="sport", messages=ASKED, user="anna")

    async def has_ended() -> bool:
        return all(line.ended_at for line in await served.turns())

    await until(has_ended)
    async with served.http() as http:
        turn = (await http.get(f"/v1/turns/{done.id}", params={"user": "anna"})).json()
        assert (turn["state"], turn["question"], turn["answer"]) == (
            "delivered",
            ASKED[0]["content"],
            "Rest and sleep.",
        )
        assert (turn["mode"], turn["asked_mode"]) == ("core+sport", "core+sport")
        assert f"chatcmpl-{turn['id']}" == done.id
        for person in ({"user": "boris"}, {}):
            assert (await http.get(f"/v1/turns/{done.id}", params=person)).status_code == 404
        assert (await http.get("/v1/turns/latest", params={"user": "anna"})).status_code == 404
        assert (await http.get(f"/v1/turns/{done.id}", params={"user": "a" * 257})).status_code == 400
    async with served.http("app") as http:
        assert (await http.get(f"/v1/turns/{done.id}", params={"user": "anna"})).status_code == 404


async def remember(served: Served, person: str, *contents: str) -> None:
    async with served.services.database.anonymous_transaction() as connection:
        user = await users.identify(connection, platform="http", external_id=person)
        person_connection = await connection.become_person(user.id)
        for content in contents:
            await memories.remember(person_connection, "fact", content)


async def remembered(served: Served, person: str, count: int) -> bool:
    async with served.services.database.anonymous_transaction() as connection:
        user = await users.identify(connection, platform="http", external_id=person)
        person_connection = await connection.become_person(user.id)
        return int(await person_connection.fetchval("SELECT count(*) FROM memories")) == count


async def test_memories(served: Served, server: SGLangServer) -> None:
    await remember(served, "site:anna", "I sleep on the floor.", "My knee hurts.")
    await remember(served, "app:anna", "I sleep in a hammock.")
    done = await served.client().chat.completions.create(model="base", messages=ASKED, user="anna")
    assert done.model_extra is not None
    assert any(note.endswith(": I sleep on the floor.") for note in done.model_extra["consilium"]["memories"])
    system = server.requests[-1]["messages"][0]["content"]
    assert "I sleep on the floor." in system
    assert "hammock" not in system
    async with served.http("app") as http:
        [foreign] = (await http.get("/v1/memories", params={"user": "anna"})).json()["data"]
    async with served.http() as http:
        person = {"user": "anna"}
        first, second = (await http.get("/v1/memories", params=person)).json()["data"]
        assert (first["content"], second["content"]) == ("I sleep on the floor.", "My knee hurts.")
        await until(lambda: remembered(served, "site:anna", 4))
        deleted = await http.delete(f"/v1/memories/{first['id']}", params=person)
        assert deleted.json() == {
            "id": first["id"],
            "object": "memory",
            "deleted": True,
            "forgotten": {"facts": 1, "messages": 0, "answers": 0, "documents": 0},
            "unsure": [],
        }
        assert (await http.delete(f"/v1/memories/{first['id']}", params=person)).status_code == 404
        assert (await http.delete(f"/v1/memories/{foreign['id']}", params=person)).status_code == 404
        # The other fact and the episode of the question, which is not listed. That of the answer went with its fact.
        assert (await http.delete("/v1/memories", params=person)).json()["deleted"] == 2
        assert (await http.get("/v1/memories", params=person)).json()["data"] == []
    async with served.http("app") as http:
        assert len((await http.get("/v1/memories", params={"user": "anna"})).json()["data"]) == 1
