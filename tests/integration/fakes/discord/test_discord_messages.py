"""Messages in channels: what is refused, what is done once, what is seen."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import aiohttp
import discord
import pytest

from tests.fakes.discord.server import DiscordFake

Refused = Callable[..., Any]


def button(**what: Any) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": "Go", "custom_id": "go", **what}


def select(options: int = 1, **what: Any) -> dict[str, Any]:
    listed = [{"label": f"o{n}", "value": f"v{n}"} for n in range(options)]
    return {"type": 3, "custom_id": "pick", "options": listed, **what}


def select_of(*options: dict[str, Any], **only: Any) -> dict[str, Any]:
    described = [{"label": f"o{n}", "value": f"v{n}", **o} for n, o in enumerate(options or [only])]
    return {"type": 3, "custom_id": "pick", "options": described}


def rows(*rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"components": [{"type": 1, "components": row} for row in rows]}


def layout(*components: dict[str, Any]) -> dict[str, Any]:
    return {"flags": 1 << 15, "components": list(components)}


def embed(**what: Any) -> dict[str, Any]:
    return {"embeds": [{"title": "T", **what}]}


FIRST = "components.0.components.0"
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"content": "x" * 2001}, "content", "2000 or fewer"),
    ({"content": 5}, "content", "as string"),
    ({"content": "x", "nonce": "n" * 26}, "nonce", "25 or fewer"),
    (rows(*[[button(custom_id=str(n))] for n in range(6)]), "components", "5 or fewer"),
    (rows([button(custom_id=str(n)) for n in range(6)]), "components.0.components", "between 1 and 5"),
    (rows([]), "components.0.components", "between 1 and 5"),
    ({"components": [button()]}, "components.0", "must be one of (1,)"),
    (rows([button(custom_id="x" * 101)]), f"{FIRST}.custom_id", "100 or fewer"),
    (rows([button(custom_id=None)]), f"{FIRST}.custom_id", "required"),
    (rows([button()], [button()]), "components.1.components.0.custom_id", "duplicated"),
    (rows([button(label="x" * 81)]), f"{FIRST}.label", "80 or fewer"),
    (rows([button(label=None)]), FIRST, "label or emoji"),
    (rows([button(style=9)]), f"{FIRST}.style", "one of"),
    (rows([button(style=5)]), f"{FIRST}.url", "required"),
    (rows([button(style=5, url="https://x")]), f"{FIRST}.custom_id", "cannot both"),
    (rows([button(emoji={"name": "smile"})]), f"{FIRST}.emoji.name", "Invalid emoji"),
    (rows([select(), button()]), "components.0.components.1", "maximum width"),
    (rows([select(26)]), f"{FIRST}.options", "between 1 and 25"),
    (rows([select(0)]), f"{FIRST}.options", "between 1 and 25"),
    (rows([select(placeholder="x" * 151)]), f"{FIRST}.placeholder", "150 or fewer"),
    (rows([select(max_values=2)]), f"{FIRST}.max_values", "exceeds"),
    (rows([select(options=0) | {"options": [{"label": "x" * 101, "value": "v"}]}]), f"{FIRST}.options.0.label", "100"),
    (rows([select() | {"options": [{"label": "a", "value": "v"}] * 2}]), f"{FIRST}.options.1", "already used"),
    ({"flags": 1 << 15, "content": "x", "components": [{"type": 10, "content": "y"}]}, "content", "cannot be used"),
    ({"flags": 1 << 15, "components": [{"type": 10, "content": "y" * 4001}]}, "components", "maximum size of 4000"),
    (layout({"type": 17, "components": [{"type": 10, "content": "y"}] * 40}), "components", "maximum number"),
    (layout(button()), "components.0", "must be one of"),
    (layout({"type": 10, "content": ""}), "components.0.content", "between 1 and 4000"),
    (layout({"type": 9, "components": []}), "components.0.components", "between 1 and 40"),
    (layout({"type": 1, "components": []}), "components.0.components", "between 1 and 5"),
    (layout({"type": 17, "components": [{"type": 2}]}), "components.0.components.0", "must be one of"),
    (
        layout({"type": 9, "components": [{"type": 10, "content": "y"}], "accessory": button(style=9)}),
        "components.0.accessory.style",
        "one of",
    ),
    (rows([select(custom_id="x" * 101)]), f"{FIRST}.custom_id", "100 or fewer"),
    (rows([select(max_values=0)]), f"{FIRST}.max_values", "greater than or equal"),
    (rows([select_of(description="x" * 101)]), f"{FIRST}.options.0.description", "100 or fewer"),
    (rows([select_of(emoji={"name": "smile"})]), f"{FIRST}.options.0.emoji.name", "Invalid emoji"),
    (rows([select_of({"default": True}, {"default": True})]), f"{FIRST}.options", "Too many default"),
    (rows([{"type": 4, "custom_id": "t"}]), FIRST, "must be one of (2, 3"),
    (rows([select(min_values=26)]), f"{FIRST}.min_values", "less than or equal"),
    (rows([select(placeholder=5)]), f"{FIRST}.placeholder", "as string"),
    ({"content": "x", "flags": -1}, "flags", "greater than or equal"),
    ({"content": "x", "flags": "4"}, "flags", "is not int"),
    ({"content": "x", "embeds": {}}, "embeds", "ListType"),
    ({"content": "x", "embeds": ["T"]}, "embeds.0", "DictType"),
    (embed(title="x" * 257), "embeds.0.title", "256 or fewer"),
    (embed(description="x" * 4097), "embeds.0.description", "4096 or fewer"),
    (embed(fields=[{"name": "n", "value": "v"}] * 26), "embeds.0.fields", "25 or fewer"),
    (embed(fields=[{"name": "n", "value": "x" * 1025}]), "embeds.0.fields.0.value", "1024 or fewer"),
    (embed(fields=[{"name": "x" * 257, "value": "v"}]), "embeds.0.fields.0.name", "256 or fewer"),
    (embed(fields=[{"name": "n", "value": ""}]), "embeds.0.fields.0.value", "between 1 and 1024"),
    (embed(footer={"text": "x" * 2049}), "embeds.0.footer.text", "2048 or fewer"),
    (embed(author={"name": "x" * 257}), "embeds.0.author.name", "256 or fewer"),
    (embed(url="ftp://x"), "embeds.0.url", "not http"),
    (embed(color=1 << 24), "embeds.0.color", "less than or equal"),
    ({"embeds": [{}]}, "embeds.0.description", "required"),
    ({"embeds": [{"title": "T"}] * 11}, "embeds", "10 or fewer"),
    ({"embeds": [{"description": "x" * 3001}] * 2}, "embeds", "maximum size of 6000"),
    ({"content": "x", "allowed_mentions": {"parse": ["all"]}}, "allowed_mentions.parse.0", "one of"),
    ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, "allowed_mentions", "exclusive"),
    ({"content": "x", "message_reference": {"message_id": "1"}}, "message_reference", "Unknown message"),
]


@pytest.mark.parametrize(("body", "where", "why"), BAD)
async def test_bad_bodies_are_refused_with_the_place(
    fake: DiscordFake, place: Any, bots: Any, refused: Refused, body: dict[str, Any], where: str, why: str
) -> None:
    bot = await bots.login()
    text = await refused(bot.ask("POST", f"/channels/{place.channel}/messages", **body), 400, 50035)
    assert f"In {where}:" in text
    assert why in text
    assert fake.people.visible(place.channel) == []


@pytest.mark.parametrize("body", [{"content": ""}, {"content": " \n "}, {"embeds": []}, {"tts": False}])
async def test_nothing_cannot_be_sent_nor_left(place: Any, bots: Any, refused: Refused, body: dict[str, Any]) -> None:
    bot, path = await bots.login(), f"/channels/{place.channel}/messages"
    await refused(bot.ask("POST", path, **body), 400, 50006)
    sent = await bot.ask("POST", path, content="something")
    await refused(bot.ask("PATCH", f"{path}/{sent['id']}", content=""), 400, 50006)


async def test_what_is_not_there_is_unknown(fake: DiscordFake, place: Any, bots: Any, refused: Refused) -> None:
    bot, path = await bots.login(), f"/channels/{place.channel}"
    await refused(bot.ask("POST", "/channels/1/messages", content="x"), 404, 10003)
    for method in ("GET", "PATCH", "DELETE"):
        body = {"content": "x"} if method == "PATCH" else {}
        await refused(bot.ask(method, f"{path}/messages/1", **body), 404, 10008)
    await refused(bot.ask("GET", "/users/1"), 404, 10013)
    await refused(bot.ask("GET", "/guilds/1"), 404, 10004)
    await refused(bot.ask("GET", f"/guilds/{place.guild}/members/1"), 404, 10007)
    await refused(bot.ask("GET", "/channels/name"), 400, 50035)
    await refused(bot.ask("GET", "/no/such/route"), 404, 0)
    await refused(bot.http.add_reaction(int(place.channel), 1, "👍"), 404, 10008)
    said = fake.people.say(place.channel, place.user, "hi")
    await refused(bot.ask("PATCH", f"{path}/messages/{said}", content="mine now"), 403, 50005)
    await refused(bot.http.add_reaction(int(place.channel), int(said), "thumb"), 400, 10014)
    bot.http.token = "stolen"
    await refused(bot.ask("GET", path), 401, 0)


RIGHTS: list[tuple[list[str], dict[str, Any], int]] = [
    (["view_channel"], {"content": "x"}, 50001),
    (["send_messages"], {"content": "x"}, 50013),
    (["embed_links"], {"embeds": [{"title": "x"}]}, 50013),
    (["read_message_history"], {"content": "x", "message_reference": {"message_id": "1"}}, 160002),
]


@pytest.mark.parametrize(("denied", "body", "code"), RIGHTS)
async def test_without_a_right_sending_is_refused(
    fake: DiscordFake, place: Any, bots: Any, refused: Refused, denied: list[str], body: dict[str, Any], code: int
) -> None:
    bot = await bots.login()
    fake.people.permit(place.channel, fake.people.bot(), deny=denied)
    await refused(bot.ask("POST", f"/channels/{place.channel}/messages", **body), 403, code)


async def test_other_things_need_rights_as_well(fake: DiscordFake, place: Any, bots: Any, refused: Refused) -> None:
    bot, path = await bots.login(), f"/channels/{place.channel}"
    said = fake.people.say(place.channel, place.user, "hi")
    fake.people.permit(place.channel, place.guild, deny=["read_message_history", "send_messages"])
    await refused(bot.ask("GET", f"{path}/messages/{said}"), 403, 50013)
    await refused(bot.ask("POST", f"{path}/typing"), 403, 50013)
    assert await bot.ask("GET", f"{path}/messages") == []
    everything = ["add_reactions", "attach_files", "create_public_threads", "create_private_threads"]
    fake.people.permit(place.channel, place.guild, deny=everything)
    await refused(bot.http.add_reaction(int(place.channel), int(said), "👍"), 403, 50013)
    await refused(bot.ask("DELETE", f"{path}/messages/{said}"), 403, 50013)
    await refused(bot.ask("POST", f"{path}/messages/{said}/threads", name="t"), 403, 50013)
    await refused(bot.ask("POST", f"{path}/threads", name="t"), 403, 50013)
    channel = await bot.fetch_channel(int(place.channel))
    await refused(channel.send(file=discord.File(io.BytesIO(b"x"), "x.txt")), 403, 50013)
    fake.people.give_role(
        place.guild, fake.people.bot(), fake.people.role(place.guild, "m", permissions=["manage_messages"])
    )
    await bot.ask("DELETE", f"{path}/messages/{said}")
    assert fake.people.visible(place.channel) == []


async def test_whom_the_bot_cannot_write_to(fake: DiscordFake, place: Any, bots: Any, refused: Refused) -> None:
    bot = await bots.login()
    stranger = fake.people.user("Stranger")
    for user, code in ((stranger, 50278), (place.user, 50007)):
        channel = await (await bot.fetch_user(int(user))).create_dm()
        fake.people.accept_dms(user, user == stranger)
        await refused(channel.send("hello"), 403, code)
    await refused(bot.http.start_private_message(1), 400, 50033)
    fake.people.accept_dms(place.user, True)
    theirs = fake.people.tell_bot(place.user, "hi")
    direct = fake.people.dm(place.user)
    await refused(bot.ask("DELETE", f"/channels/{direct}/messages/{theirs}"), 403, 50003)
    await refused(bot.ask("POST", f"/channels/{direct}/threads", name="t"), 400, 50024)


async def test_a_nonce_makes_resending_harmless_for_some_minutes(fake: DiscordFake, place: Any, bots: Any) -> None:
    channel = await (await bots.login()).fetch_channel(int(place.channel))
    first, again = [await channel.send("once", nonce=77) for _ in range(2)]
    assert first.id == again.id
    assert [m["content"] for m in fake.people.visible(place.channel)] == ["once"]
    fake.people.shift_clock(600)
    assert (await channel.send("once", nonce=77)).id != first.id


async def test_a_nonce_survives_an_answer_that_was_lost(fake: DiscordFake, place: Any, bots: Any) -> None:
    channel = await (await bots.login()).fetch_channel(int(place.channel))
    fake.people.fault("POST /channels/{channel}/messages", "drop_after")
    with pytest.raises(aiohttp.ClientError):
        await channel.send("once", nonce="n1")
    await channel.send("once", nonce="n1")
    assert len(fake.people.visible(place.channel)) == 1


async def test_old_messages_take_few_edits(fake: DiscordFake, place: Any, bots: Any) -> None:
    message = await (await (await bots.login()).fetch_channel(int(place.channel))).send("old")
    fake.people.shift_clock(3700)
    for n in range(3):
        await message.edit(content=f"edit {n}")
    fake.limits.rules["PATCH /channels/{channel}/messages/{message}"] = (1000, 1.0)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {fake.token}"}) as session:
        path = f"{fake.api_base}/channels/{place.channel}/messages/{message.id}"
        async with session.patch(path, json={"content": "too much"}) as reply:
            body = await reply.json()
    assert (reply.status, body["code"]) == (429, 30046)
    assert 0 < body["retry_after"] <= 20


async def test_a_slow_channel_is_slow_for_bots_too(fake: DiscordFake, place: Any, bots: Any) -> None:
    slow = fake.people.channel(place.guild, "slow", slowmode=60)
    path, headers = f"/channels/{slow}/messages", {"Authorization": f"Bot {fake.token}"}
    await (await bots.login()).ask("POST", path, content="one")
    async with aiohttp.ClientSession(headers=headers) as session:
        reply = await session.post(fake.api_base + path, json={"content": "two"})
        assert (reply.status, (await reply.json())["code"]) == (429, 20016)


async def test_a_reply_to_what_is_gone_can_be_sent_all_the_same(fake: DiscordFake, place: Any, bots: Any) -> None:
    channel = await (await bots.login()).fetch_channel(int(place.channel))
    said = fake.people.say(place.channel, place.user, "hi")
    answer = await channel.send("hello", reference=channel.get_partial_message(int(said)), mention_author=False)
    seen = fake.people.message(answer.id)
    assert (seen["reply_to"], seen["mentions"], seen["allowed_mentions"]["replied_user"]) == (said, [], False)
    fake.people.delete(place.user, said)
    missing = discord.MessageReference(message_id=int(said), channel_id=channel.id, fail_if_not_exists=False)
    assert fake.people.message((await channel.send("hello", reference=missing)).id)["reply_to"] is None


async def test_files_come_and_go_and_do_not_stay_for_ever(
    fake: DiscordFake, place: Any, bots: Any, refused: Refused
) -> None:
    bot = await bots.start()
    theirs = [{"filename": "notes.txt", "text": "заметки"}]
    fake.people.tell_bot(place.user, "read this", attachments=theirs)
    await fake.journal.wait_for(lambda: bot.heard)
    attachment = bot.heard[0].attachments[0]
    assert (await attachment.read()).decode() == "заметки"
    sent = await bot.heard[0].channel.send(file=discord.File(io.BytesIO(b"x" * 10), "own.txt"))
    assert await sent.attachments[0].read() == b"x" * 10
    edited = await sent.edit(attachments=[discord.File(io.BytesIO(b"y"), "other.txt")])
    assert [a.filename for a in edited.attachments] == ["other.txt"]
    large = discord.File(io.BytesIO(b"x" * (10 * 1024 * 1024 + 1)), "large.bin")
    await refused(bot.heard[0].channel.send(file=large), 413, 40005)
    fake.people.shift_clock(25 * 3600)
    with pytest.raises(discord.NotFound):
        await attachment.read()


async def test_threads_are_opened_once_and_refuse_when_locked(
    fake: DiscordFake, place: Any, bots: Any, refused: Refused
) -> None:
    bot = await bots.start()
    channel = bot.get_channel(int(place.channel))
    message = await channel.send("start")
    thread = await message.create_thread(name="aside")
    sent = await thread.send("inside")
    assert [m["content"] for m in fake.people.visible(thread.id)] == ["inside"]
    await refused(message.create_thread(name="again"), 400, 160004)
    text = await refused(channel.create_thread(name="x" * 101, type=discord.ChannelType.public_thread), 400, 50035)
    assert "In name: Must be 100 or fewer" in text
    path, strange = f"/channels/{place.channel}/threads", {"auto_archive_duration": 61, "type": 0}
    text = await refused(bot.ask("POST", path, name="x", **strange), 400, 50035)
    assert "In auto_archive_duration:" in text
    assert "In type:" in text
    text = await refused(bot.ask("GET", f"/channels/{place.channel}/messages?limit=101"), 400, 50035)
    assert "In limit:" in text
    text = await refused(bot.ask("PATCH", f"/channels/{thread.id}", name="x" * 101), 400, 50035)
    assert "In name:" in text
    fake.people.archive(thread.id, locked=True)
    await refused(thread.send("late"), 403, 160005)
    await refused(sent.edit(content="late"), 400, 50083)


async def test_what_people_cannot_do(fake: DiscordFake, place: Any) -> None:
    people = fake.people
    said = people.say(place.channel, place.user, "mine")
    other = people.user("Bob")
    with pytest.raises(ValueError, match="may not write there"):
        people.say(place.channel, other, "hi")
    people.join(place.guild, other)
    with pytest.raises(ValueError, match="not his message"):
        people.edit(other, said, "his")
    with pytest.raises(ValueError, match="not his to delete"):
        people.delete(other, said)
    with pytest.raises(ValueError, match="1 to 2000"):
        people.say(place.channel, other, "x" * 2001)


async def test_channels_are_changed_and_entered_only_where_they_can_be(
    fake: DiscordFake, place: Any, bots: Any, refused: Refused
) -> None:
    bot, people = await bots.login(), fake.people
    category = people.channel(place.guild, "group", category=True)
    await refused(bot.ask("POST", f"/channels/{category}/messages", content="x"), 400, 50008)
    await refused(bot.ask("PATCH", f"/channels/{people.dm(place.user)}", name="x"), 403, 50003)
    await refused(bot.ask("PATCH", f"/channels/{place.channel}", name="x"), 403, 50013)
    await refused(bot.http.join_thread(int(place.channel)), 400, 50024)
    thread = (await bot.ask("POST", f"/channels/{place.channel}/threads", name="t", type=11))["id"]
    await bot.ask("PATCH", f"/channels/{thread}", name="renamed", archived=True)
    await refused(bot.ask("PATCH", f"/channels/{thread}", name="again"), 400, 50083)
    await refused(bot.http.join_thread(int(thread)), 400, 50083)


async def test_a_message_bears_twenty_reactions(fake: DiscordFake, place: Any, bots: Any, refused: Refused) -> None:
    bot, said = await bots.login(), fake.people.say(place.channel, place.user, "hi")
    for n in range(20):
        fake.people.react(place.user, said, chr(0x1F600 + n))
    await refused(bot.http.add_reaction(int(place.channel), int(said), "👍"), 400, 30010)
    await bot.http.add_reaction(int(place.channel), int(said), chr(0x1F600))
    assert fake.people.message(said)["reactions"][chr(0x1F600)] == 2


async def test_requests_that_cannot_be_taken_in(fake: DiscordFake, place: Any, bots: Any, refused: Refused) -> None:
    bot, path = await bots.login(), f"/channels/{place.channel}/messages"
    channel = await bot.fetch_channel(int(place.channel))
    many = [discord.File(io.BytesIO(b"x"), f"{n}.txt") for n in range(11)]
    await refused(channel.send(files=many), 400, 30015)
    large = [discord.File(io.BytesIO(bytes(9 << 20)), f"{n}.bin") for n in range(3)]
    await refused(channel.send(files=large), 413, 40005)
    await refused(bot.http.request(discord.http.Route("POST", path), json=["x"]), 400, 50109)
    await refused(bot.http.request(discord.http.Route("POST", path), data="{"), 400, 50109)
    await refused(bot.ask("POST", f"/webhooks/{fake.application_id}/no-such-token", content="x"), 401, 50027)
