"""Questions that are changed after they were asked, and messages that Discord tells of as if they were."""

from __future__ import annotations

import asyncio

from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.discord_service import Discord


def asked(server: SGLangServer) -> list[str]:
    return [request["messages"][-1]["content"] for request in server.requests]


async def test_a_changed_question_is_asked_again_and_what_it_was_is_stopped(
    service: Discord, server: SGLangServer
) -> None:
    people, dm = service.people, service.people.dm(service.ann)
    server.answer_gate = asyncio.Event()
    async with service.serving():
        first = people.tell_bot(service.ann, "How lnog?")
        await server.until(requests=1)
        people.edit(service.ann, first, "How long?")
        await service.until_row("question = 'How lnog?' AND state = 'stopped'")
        server.answer_gate.set()
        answer = await service.answer(dm, "«How long?».")
        second = people.tell_bot(service.ann, "And then?")
        await service.answer(dm, "«And then?».", after=answer["id"])
        people.edit(service.ann, first, "How short?")
        people.edit(service.ann, second, "/forget all")
        people.edit(service.ann, second, "And then what?")
        await service.answer(dm, "«And then what?».")
    assert asked(server) == ["How lnog?", "How long?", "And then?", "And then what?"]


async def test_a_question_that_waits_is_changed_and_the_one_before_it_is_answered(
    service: Discord, server: SGLangServer
) -> None:
    people, dm = service.people, service.people.dm(service.ann)
    server.answer_gate = asyncio.Event()
    async with service.serving():
        people.tell_bot(service.ann, "How far?")
        await server.until(requests=1)
        waiting = people.tell_bot(service.ann, "How fsat?")
        await service.until_row("question = 'How fsat?'")
        people.edit(service.ann, waiting, "How fast?")
        await service.until_row("question = 'How fast?'")
        server.answer_gate.set()
        await service.answer(dm, "«How far?».")
        await service.answer(dm, "«How fast?».")
    assert asked(server) == ["How far?", "How fast?"]


async def test_in_a_guild_only_what_is_for_the_bot_is_asked_again(service: Discord, server: SGLangServer) -> None:
    people, bot = service.people, service.people.bot()
    async with service.serving():
        ours = people.say(service.channel, service.ann, "How far?", mentions=[bot])
        first = await service.answer(service.channel)
        others = people.say(service.channel, service.ann, "Nobody is asked.")
        people.edit(service.ann, others, f"<@{bot}> somebody is asked.")
        people.edit(service.ann, ours, "nobody is asked any more.")
        people.edit(service.ann, ours, f"<@{bot}> How far today?")
        answer = await service.answer(service.channel, after=first["id"])
    assert answer["content"].startswith("«How far today?».")
    assert answer["reply_to"] == ours
    assert asked(server) == ["How far?", "How far today?"]


async def test_a_message_that_is_pinned_or_shows_its_links_is_not_changed(
    service: Discord, server: SGLangServer
) -> None:
    people, dm = service.people, service.people.dm(service.ann)
    question = "<|use_lora_sport|>What of https://example.org?"
    async with service.serving():
        first = people.tell_bot(service.ann, question)
        people.unfurl(first, "Example")
        people.pin(service.ann, first)
        answer = await service.answer(dm)
        people.edit(service.ann, first, f"{question}!")
        answer = await service.answer(dm, after=answer["id"])
        people.unfurl(first, "An example")
        people.pin(service.ann, first)
        people.tell_bot(service.ann, "And then?")
        await service.answer(dm, "«And then?».", after=answer["id"])
    assert asked(server) == ["What of https://example.org?", "What of https://example.org?!", "And then?"]


async def test_two_gateways_that_hear_of_a_change_ask_once(service: Discord, server: SGLangServer) -> None:
    people, dm = service.people, service.people.dm(service.ann)
    async with service.serving(), service.receiving():
        await people.wait_for(lambda: len(people.connected()) == 2, within=20)
        first = people.tell_bot(service.ann, "How lnog?")
        answer = await service.answer(dm, "«How lnog?».")
        people.edit(service.ann, first, "How long?")
        answer = await service.answer(dm, "«How long?».", after=answer["id"])
        people.tell_bot(service.ann, "And then?")
        await service.answer(dm, "«And then?».", after=answer["id"])
    assert asked(server) == ["How lnog?", "How long?", "And then?"]
