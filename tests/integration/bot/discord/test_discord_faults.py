"""Faults between the service and Discord: nothing is lost or sent twice."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import discord
import pytest
import structlog

from bot.channels.discord.gateway import DiscordGateway, GatewayConfig
from bot.core.errors import PlatformAccessDenied
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.discord_service import TOKEN, DiscordService
from tests.fixtures.postgres import run_sql

SEND, EDIT = "POST /channels/{channel}/messages", "PATCH /channels/{channel}/messages/{message}"
EDIT_ANSWER = "PATCH /webhooks/{application}/{token}/messages/{message}"
ACKNOWLEDGE = "POST /interactions/{interaction}/{token}/callback"


async def test_connection_lost_while_sending(service: DiscordService) -> None:
    dm = service.people.dm(service.ann)
    service.fake.add_fault(SEND, "drop_after")
    async with service.serving():
        service.people.send_dm(service.ann, "How far?")
        await service.wait_answer(dm, "«How far?».")
    assert len(service.bot_messages(dm)) == 1
    sent = [request["body"]["nonce"] for request in service.people.journal("request") if request["route"] == SEND]
    assert len(sent) == 2
    assert len(set(sent)) == 1


async def test_failed_edits(service: DiscordService) -> None:
    dm = service.people.dm(service.ann)
    service.fake.add_fault(EDIT, "drop_before")
    service.fake.add_fault(EDIT, "drop_after")
    service.fake.add_fault(EDIT, "error", status=503)
    async with service.serving():
        service.people.send_dm(service.ann, "How far?")
        await service.wait_answer(dm, "«How far?».")
    assert len(service.bot_messages(dm)) == 1


async def test_rate_limits_are_waited_out(service: DiscordService) -> None:
    dm = service.people.dm(service.ann)
    service.fake.add_fault(EDIT, "rate_limit", seconds=1.5)
    service.fake.add_fault(SEND, "rate_limit", seconds=1.0, scope="global")
    async with service.serving():
        service.people.send_dm(service.ann, "How far?")
        await service.wait_answer(dm, "«How far?».")
    assert service.fake.rate_limits.early_requests == []


async def test_long_rate_limit_reschedules_the_turn(service: DiscordService, server: SGLangServer) -> None:
    dm = service.people.dm(service.ann)
    service.fake.add_fault(SEND, "rate_limit", seconds=31, times=2)
    async with service.serving():
        service.people.send_dm(service.ann, "How far?")
        await service.wait_turn("process_id IS NULL AND attempts > 0 AND finish_reason = 'stop'")
    assert service.bot_messages(dm) == []
    assert service.fake.rate_limits.early_requests == []
    assert len(server.requests) == 1


async def test_connection_lost_while_acknowledging(service: DiscordService) -> None:
    service.fake.add_fault(ACKNOWLEDGE, "drop_after")
    async with service.serving():
        asked = service.people.run_command(service.channel, service.ann, "ask", question="How far?")
        await service.wait_answer(service.channel, "«How far?».")
        assert (await service.people.wait_interaction(asked))["original"]["content"].startswith("«How far?».")
    assert len(service.bot_messages(service.channel)) == 1


async def test_expired_token_falls_back_to_channel_message(service: DiscordService, server: SGLangServer) -> None:
    async with service.receiving():
        asked = service.people.run_command(service.channel, service.ann, "ask", question="How far?")
        await service.people.wait_for(lambda: service.people.interaction(asked)["state"] == "thinking")
        await service.wait_turn("true")
        service.fake.advance_clock(16 * 60)
    async with service.working():
        answer = await service.wait_answer(service.channel, "«How far?».")
    assert answer["id"] != service.people.interaction(asked)["original"]["id"]


async def test_expired_token_of_private_answer(service: DiscordService) -> None:
    async with service.receiving():
        asked = service.people.run_command(service.channel, service.ann, "memory")
        await service.people.wait_for(lambda: service.people.interaction(asked)["state"] == "thinking")
        await service.wait_turn("true")
        service.fake.advance_clock(16 * 60)
    async with service.working():
        await service.wait_turn("ended_at IS NOT NULL")
    assert service.bot_messages(service.channel) == []


async def test_deleted_message_is_replaced(service: DiscordService, server: SGLangServer) -> None:
    server.echoes, server.answer_gate = False, asyncio.Event()
    service.people.permit(service.channel, service.ann, allow=["manage_messages"])
    async with service.serving():
        service.people.send(service.channel, service.ann, "How far?", mentions=[service.people.bot])
        draft = await service.people.wait_message(service.channel, contains="Rest")
        service.people.delete(service.ann, draft["id"])
        server.answer_gate.set()
        answer = await service.wait_answer(service.channel, "Rest and sleep.")
    assert int(answer["id"]) > int(draft["id"])
    assert len(service.bot_messages(service.channel)) == 1


async def test_channel_hidden_from_bot_mid_answer(service: DiscordService, server: SGLangServer) -> None:
    server.answer_gate = asyncio.Event()
    async with service.serving():
        service.people.send(service.channel, service.ann, "How far?", mentions=[service.people.bot])
        await service.people.wait_message(service.channel, contains="«")
        service.people.permit(service.channel, service.people.bot, deny=["view_channel"])
        server.answer_gate.set()
        await service.wait_turn("ended_at IS NOT NULL")
        service.people.send_dm(service.ann, "And here?")
        await service.wait_answer(service.people.dm(service.ann), "«And here?».")


async def test_killed_worker_answer_is_finished_in_same_message(service: DiscordService, server: SGLangServer) -> None:
    server.echoes, server.answer_gate = False, asyncio.Event()
    dm = service.people.dm(service.ann)
    async with service.receiving():
        async with service.working(drain_timeout=0):
            service.people.send_dm(service.ann, "How far?")
            draft = await service.people.wait_message(dm, contains="Rest")
        server.answer_gate.set()
        async with service.working():
            answer = await service.wait_answer(dm, "Rest and sleep.")
    assert answer["id"] == draft["id"]
    assert len(service.bot_messages(dm)) == 1


async def test_messages_missed_while_disconnected_are_answered(service: DiscordService) -> None:
    dm = service.people.dm(service.ann)
    async with service.serving():
        service.people.send_dm(service.ann, "Ready?")
        await service.wait_answer(dm, "«Ready?».")
        last_activity = service.gateway.last_activity
        service.fake.gateway.refused_connections = 1
        service.fake.gateway.drop_connections()
        service.people.send_dm(service.ann, "Are you there?")
        await service.wait_answer(dm, "«Are you there?».")
        assert last_activity is not None
        assert (service.gateway.last_activity or 0) > last_activity
    assert [event["event"] for event in service.people.journal("gateway")].count("resumed") == 1


async def test_two_gateways_answer_once(service: DiscordService, server: SGLangServer) -> None:
    dm = service.people.dm(service.ann)
    async with service.working(), service.receiving(), service.receiving():
        await service.people.wait_for(lambda: len(service.fake.gateway.connected_shards()) == 2)
        service.people.send_dm(service.ann, "How far?")
        asked = service.people.run_command(service.channel, service.ann, "ask", question="And then?")
        await service.wait_answer(dm, "«How far?».")
        await service.wait_answer(service.channel, "«And then?».")
        assert (await service.people.wait_interaction(asked))["state"] == "done"
    assert len(server.requests) == 2
    assert (len(service.bot_messages(dm)), len(service.bot_messages(service.channel))) == (1, 1)


async def test_answer_in_archived_thread_is_a_new_message(service: DiscordService, server: SGLangServer) -> None:
    server.echoes, server.answer_gate = False, asyncio.Event()
    thread = service.people.start_thread(service.channel, "Knees")
    async with service.serving():
        service.people.send(thread, service.ann, "How far?", mentions=[service.people.bot])
        draft = await service.people.wait_message(thread, contains="Rest")
        service.people.archive(thread)
        server.answer_gate.set()
        answer = await service.wait_answer(thread, "Rest and sleep.")
    assert int(answer["id"]) > int(draft["id"])


async def test_database_outage_retries_then_refuses(service: DiscordService) -> None:
    dm, name = service.people.dm(service.ann), service.dsn.split("/test_")[1].split("?")[0]
    server = service.dsn.replace(f"/test_{name}?", "/postgres?")
    take_offline = (
        f"ALTER DATABASE test_{name} WITH ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'test_{name}'",
        f"ALTER DATABASE test_{name} RENAME TO hidden_{name}",
    )
    bring_back = (
        f"ALTER DATABASE hidden_{name} RENAME TO test_{name}",
        f"ALTER DATABASE test_{name} WITH ALLOW_CONNECTIONS true",
    )
    service.retry_seconds = 3.0
    async with service.receiving():
        await run_sql(server, *take_offline)
        lost = service.people.send_dm(service.ann, "Lost?")
        refusal = await service.wait_answer(dm, "could not be taken in", after=lost)
        with structlog.testing.capture_logs() as logs:
            stored = service.people.send_dm(service.ann, "Stored?")
            async with asyncio.timeout(10):
                while not any(entry["event"] == "discord.intake_retried" for entry in logs):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        await run_sql(server, *bring_back)
        await service.wait_turn("question = 'Stored?'")
    async with service.working():
        await service.wait_answer(dm, "«Stored?».", after=stored)
    assert int(refusal["id"]) < int(stored)


@pytest.mark.parametrize(
    ("token", "message_content", "setting"),
    [("wrong", False, "CONSILIUM_DISCORD_TOKEN"), (TOKEN, True, "CONSILIUM_DISCORD_MESSAGE_CONTENT")],
)
async def test_rejected_gateway_names_the_setting(
    service: DiscordService, token: str, message_content: bool, setting: str
) -> None:
    services = service.services
    config = GatewayConfig(token, message_content)
    gateway = DiscordGateway(config, services.mind, services.inbox, services.database, service.platform)
    with pytest.raises(PlatformAccessDenied) as caught:
        async with asyncio.timeout(20):
            await gateway.run()
    assert caught.value.details["setting"] == setting


async def test_connection_that_ends_leaves_nothing_running(service: DiscordService) -> None:
    async with service.receiving():
        async with asyncio.timeout(10):
            while not _library_tasks():  # noqa: ASYNC110  # no event tells of a library's tasks
                await asyncio.sleep(0.01)
    assert not _library_tasks()


def _library_tasks() -> list[str]:
    """What discord.py is doing in this loop."""
    coroutines = [task.get_coro() for task in asyncio.all_tasks()]
    return [
        coroutine.__qualname__
        for coroutine in coroutines
        if inspect.iscoroutine(coroutine)
        and Path(coroutine.cr_code.co_filename).is_relative_to(Path(discord.__file__).parent)
    ]
