"""The gateway: who may connect, what is received, and coming back after a loss."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import discord
import pytest

from tests.fakes.discord.gateway import DISPATCH, IDENTIFY, INVALID_SESSION, RESUME
from tests.fakes.discord.server import DiscordFake
from tests.integration.fakes.discord.conftest import TOKEN, Api, Place


class Listener(discord.Client):
    """A connected bot that hands on what it receives."""

    def __init__(self, shard: int, shards: int, *, message_content: bool) -> None:
        intents = discord.Intents.none()
        intents.guilds = intents.guild_messages = intents.dm_messages = True
        intents.message_content = message_content
        super().__init__(intents=intents, shard_id=shard, shard_count=shards, max_messages=None)
        self._messages: asyncio.Queue[discord.Message] = asyncio.Queue()

    async def on_message(self, message: discord.Message) -> None:
        self._messages.put_nowait(message)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        self._messages.put_nowait(event.message)

    async def next(self) -> discord.Message:
        """The next message, new or changed."""
        async with asyncio.timeout(20):
            return await self._messages.get()

    @property
    def is_idle(self) -> bool:
        """Whether nothing more has been received."""
        return self._messages.empty()


Listen = Callable[..., AbstractAsyncContextManager[Listener]]


@pytest.fixture
def listen(fake: DiscordFake) -> Listen:
    """Connects a shard, as long as it is open."""

    @contextlib.asynccontextmanager
    async def listen(shard: int = 0, shards: int = 1, *, message_content: bool = False) -> AsyncIterator[Listener]:
        async with Listener(shard, shards, message_content=message_content) as client:
            running = asyncio.create_task(client.start(TOKEN))
            connected = asyncio.create_task(
                fake.journal.wait_for(lambda: fake.journal.of("gateway", event="identified", shard=shard))
            )
            await asyncio.wait((running, connected), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                connected.cancel()
                await running
            yield client
        await running

    return listen


async def test_a_wrong_token_is_refused(fake: DiscordFake, listen: Listen) -> None:
    fake.token = "another"
    with pytest.raises(discord.LoginFailure):
        async with listen():
            pass


async def test_a_privileged_intent_has_to_be_switched_on_in_the_portal(fake: DiscordFake, listen: Listen) -> None:
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with listen(message_content=True):
            pass


async def test_content_is_hidden_unless_it_is_direct_mentions_the_bot_or_is_its_own(
    fake: DiscordFake, place: Place, api: Api, listen: Listen
) -> None:
    people = fake.people
    async with listen() as bot:
        secret = people.send(place.channel, place.user, "secret")
        people.send(place.channel, place.user, "for you", mentions=[people.bot])
        people.send_dm(place.user, "between us")
        await api.request("POST", place.messages, {"content": "mine"})
        received = [(await bot.next()).content for _ in range(4)]
    assert received == ["", f"<@{people.bot}> for you", "between us", "mine"]
    assert (await api.request("GET", f"{place.messages}/{secret}"))["content"] == ""


async def test_with_its_intent_all_content_is_read(fake: DiscordFake, place: Place, listen: Listen) -> None:
    fake.portal_intents = frozenset({"message_content"})
    async with listen(message_content=True) as bot:
        fake.people.send(place.channel, place.user, "secret")
        assert (await bot.next()).content == "secret"


async def test_only_an_edit_has_an_edit_time(fake: DiscordFake, place: Place, listen: Listen) -> None:
    people = fake.people
    async with listen() as bot:
        sent = people.send_dm(place.user, "one")
        assert (await bot.next()).edited_at is None
        people.add_link_preview(sent, "Example")
        preview = await bot.next()
        assert (preview.edited_at, len(preview.embeds)) == (None, 1)
        people.pin(place.user, sent)
        pinned, notice = await bot.next(), await bot.next()
        assert (pinned.edited_at, pinned.pinned) == (None, True)
        assert notice.type is discord.MessageType.pins_add
        people.edit(place.user, sent, "two")
        edited = await bot.next()
        assert (edited.content, edited.edited_at is not None) == ("two", True)


async def test_a_member_comes_with_their_roles_and_a_reply_with_what_it_replies_to(
    fake: DiscordFake, place: Place, api: Api, listen: Listen
) -> None:
    role = fake.people.give_role(place.guild, place.user, "Editor")
    async with listen() as bot:
        sent = await api.request("POST", place.messages, {"content": "mine"})
        await bot.next()
        fake.people.send(place.channel, place.user, "yours", reply_to=sent["id"], ping=False)
        reply = await bot.next()
    assert isinstance(reply.author, discord.Member)
    assert [str(found.id) for found in reply.author.roles if not found.is_default()] == [role]
    assert reply.reference is not None
    assert isinstance(reply.reference.resolved, discord.Message)
    assert reply.reference.resolved.author == bot.user
    assert reply.mentions == []


async def test_hidden_channels_are_silent(fake: DiscordFake, place: Place, listen: Listen) -> None:
    fake.people.permit(place.channel, fake.people.bot, deny=["view_channel"])
    async with listen() as bot:
        fake.people.send(place.channel, place.user, "psst", mentions=[fake.people.bot])
        fake.people.send_dm(place.user, "aloud")
        assert (await bot.next()).content == "aloud"


async def test_what_was_missed_is_replayed_after_a_lost_connection(
    fake: DiscordFake, place: Place, listen: Listen
) -> None:
    async with listen() as bot:
        fake.gateway.drop_connections()
        for n in range(3):
            fake.people.send_dm(place.user, f"while away {n}")
        assert [(await bot.next()).content for _ in range(3)] == [f"while away {n}" for n in range(3)]
        assert bot.is_idle
    assert len(fake.journal.of("gateway", event="resumed")) == 1
    assert len(fake.journal.of("gateway", event="identified")) == 1


async def test_a_shard_receives_its_guilds_and_the_first_the_direct_messages(fake: DiscordFake, listen: Listen) -> None:
    fake.gateway.identify_interval = 0
    guilds = [fake.people.add_guild(f"Guild {n}") for n in range(2)]
    user = fake.people.add_user("Ann")
    async with listen(0, 2) as first, listen(1, 2) as second:
        assert fake.gateway.connected_shards() == [0, 1]
        for guild in guilds:
            fake.people.join(guild, user)
            fake.people.send(fake.people.add_channel(guild, "general"), user, guild, mentions=[fake.people.bot])
            bot = (first, second)[(int(guild) >> 22) % 2]
            assert guild in (await bot.next()).content
        fake.people.send_dm(user, "direct")
        assert (await first.next()).content == "direct"
        assert second.is_idle


async def _first_event(fake: DiscordFake, payload: dict[str, Any], *, code: int = 4000) -> dict[str, Any]:
    """What a new connection receives in answer to a payload, before it is closed with a code."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{fake.gateway_url}?v=10&encoding=json") as socket,
    ):
        await socket.receive_json(timeout=5)  # HELLO
        await socket.send_json(payload)
        event: dict[str, Any] = await socket.receive_json(timeout=5)
        await socket.close(code=code)
    return event


