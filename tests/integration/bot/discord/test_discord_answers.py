"""Messages and commands on Discord, from the gateway to the answer, over real sockets."""

from __future__ import annotations

import asyncio

import pytest

from bot.app.channels import has_channel
from bot.app.discord import open_discord
from bot.app.settings import Settings
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.discord_service import TOKEN, DiscordService


async def test_direct_message(service: DiscordService) -> None:
    async with service.serving():
        service.people.send_dm(service.ann, "How far today?")
        answer = await service.wait_answer(service.people.dm(service.ann))
    assert answer["content"].startswith("«How far today?».")
    assert answer["allowed_mentions"] == {"parse": [], "replied_user": False}


async def test_mention_in_guild(service: DiscordService) -> None:
    async with service.serving():
        service.people.send(service.channel, service.ann, "Nobody is asked.")
        asked = service.people.send(service.channel, service.ann, "How far?", mentions=[service.people.bot])
        answer = await service.wait_answer(service.channel)
    assert answer["content"].startswith("«How far?».")
    assert answer["reply_to"] == asked
    assert len(service.bot_messages(service.channel)) == 1


async def test_reply_to_bot(service: DiscordService) -> None:
    async with service.serving():
        service.people.send(service.channel, service.ann, "How far?", mentions=[service.people.bot])
        first = await service.wait_answer(service.channel)
        service.people.send(service.channel, service.ann, "And then?", reply_to=first["id"])
        second = await service.wait_answer(service.channel, after=first["id"])
        assert "And then?»." in second["content"]
        # Without a ping there is no mention, so Discord hides the content.
        service.people.send(service.channel, service.ann, "And now?", reply_to=first["id"], ping=False)
        await service.wait_answer(service.channel, "I cannot read this message", after=second["id"])


async def test_silent_reply_with_message_content(service: DiscordService) -> None:
    service.fake.portal_intents = frozenset({"message_content"})
    async with service.serving(message_content=True):
        service.people.send(service.channel, service.ann, "How far?", mentions=[service.people.bot])
        first = await service.wait_answer(service.channel)
        service.people.send(service.channel, service.ann, "And now?", reply_to=first["id"], ping=False)
        second = await service.wait_answer(service.channel, after=first["id"])
    assert "And now?»." in second["content"]


async def test_thread(service: DiscordService) -> None:
    thread = service.people.start_thread(service.channel, "Knees")
    async with service.serving():
        service.people.send(thread, service.ann, "Does it heal?", mentions=[service.people.bot])
        await service.wait_answer(thread, "«Does it heal?».")
    assert service.bot_messages(service.channel) == []


async def test_ask_in_hidden_channel(service: DiscordService) -> None:
    service.people.permit(service.channel, service.people.bot, deny=["view_channel"])
    async with service.serving():
        asked = service.people.run_command(service.channel, service.ann, "ask", question="How far?")
        answer = await service.wait_answer(service.channel)
        assert answer["content"].startswith("«How far?».")
        assert (await service.people.wait_interaction(asked))["original"]["id"] == answer["id"]


async def test_long_answer_is_split(service: DiscordService, server: SGLangServer) -> None:
    lines = [f"print('line {n} of a long program')  # {n}\n" for n in range(150)]
    server.echoes, server.pieces, server.pause = False, ["Here:\n\n```python\n", *lines, "```\nDone."], 0.02
    async with service.serving():
        asked = service.people.run_command(service.channel, service.ann, "ask", question="Tell me everything.")
        await service.wait_answer(service.channel, "Done.")
    messages = service.bot_messages(service.channel)
    assert (await service.people.wait_interaction(asked))["state"] == "done"
    assert len(messages) == 4
    assert all(len(message) <= 2000 and message.count("```") == 2 for message in messages)
    shown = [line for message in messages for line in message.splitlines() if not line.startswith(("```", "-#"))]
    assert [line for line in shown if line] == ["Here:", *(line.strip() for line in lines), "Done."]
    states = service.people.message_states(service.people.messages_in(service.channel)[0]["id"])
    versions = [(state["content"], str(state["components"])) for state in states]
    assert len(versions) == len(set(versions)) < 8  # edited now and then, never to what it already shows


