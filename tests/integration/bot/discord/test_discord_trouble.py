"""What goes wrong between the service and Discord, and that nothing is lost or sent twice by it."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from bot.channels.discord.gateway import DiscordGateway, Listening
from bot.channels.errors import PlatformRefused
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.discord_service import TOKEN, Discord
from tests.fixtures.postgres import run_sql

SEND, EDIT = "POST /channels/{channel}/messages", "PATCH /channels/{channel}/messages/{message}"
EDIT_ANSWER = "PATCH /webhooks/{application}/{token}/messages/{message}"
ACKNOWLEDGE = "POST /interactions/{interaction}/{token}/callback"


async def test_a_message_whose_sending_was_cut_off_is_there_once(service: Discord) -> None:
    dm = service.people.dm(service.ann)
    service.people.fault(SEND, "drop_after")
    async with service.serving():
        service.people.tell_bot(service.ann, "How far?")
        await service.answer(dm, "«How far?».")
    assert len(service.told(dm)) == 1
    sent = [request["body"]["nonce"] for request in service.people.journal("request") if request["route"] == SEND]
    assert len(sent) == 2
    assert len(set(sent)) == 1


async def test_edits_that_fail_or_are_cut_off_do_no_harm(service: Discord) -> None:
    dm = service.people.dm(service.ann)
    service.people.fault(EDIT, "drop_before")
    service.people.fault(EDIT, "drop_after")
    service.people.fault(EDIT, "error", status=503)
    async with service.serving():
        service.people.tell_bot(service.ann, "How far?")
        await service.answer(dm, "«How far?».")
    assert len(service.told(dm)) == 1


async def test_limits_are_waited_out(service: Discord) -> None:
    dm = service.people.dm(service.ann)
    service.people.fault(EDIT, "rate_limit", seconds=1.5)
    service.people.fault(SEND, "rate_limit", seconds=1.0, scope="global")
    async with service.serving():
        service.people.tell_bot(service.ann, "How far?")
        await service.answer(dm, "«How far?».")
    assert service.people.hasty() == []


async def test_a_long_wait_is_spent_elsewhere_and_the_answer_comes(service: Discord, server: SGLangServer) -> None:
    dm = service.people.dm(service.ann)
    service.people.fault(SEND, "rate_limit", seconds=31)
    async with service.serving():
        asked = service.people.tell_bot(service.ann, "How far?")
        await server.until(requests=1)
        await service.until_row("process_id IS NULL AND attempts > 0")
        service.people.shift_clock(60)
        await run_sql(service.services.dsn, "UPDATE consilium_pgqueuer SET execute_after = now()")
        await service.answer(dm, "«How far?».", after=asked)
    assert len(server.requests) == 1
    assert len(service.told(dm)) == 1


async def test_an_interaction_acknowledged_over_a_lost_connection_is_answered_once(service: Discord) -> None:
    service.people.fault(ACKNOWLEDGE, "drop_after")
    async with service.serving():
        asked = service.people.run(service.channel, service.ann, "ask", question="How far?")
        await service.answer(service.channel, "«How far?».")
        assert (await service.people.wait_interaction(asked))["original"]["content"].startswith("«How far?».")
    assert len(service.told(service.channel)) == 1


async def test_an_answer_after_its_quarter_of_an_hour_is_an_ordinary_message(
    service: Discord, server: SGLangServer
) -> None:
    async with service.receiving():
        asked = service.people.run(service.channel, service.ann, "ask", question="How far?")
        await service.people.wait_for(lambda: service.people.interaction(asked)["state"] == "thinking")
        await service.until_row("true")
        service.people.shift_clock(16 * 60)
    async with service.working():
        answer = await service.answer(service.channel, "«How far?».")
    assert answer["id"] != service.people.interaction(asked)["original"]["id"]


async def test_what_was_private_is_never_shown_in_another_way(service: Discord) -> None:
    async with service.receiving():
        asked = service.people.run(service.channel, service.ann, "memory")
        await service.people.wait_for(lambda: service.people.interaction(asked)["state"] == "thinking")
        await service.until_row("true")
        service.people.shift_clock(16 * 60)
    async with service.working():
        await service.until_row("ended_at IS NOT NULL")
    assert service.told(service.channel) == []


async def test_a_message_that_was_deleted_is_sent_anew(service: Discord, server: SGLangServer) -> None:
    server.echoes, server.answer_gate = False, asyncio.Event()
    service.people.permit(service.channel, service.ann, allow=["manage_messages"])
    async with service.serving():
        service.people.say(service.channel, service.ann, "How far?", mentions=[service.people.bot()])
        begun = await service.people.wait_message(service.channel, contains="Rest")
        service.people.delete(service.ann, begun["id"])
        server.answer_gate.set()
        answer = await service.answer(service.channel, "Rest and sleep.")
    assert int(answer["id"]) > int(begun["id"])
    assert len(service.told(service.channel)) == 1


async def test_a_channel_that_was_closed_to_the_bot_ends_the_turn_and_not_the_next(
    service: Discord, server: SGLangServer
) -> None:
    server.answer_gate = asyncio.Event()
    async with service.serving():
        service.people.say(service.channel, service.ann, "How far?", mentions=[service.people.bot()])
        await service.people.wait_message(service.channel, contains="«")
        service.people.permit(service.channel, service.people.bot(), deny=["view_channel"])
        server.answer_gate.set()
        await service.until_row("ended_at IS NOT NULL")
        service.people.tell_bot(service.ann, "And here?")
        await service.answer(service.people.dm(service.ann), "«And here?».")


async def test_a_killed_workers_answer_is_finished_in_the_same_message(service: Discord, server: SGLangServer) -> None:
    server.echoes, server.answer_gate = False, asyncio.Event()
    dm = service.people.dm(service.ann)
    async with service.receiving():
        async with service.working(drain=0):
            service.people.tell_bot(service.ann, "How far?")
            begun = await service.people.wait_message(dm, contains="Rest")
        server.answer_gate.set()
        async with service.working():
            answer = await service.answer(dm, "Rest and sleep.")
    assert answer["id"] == begun["id"]
    assert len(service.told(dm)) == 1


async def test_what_is_said_while_the_gateway_is_cut_off_is_answered_when_it_is_back(service: Discord) -> None:
    dm = service.people.dm(service.ann)
    async with service.serving():
        heard = service.gateway.last_heard
        service.people.refuse_gateway(1)
        await service.people.drop()
        service.people.tell_bot(service.ann, "Are you there?")
        await service.answer(dm, "«Are you there?».")
        assert heard is not None
        assert (service.gateway.last_heard or 0) > heard
    assert [event["event"] for event in service.people.journal("gateway")].count("resumed") == 1


async def test_the_same_message_heard_by_two_gateways_is_answered_once(service: Discord, server: SGLangServer) -> None:
    service.people.limit(False)
    dm = service.people.dm(service.ann)
    async with service.working(), service.receiving(), service.receiving():
        await service.people.wait_for(lambda: len(service.people.connected()) == 2)
        service.people.tell_bot(service.ann, "How far?")
        asked = service.people.run(service.channel, service.ann, "ask", question="And then?")
        await service.answer(dm, "«How far?».")
        await service.answer(service.channel, "«And then?».")
        assert (await service.people.wait_interaction(asked))["state"] == "done"
    assert len(server.requests) == 2
    assert (len(service.told(dm)), len(service.told(service.channel))) == (1, 1)


async def test_a_database_that_is_away_is_waited_for_and_then_it_is_said(service: Discord) -> None:
    dm = service.people.dm(service.ann)
    name = service.services.dsn.split("/test_")[1].split("?")[0]
    other = service.services.dsn.replace(f"/test_{name}?", "/postgres?")
    service.life = 1.0
    async with service.serving():
        await run_sql(
            other, f"ALTER DATABASE test_{name} WITH ALLOW_CONNECTIONS false", _CUT.format(name=f"test_{name}")
        )
        service.people.tell_bot(service.ann, "Lost?")
        await service.answer(dm, "database")
        service.gateway._intake._life = 30.0
        service.people.tell_bot(service.ann, "Kept?")
        await asyncio.sleep(1)
        await run_sql(other, f"ALTER DATABASE test_{name} WITH ALLOW_CONNECTIONS true")
        await service.answer(dm, "«Kept?».")


_CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"


@pytest.mark.parametrize(
    ("token", "message_content", "setting"),
    [("wrong", False, "CONSILIUM_DISCORD_TOKEN"), (TOKEN, True, "CONSILIUM_DISCORD_MESSAGE_CONTENT")],
)
async def test_a_gateway_that_is_not_let_in_names_the_setting(
    service: Discord, token: str, message_content: bool, setting: str
) -> None:
    services = service.services
    listening = Listening(SecretStr(token).get_secret_value(), message_content)
    gateway = DiscordGateway(listening, services.mind, services.inbox, services.database, service.platform)
    with pytest.raises(PlatformRefused) as caught:
        async with asyncio.timeout(20):
            await gateway.run()
    assert caught.value.details["setting"] == setting
