"""What goes wrong between the service and Discord, and that nothing is lost or sent twice by it."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from bot.channels.discord.gateway import DiscordGateway, GatewayConfig
from bot.core.errors import PlatformAccessDenied
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


async def test_a_wait_too_long_to_be_spent_here_puts_the_answer_off(service: Discord, server: SGLangServer) -> None:
    dm = service.people.dm(service.ann)
    service.people.fault(SEND, "rate_limit", seconds=31, times=2)
    async with service.serving():
        service.people.tell_bot(service.ann, "How far?")
        await service.until_row("process_id IS NULL AND attempts > 0 AND finish_reason = 'stop'")
    assert service.told(dm) == []
    assert service.people.hasty() == []
    assert len(server.requests) == 1


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
        async with service.working(drain_timeout=0):
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
        service.people.tell_bot(service.ann, "Ready?")
        await service.answer(dm, "«Ready?».")
        heard = service.gateway.last_activity
        service.people.refuse_gateway(1)
        await service.people.drop()
        service.people.tell_bot(service.ann, "Are you there?")
        await service.answer(dm, "«Are you there?».")
        assert heard is not None
        assert (service.gateway.last_activity or 0) > heard
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


async def test_a_message_that_the_database_could_not_take_in_is_handed_in_again_and_in_the_end_declined(
    service: Discord,
) -> None:
    dm, name = service.people.dm(service.ann), service.services.dsn.split("/test_")[1].split("?")[0]
    server = service.services.dsn.replace(f"/test_{name}?", "/postgres?")
    gone = (
        f"ALTER DATABASE test_{name} WITH ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'test_{name}'",
        f"ALTER DATABASE test_{name} RENAME TO hidden_{name}",
    )
    back = (
        f"ALTER DATABASE hidden_{name} RENAME TO test_{name}",
        f"ALTER DATABASE test_{name} WITH ALLOW_CONNECTIONS true",
    )
    service.retry_seconds = 6.0
    async with service.receiving():
        await run_sql(server, *gone)
        declined = service.people.tell_bot(service.ann, "Lost?")
        said = await service.answer(dm, "database", after=declined)
        kept = service.people.tell_bot(service.ann, "Kept?")
        await asyncio.sleep(0.5)
        await run_sql(server, *back)
        await service.until_row("question = 'Kept?'")
    async with service.working():
        await service.answer(dm, "«Kept?».", after=kept)
    assert int(said["id"]) < int(kept)


@pytest.mark.parametrize(
    ("token", "message_content", "setting"),
    [("wrong", False, "CONSILIUM_DISCORD_TOKEN"), (TOKEN, True, "CONSILIUM_DISCORD_MESSAGE_CONTENT")],
)
async def test_a_gateway_that_is_not_let_in_names_the_setting(
    service: Discord, token: str, message_content: bool, setting: str
) -> None:
    services = service.services
    listening = GatewayConfig(SecretStr(token).get_secret_value(), message_content)
    gateway = DiscordGateway(listening, services.mind, services.inbox, services.database, service.platform)
    with pytest.raises(PlatformAccessDenied) as caught:
        async with asyncio.timeout(20):
            await gateway.run()
    assert caught.value.details["setting"] == setting