async def test_sessions_start_five_seconds_apart_and_end_with_a_normal_close(fake: DiscordFake) -> None:
    identify = {"op": IDENTIFY, "d": {"token": TOKEN, "intents": 0}}
    ready = await _first_event(fake, identify, code=1000)
    assert (ready["op"], ready["t"]) == (DISPATCH, "READY")
    assert (await _first_event(fake, identify))["op"] == INVALID_SESSION
    resume = {"op": RESUME, "d": {"token": TOKEN, "session_id": ready["d"]["session_id"], "seq": 1}}
    assert (await _first_event(fake, resume))["op"] == INVALID_SESSION


async def test_forwards_pastes_and_stickers(fake: DiscordFake, place: Place, listen: Listen) -> None:
    people = fake.people
    source = people.send(place.channel, place.user, "over there", attachments=[
        {"filename": "a.md", "text": "x", "content_type": "text/markdown"},
    ])  # fmt: skip
    dm = people.dm(place.user)
    async with listen() as bot:
        people.forward(dm, place.user, source, "look")
        forwarded, comment = await bot.next(), await bot.next()
        people.paste(dm, place.user, "x" * 3000, parts=2)
        pasted = await bot.next()
        people.send_sticker(dm, place.user, "Wave")
        sticker = await bot.next()
    (snapshot,) = forwarded.message_snapshots
    assert (forwarded.content, snapshot.content, snapshot.attachments[0].filename) == ("", "over there", "a.md")
    assert forwarded.reference is not None
    assert (forwarded.reference.type, forwarded.reference.message_id) == (
        discord.MessageReferenceType.forward,
        int(source),
    )
    assert comment.content == "look"
    assert [(each.filename, each.size) for each in pasted.attachments] == [("message.txt", 3000)] * 2
    assert [each.name for each in sticker.stickers] == ["Wave"]
