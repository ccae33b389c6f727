"""Limits, faults, and the fake in a process of its own."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiohttp
import discord
import pytest
import yarl

from tests.fakes.discord.control import ControlError, RemotePeople
from tests.fakes.discord.server import DiscordFake

SEND = "POST /channels/{channel}/messages"


async def test_discord_py_keeps_the_limits_it_is_told(fake: DiscordFake, place: Any, bots: Any) -> None:
    fake.limits.rules[SEND] = (2, 0.3)
    bot = await bots.login()
    channel = await bot.fetch_channel(int(place.channel))
    await asyncio.gather(*(channel.send(str(n)) for n in range(6)))
    assert len(fake.people.visible(place.channel)) == 6
    assert fake.people.hasty() == []


async def test_too_many_are_limited_and_haste_is_noted(fake: DiscordFake, place: Any) -> None:
    url = f"{fake.api_base}/channels/{place.channel}"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {fake.token}"}) as session:
        for _ in range(7):
            async with session.post(f"{url}/messages", json={"content": "x"}) as reply:
                body = await reply.json()
        assert (reply.status, body["global"], reply.headers["X-RateLimit-Scope"]) == (429, False, "user")
        assert 0 < body["retry_after"] <= 5
        assert reply.headers["Content-Type"] == "application/json"
        assert {"Retry-After", "X-RateLimit-Bucket", "X-RateLimit-Reset-After"} <= reply.headers.keys()
        assert len(fake.people.visible(place.channel)) == 5
        assert len(fake.people.hasty()) == 1
        fake.people.shift_clock(5)
        async with session.post(f"{url}/messages", json={"content": "x"}) as reply:
            assert reply.status == 200
        fake.limits.rules["GET /channels/{channel}"] = (1000, 1.0)
        replies = [await session.get(url) for _ in range(51)]
        assert [r.status for r in replies].count(200) >= 49
        assert (await replies[-1].json())["global"] is True
        fake.people.limit(False)
        assert (await session.get(url)).status == 200


async def test_a_shared_limit_is_waited_out(fake: DiscordFake, place: Any, bots: Any) -> None:
    text = "The write action you are performing on the channel has hit the write rate limit."
    fake.people.fault(SEND, "rate_limit", seconds=0.2, scope="shared", code=20028, message=text)
    channel = await (await bots.login()).fetch_channel(int(place.channel))
    await channel.send("after all")
    assert [r["status"] for r in fake.journal.of("request", route=SEND)] == [429, 200]
    assert fake.people.hasty() == []


FAULTS: list[tuple[dict[str, Any], type[BaseException], int]] = [
    ({"kind": "error", "status": 503}, discord.DiscordServerError, 0),
    ({"kind": "refuse", "status": 403, "code": 50001}, discord.Forbidden, 0),
    ({"kind": "drop_before"}, aiohttp.ClientError, 0),
    ({"kind": "drop_after"}, aiohttp.ClientError, 1),
    ({"kind": "hang"}, TimeoutError, 0),
    ({"kind": "slow", "seconds": 0.3}, TimeoutError, 0),
]


@pytest.mark.parametrize(("fault", "raised", "arrived"), FAULTS)
async def test_faults_hit_once_and_leave_what_they_should(
    fake: DiscordFake, place: Any, bots: Any, fault: dict[str, Any], raised: type[BaseException], arrived: int
) -> None:
    channel = await (await bots.login()).fetch_channel(int(place.channel))
    fake.people.fault("POST *", **fault)
    with pytest.raises(raised):
        await asyncio.wait_for(channel.send("x"), 0.15 if raised is TimeoutError else 10)
    assert len(fake.people.visible(place.channel)) == arrived
    await channel.send("y")
    assert fake.people.visible(place.channel)[-1]["content"] == "y"


def test_chance_falls_the_same_way_with_the_same_seed(fake: DiscordFake) -> None:
    def falls() -> list[bool]:
        fake.people.clear_faults(seed=7)
        fake.people.fault("GET *", "error", times=100, probability=0.5)
        return [fake.faults.take("GET /x") is not None for _ in range(20)]

    first = falls()
    assert first == falls()
    assert 0 < sum(first) < 20


async def test_in_a_process_of_its_own_it_is_scripted_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-m", "tests.fakes.discord", "--portal-intent", "message_content"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    url = f"http://127.0.0.1:{int(await process.stdout.readline())}"
    try:
        async with aiohttp.ClientSession() as session:
            about = await (await session.get(f"{url}/control/")).json()
            monkeypatch.setattr(discord.http.Route, "BASE", about["api"])
            monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(about["gateway"]))
            people = RemotePeople(url, session)
            guild, user = await people.guild("Agoge"), await people.user("Ann")
            await people.join(guild, user)
            channel = await people.channel(guild, "general")
            intents = discord.Intents.default()
            intents.message_content = True
            client = discord.Client(intents=intents, guild_ready_timeout=0.05)

            ready = asyncio.Event()

            @client.event
            async def on_ready() -> None:
                ready.set()

            @client.event
            async def on_message(message: discord.Message) -> None:
                if message.author != client.user:
                    await message.reply(message.content.upper())

            async with client:
                running = asyncio.create_task(client.start("fake-token"))
                await asyncio.wait_for(ready.wait(), 20)
                said = await people.say(channel, user, "loud")
                heard = await people.wait_message(channel, contains="LOUD")
                assert heard["reply_to"] == said
                with pytest.raises(ControlError, match="may not write there"):
                    await people.say(channel, await people.user("Bob"), "hi")
                assert [e["event"] for e in await people.journal("message")] == ["MESSAGE_CREATE"] * 2
            await running
    finally:
        process.terminate()
        await process.wait()
