"""Documents and processes that fail: each failure has a reason, and nothing is ingested twice."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.conversation import load_conversation
from bot.core.errors import PermanentDeliveryError, TemporaryDeliveryError
from bot.turns.lease import TurnLease, claim
from bot.turns.queue import answer_entrypoint
from bot.turns.worker import JOB_STALE_AFTER
from db.library import uploads
from db.memory import personal_documents
from db.turns import jobs
from db.turns.turns import Turn
from tests.fakes.hostile.documents import LAUGHS, MB, docx, paragraph, pdf, pdf_bomb, pdf_text, xlsx_of_laughs
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.postgres import run_sql
from tests.fixtures.service import Service
from tests.integration.bot.documents.conftest import GUEST, OWNER, Opens

TEXT = "# Stones\n\n" + "\n\n".join(f"On day {n} I carried {n} flat stones up the hill." for n in range(200))

HOSTILE = {
    "bomb.pdf": (pdf_bomb(200), "There is no text in it"),
    "half.pdf": (pdf(pdf_text("x"))[:200], "It cannot be read"),
    "laughs.docx": (docx(paragraph("&k;"), head=LAUGHS), "was not added"),
    "laughs.xlsx": (xlsx_of_laughs(), "was not added"),
    "locked.docx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000), "protected by a password"),
    "bytes.txt": (bytes(range(256)) * 1000, "not text in any known encoding"),
    "empty.md": (b"", "There is no text in it"),
    "program.exe": (b"MZ", "Files that end in “.exe” are not read"),
    "no ending": (b"text", "are not read"),
    "deep.jsonl": (b"[" * 100_000, "Line 1 is not a dialogue"),
}


async def said(service: Service, text: str, chat: str = GUEST, **more: object) -> Turn:
    return await service.ended(await service.say(text, chat, **more), within=90)


async def kept(service: Service, turn: Turn) -> tuple[int, int]:
    """How many documents and passages there are in the person's memory."""
    async with service.services.database.person_transaction(turn.user_id) as connection:
        documents = await connection.fetchval("SELECT count(*) FROM memories WHERE kind = 'document'")
        return documents, await personal_documents.count_passages(connection)


async def in_library(service: Service) -> list[str]:
    async with service.services.database.anonymous_transaction() as connection:
        return [one.name for one in await uploads.list_all(connection, service.services.mind.name)]


async def test_hostile_files_are_refused_for_library_and_memory(open_service: Opens) -> None:
    async with open_service() as service, service.working():
        for name, (content, reason) in HOSTILE.items():
            for chat in (OWNER, GUEST):
                turn = await said(
                    service, "/library add" if chat == OWNER else "", chat, files=[service.platform.send(name, content)]
                )
                assert str(turn.answer).startswith(f"“{name}” was not added."), turn.answer
                assert reason in str(turn.answer), turn.answer
                assert (turn.state, turn.error) == ("delivered", None)
                assert "Traceback" not in str(turn.answer)
        assert await kept(service, turn) == (0, 0)
        assert await in_library(service) == []
        # A refused document replaces nothing, and the next one is read as usual.
        await said(service, "/library add", OWNER, files=[service.platform.send("plan.md", TEXT)])
        await said(service, "/library add", OWNER, files=[service.platform.send("plan.md", b"")])
        assert await in_library(service) == ["plan.md"]
        assert "flat stones" in str((await said(service, "/library search flat stones")).answer)


async def test_size_limit_whatever_size_is_announced(open_service: Opens) -> None:
    async with open_service(document_megabytes=1) as service, service.working():
        large = await said(service, "", files=[service.platform.send("a.txt", "x", size=30 * MB)])
        assert "It holds more than 1 MB" in str(large.answer)
        assert service.platform.fetched == []
        lying = await said(service, "", files=[service.platform.send("a.txt", b"word " * MB, size=10)])
        assert "It holds more than 1 MB" in str(lying.answer)


async def test_each_file_of_a_message_has_its_own_result(open_service: Opens, server: SGLangServer) -> None:
    server.pieces = ["Yes."]
    async with open_service(documents_per_message=3) as service, service.working():
        names = ["a.md", "b.exe", "a.md", "d.md"]
        files = [service.platform.send(name, TEXT) for name in names]
        turn = await said(service, "What did I carry?", files=files)
        lines = str(turn.answer).partition("\n\n")[0].splitlines()
        assert [line[:30] for line in lines] == [
            "I have read “a.md” and remembe",
            "“b.exe” was not added. Files t",
            "I have read “a (2).md” and rem",
            "“d.md” was not added. I read a",
        ]
        assert str(turn.answer).endswith("\n\nYes.")
        assert any("flat stones" in note for note in turn.recalled)
        assert (await kept(service, turn))[0] == 2


async def test_temporary_fetch_failure_is_retried(open_service: Opens) -> None:
    async with open_service() as service, service.working():
        service.platform.fetch_fails.append(TemporaryDeliveryError("recording", "busy", 0.1))
        turn = await said(service, "", files=[service.platform.send("plan.md", TEXT)])
        assert "remember it" in str(turn.answer)
        assert (turn.attempts, len(service.platform.fetched)) == (2, 2)
        assert service.platform.shown_in(GUEST) == [turn.answer]


