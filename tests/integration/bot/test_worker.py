"""From an accepted message to its answer, with workers over a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.app.bootstrap import open_services
from bot.app.settings import Settings
from bot.core.conversation import Conversation
from bot.core.errors import PermanentDeliveryError, TemporaryDeliveryError
from bot.intake.rate_limits import QuotaSpent, ShareFull, TooManyMessages
from bot.turns import worker
from bot.turns.recovery import recover_stranded
from db.errors import DatabaseReadOnly
from db.infra.connection import PersonConnection
from db.turns import dead_letters, jobs, states, turns
from db.turns.turns import Turn
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.postgres import run_sql
from tests.fixtures.service import Service


@pytest_asyncio.fixture(loop_scope="session")
async def service(sglang_settings: Settings, server: SGLangServer, dsn: str) -> AsyncIterator[Service]:
    server.echoes = True
    settings = sglang_settings.model_copy(update={"database_url": SecretStr(dsn), "prewarm_modes": 0})
    async with open_services(settings, role="worker") as services:
        yield Service(services)


async def age_turns(dsn: str) -> None:
    await run_sql(dsn, "UPDATE turns SET updated_at = updated_at - interval '1 hour'")


async def test_question_is_answered_in_one_message_and_saved(service: Service, dsn: str) -> None:
    receipt = await service.say("How far today?")
    assert (receipt.is_new, receipt.turns_ahead, receipt.turn.state) == (True, 0, "accepted")
    async with service.working():
        turn = await service.ended(receipt)
    assert service.platform.shown_in("1") == ["«How far today?»."]
    assert (turn.state, turn.answer, turn.finish_reason) == ("delivered", "«How far today?».", "stop")
    assert {"queue", "resolve", "recall", "prompt", "first_token", "generate", "deliver"} <= set(turn.timings)
    connection = await asyncpg.connect(dsn)
    try:
        assert await connection.fetchval("SELECT count(*) FROM consilium_pgqueuer") == 0
        assert await connection.fetchval("SELECT message_id FROM parts") == "1"
    finally:
        await connection.close()


async def test_repeated_update_is_answered_once(service: Service, server: SGLangServer) -> None:
    first = service.incoming("Once?")
    inbox = service.services.inbox
    receipts = await asyncio.gather(*(inbox.receive(first) for _ in range(5)))
    assert sorted(receipt.is_new for receipt in receipts) == [False] * 4 + [True]
    assert len({receipt.turn.id for receipt in receipts}) == 1
    async with service.working():
        await service.ended(receipts[0])
        assert not (await inbox.receive(first)).is_new
    assert service.platform.shown_in("1") == ["«Once?»."]
    assert len(server.requests) == 1


async def test_sessions_are_ordered_and_independent(service: Service) -> None:
    service.platform.gates["slow"] = asyncio.Event()
    blocked = [await service.say(f"s{n}", "slow") for n in range(3)]
    assert [receipt.turns_ahead for receipt in blocked] == [0, 1, 2]
    quick = [await service.say(f"q{n}", "quick") for n in range(5)]
    async with service.working(), service.working():
        await service.platform.until(ended=5)
        assert [(await service.turn(receipt)).state for receipt in blocked[1:]] == ["accepted", "accepted"]
        service.platform.gates["slow"].set()
        await service.ended(blocked[-1])
    for chat, receipts in (("quick", quick), ("slow", blocked)):
        answers = [outcome.answer for where, outcome in service.platform.ended if where == chat]
        assert answers == [f"«{receipt.turn.question}»." for receipt in receipts]


async def test_command_does_not_wait_for_a_running_answer(service: Service) -> None:
    service.platform.gates["1"] = asyncio.Event()
    before = await service.say("asked in auto")
    async with service.working():
        switched = await service.say("/mode sport")
        after = await service.say("asked in sport")
        assert (before.turn.asked_mode, after.turn.asked_mode) == ("auto", "core+sport")
        await service.platform.until(ended=1)
        assert "core+sport" in service.platform.ended[0][1].answer
        service.platform.gates["1"].set()
        assert (await service.ended(after)).mode == "core+sport"
    assert (await service.turn(switched)).state == "delivered"


async def test_failed_command_explains_itself_and_changes_nothing(service: Service) -> None:
    receipt = await service.say("/mode spotr")
    assert receipt.command_outcome is not None
    assert "spotr" in (receipt.command_outcome.error or "")
    async with service.working():
        await service.ended(receipt)
    assert "spotr" in service.platform.shown_in("1")[0]
    assert await service.services.inbox.current_mode(service.incoming("")) == "auto"


async def test_repeated_remember_command_has_one_effect(service: Service) -> None:
    message = service.incoming("/remember My knee hurts.")
    for _ in range(3):
        await service.services.inbox.receive(message)
    listed = await service.say("/memory")
    assert listed.command_outcome is not None
    assert listed.command_outcome.table is not None
    assert [row[1] for row in listed.command_outcome.table.rows] == ["My knee hurts."]


async def test_failed_delivery_is_retried_without_generating_again(service: Service, server: SGLangServer) -> None:
    service.platform.fails += [
        TemporaryDeliveryError("Recording", "it is away"),
        TemporaryDeliveryError("Recording", "again", 0.1),
    ]
    receipt = await service.say("Again?")
    async with service.working():
        turn = await service.ended(receipt)
    assert (turn.state, turn.attempts) == ("delivered", 3)
    assert service.platform.shown_in("1") == ["«Again?»."]
    assert len(server.requests) == 1


async def test_permanent_delivery_error_fails_the_turn_and_blocks_nothing(service: Service) -> None:
    service.platform.fails.append(PermanentDeliveryError("Recording", "the bot was blocked"))
    lost, next_one = await service.say("lost"), await service.say("next")
    async with service.working():
        assert (await service.ended(next_one)).state == "delivered"
    turn = await service.turn(lost)
    assert (turn.state, turn.answer) == ("failed", "«lost».")
    assert "blocked" in (turn.error or "")


async def test_released_turn_is_continued_by_another_worker(service: Service) -> None:
    gate = service.platform.gates["1"] = asyncio.Event()
    receipt = await service.say("Go on?")
    async with service.working(drain_timeout=0):
        async with asyncio.timeout(60):
            while not service.platform.messages:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    left = await service.turn(receipt)
    assert (left.state, left.setbacks) == ("answering", 0)
    gate.set()
    async with service.working():
        turn = await service.ended(receipt)
    assert (turn.state, turn.attempts) == ("delivered", 2)
    assert service.platform.shown_in("1") == ["«Go on?»."]


async def test_draining_worker_finishes_running_turns(service: Service) -> None:
    gate = service.platform.gates["1"] = asyncio.Event()
    receipt = await service.say("To the end?")
    async with service.working() as worker:
        async with asyncio.timeout(60):
            while not service.platform.messages:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        worker.drain()
        later = await service.say("elsewhere", "2")
        gate.set()
        assert (await service.ended(receipt)).state == "delivered"
    assert (await service.turn(later)).state == "accepted"


async def test_stopped_answer_keeps_what_has_come(service: Service, server: SGLangServer) -> None:
    server.answer_gate = asyncio.Event()
    receipt = await service.say("one two three")
    async with service.working():
        await server.until(requests=1)
        async with asyncio.timeout(10):
            while not any(service.platform.shown_in("1")):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        stopped = await service.say("/stop")
        turn = await service.ended(receipt)
        await service.ended(stopped)
    assert (turn.state, turn.answer, turn.finish_reason) == ("stopped", "«", "cancelled")
    assert "Stopped." in service.platform.shown_in("1")


async def test_question_stopped_while_waiting_is_not_generated(service: Service, server: SGLangServer) -> None:
    receipt = await service.say("never mind")
    await service.say("/stop")
    async with service.working():
        assert (await service.ended(receipt)).state == "stopped"
    assert not server.requests


async def test_turn_is_given_up_after_too_many_failures(service: Service, dsn: str) -> None:
    receipt = await service.say("poison")
    await run_sql(dsn, "UPDATE turns SET setbacks = 8")
    async with service.working():
        turn = await service.ended(receipt)
    assert turn.state == "dead"
    assert "gave up after 8 attempts" in (turn.error or "")
    assert "/retry" in service.platform.shown_in("1")[0]


async def test_turn_is_given_up_after_its_timeout_if_an_attempt_has_failed(service: Service, dsn: str) -> None:
    receipt = await service.say("late")
    await run_sql(dsn, "UPDATE turns SET give_up_at = now() - interval '1 s', setbacks = 1")
    async with service.working():
        assert (await service.ended(receipt)).state == "dead"


@pytest.mark.parametrize(
    "step", ["- interval '1 hour'", "+ interval '1 hour'", "- interval '1 day'", "+ interval '1 day'"]
)
async def test_a_step_of_the_databases_clock_costs_nothing(service: Service, dsn: str, step: str) -> None:
    """Times that were stored before the clock was set look as if they lay in the past, or in the future."""
    receipts = [await service.say(text, chat) for text, chat in (("one", "1"), ("two", "1"), ("three", "2"))]
    await run_sql(
        dsn,
        f"""UPDATE turns
            SET created_at = created_at {step}, updated_at = updated_at {step}, give_up_at = give_up_at {step}""",
        f"UPDATE processes SET seen_at = seen_at {step}",
        f"UPDATE allowances SET refilled_at = refilled_at {step}, tokens = 0",
        f"""UPDATE consilium_pgqueuer
            SET created = created {step}, updated = updated {step}, execute_after = execute_after {step},
                heartbeat = heartbeat {step}""",
    )
    # One of them has been tried before.
    await run_sql(dsn, f"UPDATE turns SET setbacks = 1, attempts = 1 WHERE id = '{receipts[0].turn.id}'")
    async with service.working():
        receipts.append(await service.say("after it", "1"))
        turns = [await service.ended(receipt) for receipt in receipts]
    assert [(turn.state, turn.attempts) for turn in turns] == [("delivered", 2), *[("delivered", 1)] * 3]


async def test_a_job_stays_with_a_live_worker_after_an_outage(service: Service, dsn: str) -> None:
    """No heartbeat reaches a database that is away; when it is back, all of them are old."""
    gate = service.platform.gates["1"] = asyncio.Event()
    receipt = await service.say("Mine?")
    async with service.working():
        async with asyncio.timeout(60):
            while not service.platform.messages:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        async with service.working():
            await run_sql(dsn, "UPDATE consilium_pgqueuer SET heartbeat = heartbeat - interval '1 hour'")
            await asyncio.sleep(2.5)
            gate.set()
            turn = await service.ended(receipt, within=60)
    assert (turn.state, turn.attempts) == ("delivered", 1)


async def test_a_job_of_a_dead_worker_is_taken_over(
    service: Service, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.turns.worker.JOB_HEARTBEAT_INTERVAL", 0.05)
    receipt = await service.say("Whose?")
    async with service.services.database.anonymous_transaction() as connection:
        entrypoint = f"answer:{service.services.mind.name}"
        assert len(await jobs.dequeue(connection, receipt.turn.id, [entrypoint], 1, timedelta(days=1))) == 1
    for step in ("- interval '1 minute'", "+ interval '1 day'"):
        await run_sql(dsn, f"UPDATE consilium_pgqueuer SET heartbeat = now() {step}")
    async with service.working():
        assert (await service.ended(receipt, within=60)).state == "delivered"


UNREADABLE_PAYLOADS = (
    None,
    b"",
    b"not json",
    b"[]",
    b"{}",
    b'{"turn": 7, "user": null}',
    b'{"turn": "7", "user": "8"}',
    b"\xff\xfe",
    b"[" * 100_000,
)


@pytest.mark.parametrize("payload", UNREADABLE_PAYLOADS, ids=lambda payload: repr(payload)[:20])
async def test_a_job_that_cannot_be_read_is_set_aside_and_its_turn_goes_on(
    service: Service, dsn: str, payload: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.turns.worker.MAINTENANCE_INTERVAL", 0.1)
    hurt, other = await service.say("hurt", "1"), await service.say("other", "2")
    value = "NULL" if payload is None else f"decode('{payload.hex()}', 'hex')"
    await run_sql(dsn, f"UPDATE consilium_pgqueuer SET payload = {value} WHERE dedupe_key = '{hurt.turn.id}'")
    await run_sql(
        dsn,
        f"""INSERT INTO consilium_pgqueuer (priority, status, entrypoint, payload)
            VALUES (9, 'queued', 'answer:{service.services.mind.name}', {value})""",
    )
    async with service.working():
        assert (await service.ended(other, within=60)).state == "delivered"
        await age_turns(dsn)
        assert (await service.ended(hurt, within=60)).state == "delivered"
    async with service.services.database.anonymous_transaction() as connection:
        letters = await dead_letters.list_latest(connection, 10)
    assert sorted(letter.reference for letter in letters) == ["", str(hurt.turn.id)]


async def test_a_turn_that_breaks_before_its_attempt_begins_dies_and_blocks_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, next_one = await service.say("poison"), await service.say("next")
    load = worker.load_conversation

    async def break_for_poison(connection: PersonConnection, turn: Turn) -> Conversation:
        if turn.id == poison.turn.id:
            raise KeyError("undecodable")
        return await load(connection, turn)

    monkeypatch.setattr(worker, "load_conversation", break_for_poison)
    monkeypatch.setattr(worker, "JOB_STALE_AFTER", timedelta(0))
    async with service.working():
        assert (await service.ended(poison, within=60)).state == "dead"
        assert (await service.ended(next_one, within=60)).state == "delivered"
    assert "/retry" in service.platform.shown_in("1")[0]


async def test_a_worker_survives_a_read_only_database(service: Service, dsn: str) -> None:
    name = dsn.rpartition("/test_")[2].partition("?")[0]
    other = dsn.replace(f"/test_{name}?", "/postgres?")
    first = await service.say("before")
    async with service.working():
        await service.ended(first)
        await run_sql(other, f"ALTER DATABASE test_{name} SET default_transaction_read_only = on")
        await run_sql(other, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'test_{name}'")
        with pytest.raises(DatabaseReadOnly):
            await service.say("meanwhile")
        await asyncio.sleep(3)
        await run_sql(other, f"ALTER DATABASE test_{name} RESET default_transaction_read_only")
        async with asyncio.timeout(20):
            while True:
                try:
                    after = await service.say("after")
                    break
                except DatabaseReadOnly:
                    await asyncio.sleep(0.2)
        assert (await service.ended(after)).state == "delivered"


async def test_unanswerable_question_fails_without_a_retry(service: Service) -> None:
    receipt = await service.say("<|use_lora_spotr|>What?")
    async with service.working():
        turn = await service.ended(receipt)
    assert (turn.state, turn.attempts) == ("failed", 1)
    assert "spotr" in service.platform.shown_in("1")[0]


async def test_turn_without_a_job_is_recovered(service: Service, dsn: str) -> None:
    receipts = [await service.say("one"), await service.say("two"), await service.say("/help")]
    await run_sql(dsn, "DELETE FROM consilium_pgqueuer")
    await age_turns(dsn)
    services = service.services
    assert await recover_stranded(services.database, services.mind.name, services.heartbeat.id) == 2
    assert await recover_stranded(services.database, "another-mind", services.heartbeat.id) == 0
    async with service.working():
        for receipt in receipts:
            assert (await service.ended(receipt)).state == "delivered"


async def test_process_whose_heartbeat_is_late_keeps_its_own_turns(service: Service, dsn: str) -> None:
    services = service.services
    own = await services.inbox.receive(service.incoming("mine", address=None, update=None), services.heartbeat.id)
    await age_turns(dsn)
    await run_sql(dsn, "UPDATE processes SET seen_at = now() - interval '1 minute'")
    async with service.working(heartbeat=services.heartbeat):  # its first round comes at once
        await service.ended(await service.say("another", chat="2"))
    assert (await service.turn(own)).state == "accepted"


async def test_inline_turn_of_a_dead_process_is_ended(service: Service, dsn: str) -> None:
    services = service.services
    here = service.incoming("mine", address=None, update=None)
    living = await services.inbox.receive(here, services.heartbeat.id)
    dead = await services.inbox.receive(here, living.turn.id)
    await age_turns(dsn)
    assert await recover_stranded(services.database, services.mind.name, services.heartbeat.id) == 1
    assert (await service.turn(living)).state == "accepted"
    turn = await service.turn(dead)
    assert turn.state == "failed"
    assert "ended before" in (turn.error or "")


async def test_failed_turn_can_be_reopened_in_its_message(service: Service, dsn: str) -> None:
    receipt = await service.say("again")
    await run_sql(dsn, "UPDATE turns SET setbacks = 8")
    async with service.working():
        await service.ended(receipt)
        async with service.services.database.person_transaction(receipt.turn.user_id) as connection:
            assert await states.reopen_failed(connection, receipt.turn.id)
            await jobs.enqueue(
                connection, f"answer:{service.services.mind.name}", receipt.turn.id, receipt.turn.user_id
            )
        assert (await service.ended(receipt)).state == "delivered"
    assert service.platform.shown_in("1") == ["«again»."]


async def test_prompt_has_earlier_turns_only(service: Service, server: SGLangServer) -> None:
    for text in ("first", "second", "third"):
        await service.say(text)
    async with service.working():
        await service.platform.until(ended=3)
    asked = [[m["content"] for m in request["messages"] if m["role"] == "user"] for request in server.requests]
    assert asked == [["first"], ["first", "second"], ["first", "second", "third"]]


@pytest.mark.parametrize(
    ("limits", "refusal"),
    [
        ({"person_per_day": 2}, QuotaSpent),
        ({"person_at_once": 2, "person_per_minute": 0.001}, TooManyMessages),
        ({"waiting": 4}, ShareFull),
    ],
)
async def test_message_over_a_limit_is_refused_and_not_stored(
    sglang_settings: Settings, dsn: str, limits: dict[str, float], refusal: type[Exception]
) -> None:
    settings = sglang_settings.model_copy(update={"database_url": SecretStr(dsn), "prewarm_modes": 0, **limits})
    async with open_services(settings, role="gateway") as services:
        service = Service(services)
        receipts = [await service.say(f"{n}") for n in range(2)]
        message = service.incoming("one too many")
        with pytest.raises(refusal) as refused:
            await services.inbox.receive(message)
        outcome = services.inbox.refusal_outcome(message, refused.value)
        assert outcome.error
        assert not outcome.is_service_error
        await service.say("/stop")
        async with services.database.person_transaction(receipts[0].turn.user_id) as connection:
            assert [turn.question for turn in await turns.list_unfinished(connection)] == ["0", "1", "/stop"]


async def test_own_data_commands_work_over_the_quota(sglang_settings: Settings, dsn: str) -> None:
    settings = sglang_settings.model_copy(update={"database_url": SecretStr(dsn), "person_per_day": 1})
    async with open_services(settings, role="gateway") as services:
        service = Service(services)
        await service.say("Hello.")
        for command in ("/memory", "/export", "/privacy"):
            assert await service.say(command)
        for text in ("And now?", "/mode base"):
            with pytest.raises(QuotaSpent):
                await service.say(text)
        await service.say("/forget me yes")


async def test_concurrent_messages_never_exceed_the_quota(sglang_settings: Settings, dsn: str) -> None:
    settings = sglang_settings.model_copy(
        update={"database_url": SecretStr(dsn), "person_per_day": 40, "person_at_once": 1000, "worker_turns": 46}
    )
    async with open_services(settings, role="gateway") as services:
        service = Service(services)

        async def send(number: int) -> bool:
            try:
                await service.say(f"{number}")
            except QuotaSpent:
                return False
            return True

        assert sum(await asyncio.gather(*(send(number) for number in range(300)))) == 40