async def test_queue_position(service: DiscordService, server: SGLangServer) -> None:
    server.answer_gate = asyncio.Event()
    dm = service.people.dm(service.ann)
    async with service.serving():
        service.people.send_dm(service.ann, "One?")
        await server.until(requests=1)
        service.people.send_dm(service.ann, "Two?")
        position = await service.people.wait_message(dm, contains="before this one: 1")
        server.answer_gate.set()
        second = await service.wait_answer(dm, "«Two?».")
    assert second["id"] == position["id"]
    assert len(service.bot_messages(dm)) == 2
    # The position is never edited in: a late edit would overwrite the answer.
    first_state = service.people.message_states(position["id"])[0]
    assert "before this one: 1" in first_state["content"]


async def test_queue_position_of_slash_command(service: DiscordService, server: SGLangServer) -> None:
    server.answer_gate = asyncio.Event()
    async with service.serving():
        service.people.run_command(service.channel, service.ann, "ask", question="One?")
        await server.until(requests=1)
        second = service.people.run_command(service.channel, service.ann, "ask", question="Two?")
        position = await service.people.wait_message(service.channel, contains="before this one: 1")
        server.answer_gate.set()
        await service.wait_answer(service.channel, "«Two?».")
        original = (await service.people.wait_interaction(second))["original"]
    assert original["id"] == position["id"]


async def test_refusal_is_private(service: DiscordService) -> None:
    async with service.serving():
        sent = service.people.run_command(service.channel, service.ann, "mode", mode="spotr")
        refusal = (await service.people.wait_interaction(sent))["original"]
    assert "spotr" in refusal["content"]
    assert refusal["visible_to"] == service.ann
    assert service.bot_messages(service.channel) == []


async def test_channel_from_settings(service: DiscordService, sglang_settings: Settings) -> None:
    overrides = {
        "discord_token": TOKEN,
        "discord_api": service.fake.api_base,
        "discord_gateway": service.fake.gateway_url,
        "discord_guilds": service.guild,
    }
    settings = Settings.model_validate({**sglang_settings.model_dump(), **overrides})
    assert has_channel(settings)
    async with open_discord(settings, service.services, receives=False) as channels:
        assert (list(channels.platforms), channels.gateways, channels.connection_checks) == (["discord"], {}, {})
    async with open_discord(settings, service.services, receives=True) as channels:
        assert await channels.connection_checks["discord"]() == "Discord has not answered yet"
        receiving = asyncio.create_task(channels.gateways["discord"].run())
        await service.people.wait_for(lambda: service.people.commands(service.guild))
        await service.people.wait_for(lambda: service.fake.gateway.connected_shards() == [0])
        service.people.run_command(service.channel, service.ann, "ask", question="Stored?")
        await service.wait_turn("question = 'Stored?'")
        assert await channels.connection_checks["discord"]() is None
        receiving.cancel()
        await asyncio.wait([receiving])


async def test_recommended_shards_are_connected(service: DiscordService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.discord.gateway.IDENTIFY_INTERVAL", 0.51)
    service.fake.shards, service.fake.gateway.identify_interval = 2, 0.5
    guilds = [service.people.add_guild(f"Guild {n}") for n in range(4)]
    assert {(int(guild) >> 22) % 2 for guild in guilds} == {0, 1}
    channels = [service.people.add_channel(guild, "general") for guild in guilds]
    async with service.receiving() as gateway:
        await service.people.wait_for(lambda: service.fake.gateway.connected_shards() == [0, 1], within=20)
        for guild, channel in zip(guilds, channels, strict=True):
            service.people.join(guild, service.ann)
            service.people.run_command(channel, service.ann, "ask", question=f"In {guild}?")
            await service.wait_turn(f"question = 'In {guild}?'")
        service.people.send_dm(service.ann, "In private?")
        await service.wait_turn("question = 'In private?'")
        assert await gateway.check_connection() is None
