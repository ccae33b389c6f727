"""Keys, and what they open: one's own turns and memories, and nobody else's."""

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
EVERYTHING = [
    ("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("GET", "/v1/models/base"), ("GET", "/v1/modes"),
    ("GET", "/v1/turns/00000000-0000-0000-0000-000000000000"), ("GET", "/v1/memories"), ("DELETE", "/v1/memories"),
    ("DELETE", "/v1/memories/00000000-0000-0000-0000-000000000000"),
]  # fmt: skip


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer no-such-key", "Basic key-of-the-site", "Bearer \xff"]
)
async def test_without_a_known_key_nothing_opens(served: Served, authorization: str | None) -> None:
    async with served.http(None) as http:
        for method, path in EVERYTHING:
            headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
            response = await http.request(method, path, headers=headers)  # type: ignore[arg-type]
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert response.json()["error"]["code"] == "invalid_api_key"
    assert await served.turns() == []


async def test_where_there_are_no_keys_only_this_machine_may_ask_and_for_itself(serve: Serve) -> None:
    async with serve({}) as served, served.http(None) as http:
        assert (await http.get("/v1/models")).status_code == 200
        for passed_on in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            assert (await http.get("/v1/models", headers={passed_on: "203.0.113.5"})).status_code == 401
        # A page whose name has been made to lead here asks under its own name.
        assert (await http.get("/v1/models", headers={"Host": "evil.example"})).status_code == 401
        assert (await http.get("/v1/models", headers={"Host": "localhost:8080"})).status_code == 200


async def test_the_models_are_the_modes(served: Served) -> None:
    client = served.client()
    names = [model.id async for model in client.models.list()]
    assert names == ["auto", "core", "sport", "physics", "classical", "coach", "lab", "textbook", "base"]
    for name in ("спорт", "sport*0.5+physics", "тренер"):
        assert (await client.models.retrieve(name)).id == name
    with pytest.raises(openai.NotFoundError, match="sport"):
        await client.models.retrieve("sprot")
    async with served.http(**{"Accept-Language": "ru"}) as http:
        told = (await http.get("/v1/modes")).json()
    assert (told["mind"], told["default"]) == ("agoge", "auto")
    modes = {mode["name"]: mode for mode in told["data"]}
    assert (modes["lab"]["mode"], modes["lab"]["about"]) == ("core+physics*0.7", "Лаборатория")
    assert (modes["sport"]["kind"], "спорт" in modes["sport"]["aliases"]) == ("topic", True)


@pytest.fixture
def guarded(tmp_path: Path) -> Path:
    """The demo mind with physics for editors only."""
    folder = shutil.copytree(DEMO_MIND, tmp_path / "guarded")
    with (folder / "mind.yaml").open("a", encoding="utf-8") as spec:
        spec.write("\naccess:\n  physics: [editor]\n")
    return folder


async def test_modes_that_need_a_role_are_open_to_whom_it_is_granted(serve: Serve, guarded: Path) -> None:
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
        with pytest.raises(openai.PermissionDeniedError) as closed:
            await create(model="lab", messages=ASKED, user="boris")
        assert closed.value.code == "model_not_allowed"


async def test_whom_the_operator_keeps_out_is_kept_out_here_too(served: Served) -> None:
    async with served.services.database.anonymous_transaction() as connection:
        await access_rules.add(connection, "agoge", access_rules.Rule("deny", "user", "http", "site:anna"))
    create = served.client().chat.completions.create
    for _ in range(2):
        with pytest.raises(openai.PermissionDeniedError, match="not allowed") as kept_out:
            await create(model="base", messages=ASKED, user="anna")
        assert (kept_out.value.code, kept_out.value.param) == ("not_let_in", "user")
    await create(model="base", messages=ASKED, user="boris")
    await served.client("app").chat.completions.create(model="base", messages=ASKED, user="anna")
    assert len(await served.turns()) == 2


async def test_a_turn_is_seen_by_whose_it_is(served: Served) -> None:
    done = await served.client().chat.completions.create(model="sport", messages=ASKED, user="anna")

    async def has_ended() -> bool:
        return all(line.ended_at for line in await served.turns())

    await until(has_ended)
    async with served.http() as http:
        told = (await http.get(f"/v1/turns/{done.id}", params={"user": "anna"})).json()
        assert (told["state"], told["question"], told["answer"]) == (
            "delivered",
            ASKED[0]["content"],
            "Rest and sleep.",
        )
        assert (told["mode"], told["asked_mode"]) == ("core+sport", "core+sport")
        assert f"chatcmpl-{told['id']}" == done.id
        for whose in ({"user": "boris"}, {}):
            assert (await http.get(f"/v1/turns/{done.id}", params=whose)).status_code == 404
        assert (await http.get("/v1/turns/latest", params={"user": "anna"})).status_code == 404
        assert (await http.get(f"/v1/turns/{done.id}", params={"user": "a" * 257})).status_code == 400
    async with served.http("app") as http:
        assert (await http.get(f"/v1/turns/{done.id}", params={"user": "anna"})).status_code == 404


async def remember(served: Served, person: str, *contents: str) -> None:
    async with served.services.database.anonymous_transaction() as connection:
        user = await users.identify(connection, platform="http", external_id=person)
        own = await connection.become_person(user.id)
        for content in contents:
            await memories.remember(own, "fact", content)


async def remembered(served: Served, person: str, count: int) -> bool:
    async with served.services.database.anonymous_transaction() as connection:
        user = await users.identify(connection, platform="http", external_id=person)
        own = await connection.become_person(user.id)
        return int(await own.fetchval("SELECT count(*) FROM memories")) == count


async def test_memories_are_used_listed_and_forgotten(served: Served, server: SGLangServer) -> None:
    await remember(served, "site:anna", "I sleep on the floor.", "My knee hurts.")
    await remember(served, "app:anna", "I sleep in a hammock.")
    done = await served.client().chat.completions.create(model="base", messages=ASKED, user="anna")
    assert done.model_extra is not None
    assert "I sleep on the floor." in done.model_extra["consilium"]["memories"]
    system = server.requests[-1]["messages"][0]["content"]
    assert "I sleep on the floor." in system
    assert "hammock" not in system
    async with served.http("app") as http:
        [foreign] = (await http.get("/v1/memories", params={"user": "anna"})).json()["data"]
    async with served.http() as http:
        whose = {"user": "anna"}
        first, second = (await http.get("/v1/memories", params=whose)).json()["data"]
        assert (first["content"], second["content"]) == ("I sleep on the floor.", "My knee hurts.")
        await until(lambda: remembered(served, "site:anna", 4))
        gone = await http.delete(f"/v1/memories/{first['id']}", params=whose)
        assert gone.json() == {"id": first["id"], "object": "memory", "deleted": True}
        assert (await http.delete(f"/v1/memories/{first['id']}", params=whose)).status_code == 404
        assert (await http.delete(f"/v1/memories/{foreign['id']}", params=whose)).status_code == 404
        # The other fact, and with it the message, which is not listed; its answer went with the first fact.
        assert (await http.delete("/v1/memories", params=whose)).json()["deleted"] == 2
        assert (await http.get("/v1/memories", params=whose)).json()["data"] == []
    async with served.http("app") as http:
        assert len((await http.get("/v1/memories", params={"user": "anna"})).json()["data"]) == 1