async def test_lost_file_is_reported(open_service: Opens) -> None:
    async with open_service(turn_attempts=1) as service, service.working():
        service.platform.fetch_fails.append(PermanentDeliveryError("recording", "the message was deleted"))
        gone = await said(service, "", files=[service.platform.send("plan.md", TEXT)], language="ru")
        assert gone.answer is not None
        assert "plan.md" in gone.answer
        assert "the message was deleted" in gone.answer
        service.platform.fetch_fails += [TemporaryDeliveryError("recording", "busy", 0.1)]
        never = await said(service, "", files=[service.platform.send("plan.md", TEXT)])
        assert (never.state, "busy" in service.platform.shown_in(GUEST)[-1]) == ("dead", True)
        # The file comes with what is asked again.
        again = await said(service, "/retry")
        assert "remember it" in str(again.answer)


async def test_command_does_not_read_attached_files(open_service: Opens) -> None:
    async with open_service() as service, service.working():
        turn = await said(service, "/mode sport", files=[service.platform.send("plan.md", TEXT)])
        assert str(turn.answer).endswith("I have not read the attached file: send it without a command.")
        assert service.platform.fetched == []


async def test_stop_ends_the_ingest(open_service: Opens) -> None:
    async with open_service() as service, service.working():
        file = service.platform.send("plan.md", TEXT)
        service.platform.gates[str(file.handle["file"])] = asyncio.Event()
        receipt = await service.say("", GUEST, files=[file])
        while not service.platform.fetched:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await said(service, "/stop")
        turn = await service.ended(receipt)
        assert (turn.state, turn.finish_reason) == ("stopped", "cancelled")
        assert await kept(service, turn) == (0, 0)


@pytest.mark.parametrize("chat", [OWNER, GUEST])
async def test_killed_worker_leaves_one_copy_and_one_message(open_service: Opens, dsn: str, chat: str) -> None:
    """Killed while the file is downloaded, and again after it is stored but before the result is."""
    async with open_service() as service:
        file = service.platform.send("plan.md", TEXT)
        gate = service.platform.gates[str(file.handle["file"])] = asyncio.Event()
        receipt = await service.say("/library add" if chat == OWNER else "", chat, files=[file])
        for _ in range(2):
            worker = service.worker()
            running = asyncio.create_task(worker.run())
            fetched = len(service.platform.fetched)
            while len(service.platform.fetched) == fetched:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            await die(running, dsn)
        gate.set()
        # One more worker, which stores the document and dies before it stores the result.
        service.platform.ends_wait = asyncio.Event()
        running = asyncio.create_task(service.worker().run())
        async with asyncio.timeout(30):
            while not (await service.turn(receipt)).is_answered:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await die(running, dsn)
        await run_sql(dsn, "UPDATE turns SET taken = NULL, finish_reason = NULL, answer = NULL")
        service.platform.ends_wait.set()
        async with service.working():
            turn = await service.ended(receipt, within=60)
        assert "plan.md" in str(turn.answer)
        assert len(service.platform.messages) == 1
        assert service.platform.shown_in(chat) == [turn.answer]
        if chat == OWNER:
            assert await in_library(service) == ["plan.md"]
            async with service.services.database.anonymous_transaction() as connection:
                found = await connection.fetchrow(
                    "SELECT count(DISTINCT document_id) AS documents, count(*) AS chunks, count(DISTINCT v.chunk_id) AS"
                    " vectors FROM chunks AS c LEFT JOIN vectors AS v ON v.chunk_id = c.id"
                    " WHERE document_id = (SELECT id FROM documents WHERE uri = 'received:plan.md')"
                )
            assert found is not None
            assert found["documents"] == 1
            assert found["chunks"] == found["vectors"] > 5
        else:
            assert (await kept(service, turn))[0] == 1
            assert f"(passages: {(await kept(service, turn))[1]})" in str(turn.answer)


async def test_two_attempts_at_a_turn_keep_one_copy(open_service: Opens) -> None:
    async with open_service() as service:
        receipt = await service.say("", GUEST, files=[service.platform.send("plan.md", TEXT)])
        services = service.services
        async with services.database.anonymous_transaction() as connection:
            mind = services.mind.name
            [job] = await jobs.dequeue(connection, services.heartbeat.id, [answer_entrypoint(mind)], 1, JOB_STALE_AFTER)
        leases = []
        for _ in range(2):
            async with services.database.person_transaction(job.user_id) as connection:
                lease = await claim(
                    services.database,
                    connection,
                    job.turn_id,
                    services.heartbeat.id,
                    mind,
                    job=job,
                    database_timeout=5,
                )
            assert lease is not None
            leases.append(lease)
        await asyncio.gather(*(attempt(service, lease) for lease in leases))
        turn = await service.ended(receipt)
        assert (await kept(service, turn))[0] == 1
        assert [outcome.answer for _, outcome in service.platform.ended] == [turn.answer]


async def attempt(service: Service, lease: TurnLease) -> None:
    async with service.services.database.person_transaction(lease.turn.user_id) as connection:
        conversation = await load_conversation(connection, lease.turn)
    address = lease.turn.address
    assert address is not None
    reply = service.platform.reply(address, lease, conversation.say)
    await service.services.turn_runner.run(lease, conversation, reply, service.platform.fetch)


async def die(task: asyncio.Task[None], dsn: str) -> None:
    """As if its process were killed: the task ends, and its job looks abandoned."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await run_sql(dsn, "UPDATE consilium_pgqueuer SET heartbeat = heartbeat - interval '1 hour'")
