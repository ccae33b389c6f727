"""The gateway: who may come in, what is told, and coming back after a loss."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import discord
import pytest

from tests.fakes.discord.server import DiscordFake


def intents(**which: bool) -> discord.Intents:
    chosen = discord.Intents.default()
    for name, on in which.items():
        setattr(chosen, name, on)
    return chosen


async def test_a_wrong_token_is_refused(fake: DiscordFake, bots: Any) -> None:
    fake.token = "another"
    bots.started.append(bot := type("Wrong", (discord.Client,), {})(intents=discord.Intents.default()))
    bot.running = None
    with pytest.raises(discord.LoginFailure):
        await bot.login("fake-token")


async def test_a_privileged_intent_has_to_be_switched_on_in_the_portal(bots: Any) -> None:
    with pytest.raises(discord.PrivilegedIntentsRequired):
        await bots.start(intents(message_content=True))


async def test_unknown_intents_and_shards_are_refused(bots: Any) -> None:
    strange = intents()
    strange.value |= 1 << 40
    with pytest.raises(discord.ConnectionClosed) as caught:
        await bots.start(strange)
    assert caught.value.code == 4013
    with pytest.raises(discord.ConnectionClosed) as caught:
        await bots.start(shard_ids=[5], shard_count=2)
    assert caught.value.code == 4010


CONVERSATIONS: list[tuple[list[Any], int]] = [
    (["{"], 4002),
    ([{"op": 3, "d": {}}], 4003),
    ([{"op": 99, "d": {}}], 4001),
    ([{"op": 1, "d": "x" * 5000}], 4002),
    ([{"op": 2, "d": {"token": "wrong", "intents": 0}}], 4004),
    ([{"op": 2, "d": {"token": "fake-token", "intents": 0}}] * 2, 4005),
    ([{"op": 2, "d": {"token": "fake-token"}}], 4013),
    ([{"op": 1, "d": None}] * 121, 4008),
    ([{"op": 2, "d": {"token": "fake-token", "intents": 0}}, {"op": 8, "d": {"query": "", "limit": 0}}], 4014),
    ([{"op": 6, "d": {"token": "wrong", "session_id": "x", "seq": 0}}], 4004),
]


@pytest.mark.parametrize(("sent", "code"), CONVERSATIONS)
async def test_who_breaks_the_protocol_is_closed(fake: DiscordFake, sent: list[Any], code: int) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{fake.gateway_url}?v=10&encoding=json") as socket,
    ):
        for payload in sent:
            await socket.send_str(payload if isinstance(payload, str) else json.dumps(payload))
        while not socket.closed:
            await socket.receive(timeout=5)
        assert socket.close_code == code


async def test_a_sequence_from_the_future_and_an_old_version_are_closed(fake: DiscordFake) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{fake.gateway_url}?v=6&encoding=json") as socket:
            await socket.receive(timeout=5)
            assert socket.close_code == 4012
        async with session.ws_connect(f"{fake.gateway_url}?v=10&encoding=json") as socket:
            await socket.send_json({"op": 2, "d": {"token": fake.token, "intents": 0}})
            await socket.receive(timeout=5)
            ready = await socket.receive_json(timeout=5)
            await socket.close(code=4000)
        async with session.ws_connect(f"{fake.gateway_url}?v=10&encoding=json") as socket:
            about = {"token": fake.token, "session_id": ready["d"]["session_id"], "seq": 1000}
            await socket.send_json({"op": 6, "d": about})
            while not socket.closed:
                await socket.receive(timeout=5)
            assert socket.close_code == 4007


@pytest.mark.parametrize("code", [1000, 4000])
async def test_a_session_that_is_closed_or_not_kept_whole_cannot_be_resumed(fake: DiscordFake, code: int) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{fake.gateway_url}?v=10&encoding=json") as socket:
            await socket.send_json({"op": 2, "d": {"token": fake.token, "intents": 0}})
            await socket.receive(timeout=5)
            ready = await socket.receive_json(timeout=5)
            await socket.close(code=code)
        if code == 4000:
            fake.gateway.sessions[ready["d"]["session_id"]].recent.clear()
        async with session.ws_connect(f"{fake.gateway_url}?v=10&encoding=json") as socket:
            about = {"token": fake.token, "session_id": ready["d"]["session_id"], "seq": 0}
            await socket.send_json({"op": 6, "d": about})
            await socket.receive(timeout=5)
            assert await socket.receive_json(timeout=5) == {"op": 9, "d": False, "s": None, "t": None}


async def test_a_second_identify_within_five_seconds_is_invalid(fake: DiscordFake) -> None:
    async with aiohttp.ClientSession() as session:
        answers = []
        for _ in range(2):
            async with session.ws_connect(f"{fake.gateway_url}?v=10&encoding=json") as socket:
                await socket.send_json({"op": 2, "d": {"token": fake.token, "intents": 0}})
                await socket.receive(timeout=5)
                answers.append(await socket.receive_json(timeout=5))
    assert [(a["op"], a["t"]) for a in answers] == [(0, "READY"), (9, None)]
    assert answers[1]["d"] is False


async def test_content_is_empty_without_the_intent_but_for_direct_mentioning_and_own(
    fake: DiscordFake, place: Any, bots: Any
) -> None:
    people, bot = fake.people, await bots.start()
    people.say(place.channel, place.user, "secret")
    people.say(place.channel, place.user, "for you", mentions=[people.bot()])
    people.tell_bot(place.user, "between us")
    await bot.get_channel(int(place.channel)).send("mine")
    await fake.journal.wait_for(lambda: len(bot.heard) == 4)
    assert [m.content for m in bot.heard] == ["", f"<@{people.bot()}> for you", "between us", "mine"]
    over_rest = [m.content async for m in bot.get_channel(int(place.channel)).history(oldest_first=True)]
    assert over_rest == ["", f"<@{people.bot()}> for you", "mine"]


async def test_with_the_intent_everything_is_read_and_edits_and_deletions_are_told(
    fake: DiscordFake, place: Any, bots: Any
) -> None:
    fake.portal_intents = frozenset({"message_content"})
    told: list[tuple[str, str]] = []
    bot = await bots.start(intents(message_content=True))

    @bot.event
    async def on_message_edit(before: discord.Message, after: discord.Message) -> None:
        told.append((before.content, after.content))

    @bot.event
    async def on_message_delete(message: discord.Message) -> None:
        told.append((message.content, "deleted"))

    said = fake.people.say(place.channel, place.user, "one")
    fake.people.edit(place.user, said, "two")
    fake.people.delete(place.user, said)
    await fake.journal.wait_for(lambda: len(told) == 2)
    assert told == [("one", "two"), ("two", "deleted")]
    assert [s["content"] for s in fake.people.states(said)] == ["one", "two", "two"]
    assert fake.people.visible(place.channel) == []


async def test_only_an_edit_has_a_time_of_editing_and_the_whole_message_is_told_each_time(
    fake: DiscordFake, place: Any, bots: Any
) -> None:
    told: list[tuple[str, bool, bool, bool]] = []
    bot = await bots.start()

    @bot.event
    async def on_raw_message_edit(event: discord.RawMessageUpdateEvent) -> None:
        now = event.message
        told.append((now.content, now.edited_at is not None, now.pinned, bool(now.embeds)))

    said = fake.people.tell_bot(place.user, "one")
    fake.people.unfurl(said, "Example")
    fake.people.pin(place.user, said)
    fake.people.edit(place.user, said, "two")
    of_others = fake.people.say(place.channel, place.user, "secret")
    fake.people.edit(place.user, of_others, "secret too")
    await fake.journal.wait_for(lambda: len(told) == 4)
    assert told == [
        ("one", False, False, True),
        ("one", False, True, True),
        ("two", True, True, True),
        ("", True, False, False),
    ]


async def test_what_was_missed_is_replayed_after_a_dropped_socket(fake: DiscordFake, place: Any, bots: Any) -> None:
    bot = await bots.start()
    await fake.people.drop()
    for n in range(3):
        fake.people.tell_bot(place.user, f"while away {n}")
    await fake.journal.wait_for(lambda: len(bot.heard) == 3, 20)
    assert [m.content for m in bot.heard] == [f"while away {n}" for n in range(3)]
    assert len(fake.journal.of("gateway", event="identified")) == 1


async def test_after_a_refused_connection_a_sharded_client_begins_anew(fake: DiscordFake, bots: Any) -> None:
    bot = await bots.start()
    fake.people.refuse_gateway(1)
    fake.gateway.identify_every = 0
    bot.ready.clear()
    await fake.people.drop()
    await fake.journal.wait_for(bot.ready.is_set, 30)
    assert len(fake.journal.of("gateway", event="identified")) == 2


async def test_a_request_to_reconnect_is_followed_by_a_resume(fake: DiscordFake, bots: Any) -> None:
    await bots.start()
    fake.people.reconnect()
    assert await fake.journal.wait_for(lambda: fake.journal.of("gateway", event="resumed"))


async def test_a_forgotten_session_is_begun_anew(fake: DiscordFake, bots: Any) -> None:
    bot = await bots.start()
    fake.people.shift_clock(10)
    fake.gateway.identify_every = 0
    fake.people.invalidate()
    bot.ready.clear()
    await fake.journal.wait_for(bot.ready.is_set, 20)
    assert len(fake.journal.of("gateway", event="identified")) == 2


async def test_who_does_not_beat_is_disconnected(fake: DiscordFake) -> None:
    fake.gateway.heartbeat_interval = 0.2
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{fake.gateway_url}?v=10&encoding=json") as socket,
    ):
        hello = await socket.receive_json(timeout=5)
        assert hello["d"]["heartbeat_interval"] == 200
        await socket.send_json({"op": 1, "d": None})
        assert (await socket.receive_json(timeout=5))["op"] == 11
        await socket.receive(timeout=5)
        assert socket.close_code == 4000


async def test_shards_hear_of_their_guilds_and_the_first_of_direct_messages(fake: DiscordFake, bots: Any) -> None:
    fake.shards, fake.gateway.identify_every = 2, 0
    other = fake.people.guild("Other")
    bot = await bots.start()
    assert sorted(bot.shards) == fake.people.connected() == [0, 1]
    assert {g.shard_id for g in bot.guilds} == {(g.id >> 22) % 2 for g in bot.guilds}
    user = fake.people.user("Bob")
    fake.people.tell_bot(user, "hello")
    fake.people.join(other, user)
    assert await fake.people.drop(shard=1) == 1
    await fake.journal.wait_for(lambda: fake.journal.of("gateway", event="resumed"))
    await fake.journal.wait_for(lambda: bot.heard)


async def test_members_are_listed_and_told_of_with_their_intent(fake: DiscordFake, place: Any, bots: Any) -> None:
    fake.portal_intents = frozenset({"members"})
    bot = await bots.start(intents(members=True))
    guild = bot.get_guild(int(place.guild))
    assert guild.get_member(int(place.user)).name == "Ann"
    role = fake.people.role(place.guild, "coach")
    fake.people.give_role(place.guild, place.user, role)
    newcomer = fake.people.user("Bob")
    fake.people.join(place.guild, newcomer)
    fake.people.leave(place.guild, place.user)
    await fake.journal.wait_for(lambda: guild.get_member(int(place.user)) is None)
    assert guild.get_member(int(newcomer)) is not None


async def test_hidden_channels_are_silent(fake: DiscordFake, place: Any, bots: Any) -> None:
    hidden = fake.people.channel(place.guild, "hidden")
    fake.people.permit(hidden, fake.people.bot(), deny=["view_channel"])
    bot = await bots.start()
    fake.people.say(hidden, place.user, "psst", mentions=[fake.people.bot()])
    fake.people.tell_bot(place.user, "aloud")
    await fake.journal.wait_for(lambda: bot.heard)
    assert [m.content for m in bot.heard] == ["aloud"]


async def test_typing_and_threads_and_reactions_of_people_are_told(fake: DiscordFake, place: Any, bots: Any) -> None:
    told: list[str] = []
    bot = await bots.start()

    @bot.event
    async def on_raw_typing(event: discord.RawTypingEvent) -> None:
        told.append(f"typing {event.user_id == int(place.user)}")

    @bot.event
    async def on_thread_create(thread: discord.Thread) -> None:
        told.append(f"thread {thread.name}")

    @bot.event
    async def on_raw_reaction_add(event: discord.RawReactionActionEvent) -> None:
        told.append(f"reaction {event.emoji}")

    said = fake.people.say(place.channel, place.user, "hi")
    fake.people.type(place.channel, place.user)
    thread = fake.people.thread(place.channel, place.user, "aside", message=said)
    fake.people.react(place.user, said, "👍")
    fake.people.say(thread, place.user, "in it", mentions=[fake.people.bot()])
    await fake.journal.wait_for(lambda: len(told) == 3 and len(bot.heard) == 2)
    assert told == ["typing True", "thread aside", "reaction 👍"]
    assert bot.heard[1].channel.name == "aside"
    assert thread == said
