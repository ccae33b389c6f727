"""Messages and commands on Discord, from the gateway to the answer shown, over real sockets."""

from __future__ import annotations

import asyncio

from bot.app.channels import has_channel
from bot.app.discord import open_discord
from bot.app.settings import Settings
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.discord_service import TOKEN, Discord


async def test_a_direct_message_is_answered(service: Discord) -> None:
    async with service.serving():
        service.people.tell_bot(service.ann, "How far today?")
        answer = await service.answer(service.people.dm(service.ann))
    assert answer["content"].startswith("«How far today?».")
    assert answer["allowed_mentions"] == {"parse": [], "replied_user": False}


async def test_a_mention_in_a_guild_is_answered_as_a_reply_and_nothing_else_is(service: Discord) -> None:
    async with service.serving():
        service.people.say(service.channel, service.ann, "Nobody is asked.")
        asked = service.people.say(service.channel, service.ann, "How far?", mentions=[service.people.bot()])
        answer = await service.answer(service.channel)
    assert answer["content"].startswith("«How far?».")
    assert answer["reply_to"] == asked
    assert len(service.told(service.channel)) == 1


async def test_a_reply_to_the_bot_is_answered_if_it_can_be_read(service: Discord) -> None:
    async with service.serving():
        service.people.say(service.channel, service.ann, "How far?", mentions=[service.people.bot()])
        first = await service.answer(service.channel)
        service.people.say(service.channel, service.ann, "And then?", reply_to=first["id"])
        second = await service.answer(service.channel, after=first["id"])
        assert second["content"].startswith("«And then?».")
        # Without a ping there is no mention, and so nothing to read.
        service.people.say(service.channel, service.ann, "And now?", reply_to=first["id"], ping=False)
        await service.answer(service.channel, "I cannot read this message", after=second["id"])


async def test_with_message_content_a_silent_reply_is_read(service: Discord) -> None:
    service.fake.portal_intents = frozenset({"message_content"})
    async with service.serving(message_content=True):
        service.people.say(service.channel, service.ann, "How far?", mentions=[service.people.bot()])
        first = await service.answer(service.channel)
        service.people.say(service.channel, service.ann, "And now?", reply_to=first["id"], ping=False)
        second = await service.answer(service.channel, after=first["id"])
    assert second["content"].startswith("«And now?».")


async def test_in_a_thread_the_answer_is_in_the_thread(service: Discord) -> None:
    thread = service.people.thread(service.channel, service.ann, "Knees")
    async with service.serving():
        service.people.say(thread, service.ann, "Does it heal?", mentions=[service.people.bot()])
        await service.answer(thread, "«Does it heal?».")
    assert service.told(service.channel) == []


async def test_ask_needs_no_right_to_see_the_channel(service: Discord) -> None:
    service.people.permit(service.channel, service.people.bot(), deny=["view_channel"])
    async with service.serving():
        asked = service.people.run(service.channel, service.ann, "ask", question="How far?")
        answer = await service.answer(service.channel)
        assert answer["content"].startswith("«How far?».")
        assert (await service.people.wait_interaction(asked))["original"]["id"] == answer["id"]


async def test_a_long_answer_is_in_as_many_messages_as_it_takes_and_nothing_is_cut(
    service: Discord, server: SGLangServer
) -> None:
    lines = [f"print('line {n} of a long program')  # {n}\n" for n in range(150)]
    server.echoes, server.pieces, server.pause = False, ["Here:\n\n```python\n", *lines, "```\nDone."], 0.02
    async with service.serving():
        asked = service.people.run(service.channel, service.ann, "ask", question="Tell me everything.")
        await service.answer(service.channel, "Done.")
    told = service.told(service.channel)
    assert (await service.people.wait_interaction(asked))["state"] == "done"
    assert len(told) == 4
    assert all(len(piece) <= 2000 and piece.count("```") == 2 for piece in told)
    said = [line for piece in told for line in piece.splitlines() if not line.startswith(("```", "-#"))]
    assert [line for line in said if line] == ["Here:", *(line.strip() for line in lines), "Done."]
    states = service.people.states(service.people.visible(service.channel)[0]["id"])
    shown = [(state["content"], str(state["components"])) for state in states]
    assert len(shown) == len(set(shown)) < 8  # edited now and then, never to what it showed already


async def test_questions_wait_their_turn_and_see_their_place(service: Discord, server: SGLangServer) -> None:
    server.answer_gate = asyncio.Event()
    dm = service.people.dm(service.ann)
    async with service.serving():
        service.people.tell_bot(service.ann, "One?")
        await server.until(requests=1)
        service.people.tell_bot(service.ann, "Two?")
        place = await service.people.wait_message(dm, contains="before this one: 1")
        server.answer_gate.set()
        second = await service.answer(dm, "«Two?».")
    assert second["id"] == place["id"]
    assert len(service.told(dm)) == 2


async def test_what_cannot_be_taken_in_is_said_to_the_person_alone(service: Discord) -> None:
    async with service.serving():
        sent = service.people.run(service.channel, service.ann, "mode", mode="spotr")
        said = (await service.people.wait_interaction(sent))["original"]
    assert "spotr" in said["content"]
    assert said["seen_only_by"] == service.ann
    assert service.told(service.channel) == []


async def test_it_is_built_as_the_settings_ask(service: Discord, sglang_settings: Settings) -> None:
    own = {
        "discord_token": TOKEN,
        "discord_api": service.fake.api_base,
        "discord_gateway": service.fake.gateway_url,
        "discord_guilds": service.guild,
    }
    settings = Settings.model_validate({**sglang_settings.model_dump(), **own})
    assert has_channel(settings)
    async with open_discord(settings, service.services, receives=False) as shown:
        assert (list(shown.platforms), shown.gateways, shown.connection_checks) == (["discord"], {}, {})
    async with open_discord(settings, service.services, receives=True) as channels:
        assert await channels.connection_checks["discord"]() == "Discord has not answered yet"
        receiving = asyncio.create_task(channels.gateways["discord"].run())
        await service.people.wait_for(lambda: service.people.commands(service.guild))
        service.people.run(service.channel, service.ann, "ask", question="Kept?")
        await service.until_row("question = 'Kept?'")
        assert await channels.connection_checks["discord"]() is None
        receiving.cancel()
        await asyncio.wait([receiving])


async def test_as_many_shards_are_connected_as_discord_wants(service: Discord) -> None:
    service.fake.shards = 2
    guilds = [service.people.guild(f"Guild {n}") for n in range(4)]
    assert {(int(guild) >> 22) % 2 for guild in guilds} == {0, 1}
    channels = [service.people.channel(guild, "general") for guild in guilds]
    async with service.receiving() as gateway:
        await service.people.wait_for(lambda: service.people.connected() == [0, 1], within=20)
        for guild, channel in zip(guilds, channels, strict=True):
            service.people.join(guild, service.ann)
            service.people.run(channel, service.ann, "ask", question=f"In {guild}?")
            await service.until_row(f"question = 'In {guild}?'")
        service.people.tell_bot(service.ann, "In private?")
        await service.until_row("question = 'In private?'")
        assert await gateway.check_connection() is None
