"""Questions that are edited after they were asked, and messages that Discord reports in the same way."""

from __future__ import annotations

import asyncio

from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.discord_service import DiscordService


def questions_answered(server: SGLangServer) -> list[str]:
    return [request["messages"][-1]["content"] for request in server.requests]


async def test_edited_question_is_asked_again(service: DiscordService, server: SGLangServer) -> None:
    people, dm = service.people, service.people.dm(service.ann)
    server.answer_gate = asyncio.Event()
    async with service.serving():
        first = people.send_dm(service.ann, "How lnog?")
        await server.until(requests=1)
        people.edit(service.ann, first, "How long?")
        await service.wait_turn("question = 'How lnog?' AND state = 'stopped'")
        server.answer_gate.set()
        answer = await service.wait_answer(dm, "«How long?».")
        second = people.send_dm(service.ann, "And then?")
        await service.wait_answer(dm, "«And then?».", after=answer["id"])
        people.edit(service.ann, first, "How short?")
        people.edit(service.ann, second, "/forget all")
        people.edit(service.ann, second, "And then what?")
        await service.wait_answer(dm, "«And then what?».")
    assert questions_answered(server) == ["How lnog?", "How long?", "And then?", "And then what?"]


async def test_edited_question_in_queue(service: DiscordService, server: SGLangServer) -> None:
    people, dm = service.people, service.people.dm(service.ann)
    server.answer_gate = asyncio.Event()
    async with service.serving():
        people.send_dm(service.ann, "How far?")
        await server.until(requests=1)
        waiting = people.send_dm(service.ann, "How fsat?")
        await service.wait_turn("question = 'How fsat?'")
        people.edit(service.ann, waiting, "How fast?")
        await service.wait_turn("question = 'How fast?'")
        server.answer_gate.set()
        await service.wait_answer(dm, "«How far?».")
        await service.wait_answer(dm, "«How fast?».")
    assert questions_answered(server) == ["How far?", "How fast?"]


async def test_edits_in_guild(service: DiscordService, server: SGLangServer) -> None:
    people, bot = service.people, service.people.bot
    async with service.serving():
        ours = people.send(service.channel, service.ann, "How far?", mentions=[bot])
        first = await service.wait_answer(service.channel)
        others = people.send(service.channel, service.ann, "Nobody is asked.")
        people.edit(service.ann, others, f"<@{bot}> somebody is asked.")
        people.edit(service.ann, ours, "nobody is asked any more.")
        people.edit(service.ann, ours, f"<@{bot}> How far today?")
        answer = await service.wait_answer(service.channel, after=first["id"])
    assert answer["content"].startswith("«How far today?».")
    assert answer["reply_to"] == ours
    assert questions_answered(server) == ["How far?", "How far today?"]


async def test_pin_and_link_preview_are_no_edits(service: DiscordService, server: SGLangServer) -> None:
    people, dm = service.people, service.people.dm(service.ann)
    question = "<|use_lora_sport|>What of https://example.org?"
    async with service.serving():
        first = people.send_dm(service.ann, question)
        people.add_link_preview(first, "Example")
        people.pin(service.ann, first)
        answer = await service.wait_answer(dm)
        people.edit(service.ann, first, f"{question}!")
        answer = await service.wait_answer(dm, after=answer["id"])
        people.add_link_preview(first, "An example")
        people.pin(service.ann, first)
        people.send_dm(service.ann, "And then?")
        await service.wait_answer(dm, "«And then?».", after=answer["id"])
    assert questions_answered(server) == ["What of https://example.org?", "What of https://example.org?!", "And then?"]


async def test_edit_received_by_two_gateways(service: DiscordService, server: SGLangServer) -> None:
    people, dm = service.people, service.people.dm(service.ann)
    async with service.serving(), service.receiving():
        await people.wait_for(lambda: len(service.fake.gateway.connected_shards()) == 2, within=20)
        first = people.send_dm(service.ann, "How lnog?")
        answer = await service.wait_answer(dm, "«How lnog?».")
        people.edit(service.ann, first, "How long?")
        answer = await service.wait_answer(dm, "«How long?».", after=answer["id"])
        people.send_dm(service.ann, "And then?")
        await service.wait_answer(dm, "«And then?».", after=answer["id"])
    assert questions_answered(server) == ["How lnog?", "How long?", "And then?"]
