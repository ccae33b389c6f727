"""Messages, files, commands, rate limits and faults over REST."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.fakes.discord.server import DiscordFake
from tests.integration.fakes.discord.conftest import Api, Place

SEND = "POST /channels/{channel}/messages"


def button(**fields: Any) -> dict[str, Any]:
    return {"type": 2, "style": 2, "label": "Go", "custom_id": "go", **fields}


def select(options: int = 1, *, option: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    listed = [{"label": f"o{n}", "value": f"v{n}", **(option or {})} for n in range(options)]
    return {"type": 3, "custom_id": "pick", "options": listed, **fields}


def rows(*rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"content": "x", "components": [{"type": 1, "components": row} for row in rows]}


BAD_MESSAGES: list[tuple[dict[str, Any], str]] = [
    ({"content": "x" * 2001}, "content"),
    ({"content": "x", "nonce": "n" * 26}, "nonce"),
    ({"content": "x", "allowed_mentions": {"parse": ["all"]}}, "allowed_mentions.parse.0"),
    ({"content": "x", "message_reference": {"message_id": "1"}}, "message_reference"),
    (rows(*[[button(custom_id=str(n))] for n in range(6)]), "components"),
    (rows([button(custom_id=str(n)) for n in range(6)]), "components.0.components"),
    (rows([button(label="x" * 81)]), "components.0.components.0.label"),
    (rows([button(custom_id="x" * 101)]), "components.0.components.0.custom_id"),
    (rows([button()], [button()]), "components.1.components.0.custom_id"),
    (rows([select(), button()]), "components.0.components.1"),
    (rows([select(0)]), "components.0.components.0.options"),
    (rows([select(26)]), "components.0.components.0.options"),
    (rows([select(max_values=2)]), "components.0.components.0.max_values"),
    (rows([select(placeholder="x" * 151)]), "components.0.components.0.placeholder"),
    (rows([select(option={"label": "x" * 101})]), "components.0.components.0.options.0.label"),
    (rows([select(option={"description": "x" * 101})]), "components.0.components.0.options.0.description"),
]


@pytest.mark.parametrize(("body", "where"), BAD_MESSAGES)
async def test_bad_messages_are_refused(
    fake: DiscordFake, place: Place, api: Api, body: dict[str, Any], where: str
) -> None:
    text = await api.refused(api.request("POST", place.messages, body), 400, 50035)
    assert f"In {where}:" in text
    assert fake.people.messages_in(place.channel) == []


async def test_empty_messages_are_refused(place: Place, api: Api) -> None:
    await api.refused(api.request("POST", place.messages, {"content": " \n "}), 400, 50006)
    sent = await api.request("POST", place.messages, {"content": "something"})
    await api.refused(api.request("PATCH", f"{place.messages}/{sent['id']}", {"content": ""}), 400, 50006)


async def test_messages_that_do_not_exist_or_are_not_ours(fake: DiscordFake, place: Place, api: Api) -> None:
    await api.refused(api.request("POST", "/channels/1/messages", {"content": "x"}), 404, 10003)
    sent = await api.request("POST", place.messages, {"content": "x"})
    path = f"{place.messages}/{sent['id']}"
    await api.request("DELETE", path)
    for method in ("GET", "PATCH", "DELETE"):
        body = {"content": "x"} if method == "PATCH" else None
        await api.refused(api.request(method, path, body), 404, 10008)
    others = fake.people.send(place.channel, place.user, "hi")
    await api.refused(api.request("PATCH", f"{place.messages}/{others}", {"content": "mine"}), 403, 50005)


@pytest.mark.parametrize(
    ("denied", "code"), [("view_channel", 50001), ("send_messages", 50013), ("read_message_history", 160002)]
)
async def test_missing_permissions(fake: DiscordFake, place: Place, api: Api, denied: str, code: int) -> None:
    asked = fake.people.send(place.channel, place.user, "hi")
    fake.people.permit(place.channel, fake.people.bot, deny=[denied])
    body = {"content": "x", "message_reference": {"message_id": asked}}
    await api.refused(api.request("POST", place.messages, body), 403, code)


async def test_a_nonce_makes_sending_again_harmless_for_some_minutes(fake: DiscordFake, place: Place, api: Api) -> None:
    body = {"content": "once", "nonce": "n1", "enforce_nonce": True}
    fake.add_fault(SEND, "drop_after")
    with pytest.raises(aiohttp.ClientError):
        await api.request("POST", place.messages, body)
    again = await api.request("POST", place.messages, body)
    assert [message["id"] for message in fake.people.messages_in(place.channel)] == [again["id"]]
    fake.advance_clock(600)
    assert (await api.request("POST", place.messages, body))["id"] != again["id"]


async def test_a_reply_can_outlive_what_it_replies_to(fake: DiscordFake, place: Place, api: Api) -> None:
    asked = fake.people.send(place.channel, place.user, "hi")
    reference = {"message_id": asked, "fail_if_not_exists": False}
    body = {"content": "x", "message_reference": reference, "allowed_mentions": {"parse": [], "replied_user": False}}
    first = await api.request("POST", place.messages, body)
    assert fake.people.message(first["id"])["reply_to"] == asked
    assert first["mentions"] == []
    fake.people.delete(place.user, asked)
    second = await api.request("POST", place.messages, body)
    assert fake.people.message(second["id"])["reply_to"] is None


async def test_an_archived_thread_takes_new_messages_but_no_edits(fake: DiscordFake, place: Place, api: Api) -> None:
    path = f"/channels/{fake.people.start_thread(place.channel, 'aside')}/messages"
    sent = await api.request("POST", path, {"content": "x"})
    fake.people.archive(path.split("/")[2])
    await api.refused(api.request("PATCH", f"{path}/{sent['id']}", {"content": "y"}), 400, 50083)
    await api.request("POST", path, {"content": "z"})
    await api.request("PATCH", f"{path}/{sent['id']}", {"content": "y"})


async def test_files_are_replaced_by_an_edit_and_their_addresses_expire(
    fake: DiscordFake, place: Place, api: Api
) -> None:
    sent = await api.upload("POST", place.messages, {"a.txt": b"one", "b.txt": b"two"})
    path = f"{place.messages}/{sent['id']}"
    await api.upload("PATCH", path, {"c.txt": b"three"})
    assert fake.people.message(sent["id"])["files"] == ["c.txt"]
    async with aiohttp.ClientSession() as session:
        (attachment,) = (await api.request("GET", path))["attachments"]
        assert await (await session.get(attachment["url"])).read() == b"three"
        fake.advance_clock(25 * 3600)
        assert (await session.get(attachment["url"])).status == 404
        (attachment,) = (await api.request("GET", path))["attachments"]
        assert (await session.get(attachment["url"])).status == 200


async def test_uploads_are_limited(fake: DiscordFake, place: Place, api: Api) -> None:
    many = {f"{n}.txt": b"x" for n in range(11)}
    await api.refused(api.upload("POST", place.messages, many), 400, 30015)
    await api.refused(api.upload("POST", place.messages, {"large.bin": bytes((10 << 20) + 1)}), 413, 40005)
    fake.people.permit(place.channel, fake.people.bot, deny=["attach_files"])
    await api.refused(api.upload("POST", place.messages, {"a.txt": b"x"}), 403, 50013)


async def test_discord_py_waits_out_rate_limits(fake: DiscordFake, place: Place, api: Api) -> None:
    fake.rate_limits.rules[SEND] = (2, 0.2)
    fake.add_fault(SEND, "rate_limit", seconds=0.2)
    fake.add_fault(SEND, "rate_limit", seconds=0.2, scope="global")
    await asyncio.gather(*(api.request("POST", place.messages, {"content": str(n)}) for n in range(5)))
    assert len(fake.people.messages_in(place.channel)) == 5
    assert fake.rate_limits.early_requests == []


async def test_requests_over_the_limit_are_refused_and_early_ones_recorded(fake: DiscordFake, place: Place) -> None:
    url, headers = fake.api_base + place.messages, {"Authorization": f"Bot {fake.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        replies = [await session.post(url, json={"content": "x"}) for _ in range(7)]
        assert [reply.status for reply in replies] == [200] * 5 + [429] * 2
        body = await replies[-1].json()
        assert (body["global"], replies[-1].headers["X-RateLimit-Scope"]) == (False, "user")
        assert 0 < body["retry_after"] <= 5
        assert len(fake.rate_limits.early_requests) == 1
        fake.advance_clock(5)
        assert (await session.post(url, json={"content": "x"})).status == 200


@pytest.mark.parametrize(
    ("kind", "raised", "arrived"),
    [("error", "503: Internal Server Error", 0), ("drop_before", "disconnected", 0), ("drop_after", "disconnected", 1)],
)
async def test_a_fault_disturbs_one_request(
    fake: DiscordFake, place: Place, api: Api, kind: Any, raised: str, arrived: int
) -> None:
    fake.add_fault(SEND, kind, status=503)
    with pytest.raises(Exception, match=raised):
        await api.request("POST", place.messages, {"content": "x"})
    assert len(fake.people.messages_in(place.channel)) == arrived
    await api.request("POST", place.messages, {"content": "y"})


def command(**fields: Any) -> dict[str, Any]:
    return {"type": 1, "name": "mode", "description": "Chooses a mode", "contexts": [0, 1], **fields}


def option(**fields: Any) -> dict[str, Any]:
    return {"type": 3, "name": "mode", "description": "Which", **fields}


def choices(count: int) -> list[dict[str, str]]:
    return [{"name": f"choice {n}", "value": f"value {n}"} for n in range(count)]


BAD_COMMANDS: list[tuple[dict[str, Any], str]] = [
    (command(name="Mode"), "0.name"),
    (command(name="two words"), "0.name"),
    (command(name="x" * 33), "0.name"),
    (command(name_localizations={"ru": "Режим"}), "0.name"),
    (command(name_localizations={"xx": "mode"}), "0.xx"),
    (command(description="x" * 101), "0.description"),
    (command(description_localizations={"ru": "х" * 101}), "0.description"),
    (command(options=[option(type=12)]), "0.options.0.type"),
    (command(options=[option(), option()]), "0.options.1"),
    (command(options=[option(), option(name="b", required=True)]), "0.options.1"),
    (command(options=[option(max_length=6001)]), "0.options.0.max_length"),
    (command(options=[option(choices=choices(26))]), "0.options.0.choices"),
    (command(options=[option(choices=choices(1), autocomplete=True)]), "0.options.0.autocomplete"),
    (command(options=[option(name=f"o{n}", description="x" * 100, choices=choices(25)) for n in range(25)]), "0"),
]


@pytest.mark.parametrize(("bad", "where"), BAD_COMMANDS)
async def test_bad_commands_are_refused(fake: DiscordFake, api: Api, bad: dict[str, Any], where: str) -> None:
    path = f"/applications/{fake.application_id}/commands"
    text = await api.refused(api.request("PUT", path, [bad, command(name="good")]), 400, 50035)
    assert f"In {where}:" in text
    assert fake.people.commands() == []


async def test_commands_are_registered_again_under_their_ids(fake: DiscordFake, place: Place, api: Api) -> None:
    everywhere = f"/applications/{fake.application_id}/commands"
    first, second = [await api.request("PUT", everywhere, [command()]) for _ in range(2)]
    assert first[0]["id"] == second[0]["id"]
    in_guild = f"/applications/{fake.application_id}/guilds/{place.guild}/commands"
    await api.request("PUT", in_guild, [command(name="own")])
    assert [registered["name"] for registered in fake.people.commands(place.guild)] == ["own"]
    await api.refused(api.request("PUT", everywhere, [command(), command()]), 400, 50035)
    await api.refused(api.request("PUT", "/applications/1/commands", []), 403, 20012)
    foreign = f"/applications/{fake.application_id}/guilds/1/commands"
    await api.refused(api.request("PUT", foreign, []), 403, 50001)
