"""Documents of owners and admins go into the library: found, cited, replaced and removed."""

from __future__ import annotations

import asyncio

from db.library import uploads
from db.memory import memories
from db.turns.turns import Turn
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.service import Service
from tests.integration.bot.documents.conftest import GUEST, OWNER, Opens

PLAN = "# The Winter Plan\n\n## Skis\n\nIn January every recruit skis forty kilometres a week on wooden skis.\n"
CHANGED = PLAN.replace("forty", "fifty")
QUESTION = "How many kilometres a week does a recruit ski in January?"


async def said(service: Service, text: str, chat: str = OWNER, **more: object) -> Turn:
    return await service.ended(await service.say(text, chat, **more), within=60)


async def test_owner_document_is_in_the_library_and_cited(open_service: Opens, server: SGLangServer) -> None:
    server.pieces = ["Every recruit skis forty kilometres a week in January."]
    async with open_service() as service, service.working():
        file = service.platform.send("plan.md", PLAN)
        gate = service.platform.gates[str(file.handle["file"])] = asyncio.Event()
        receipt = await service.say("/library add", OWNER, files=[file])
        async with asyncio.timeout(30):
            while service.platform.shown_in(OWNER) != ["Fetching “plan.md” …"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        gate.set()
        sent = await service.ended(receipt)
        assert sent.answer == (
            "“plan.md” is in the library now (passages: 1). /library shows what is there, “/library forget plan.md”"
            " removes it."
        )
        assert (sent.state, sent.question, sent.mode) == ("delivered", "", None)
        (message,) = service.platform.messages.values()
        assert message.text == sent.answer
        # Answers to anybody use it.
        turn = await said(service, QUESTION, GUEST)
        assert turn.answer == "Every recruit skis forty kilometres a week in January. [1]"
        assert [(one["title"], one["where"]) for one in turn.sources] == [("The Winter Plan", "§ Skis")]
        overview = await said(service, "/library")
        assert "Sent in chats: “plan.md”." in str(overview.answer)
        assert ["received", "article", "1", "1", "0"] in [row[:5] for row in overview.said["table"]["rows"]]
        assert "Sent in chats" not in str((await said(service, "/library", GUEST)).answer)


async def test_survives_library_syncs_and_is_replaced_by_name(open_service: Opens, server: SGLangServer) -> None:
    server.pieces = ["Yes."]
    async with open_service() as service, service.working():
        await said(service, "/library add", files=[service.platform.send("plan.md", PLAN)])
    async with open_service() as service, service.working():
        found = await said(service, f"/library search {QUESTION}")
        assert "forty kilometres" in str(found.answer)
        again = await said(service, "/library add", files=[service.platform.send("plan.md", CHANGED)])
        assert str(again.answer).startswith("“plan.md” is updated in the library (passages: 1).")
        found = await said(service, f"/library search {QUESTION}")
        assert "fifty kilometres" in str(found.answer)
        assert "forty" not in str(found.answer)
    # It is chunked again when the chunking options change, and is gone when it is removed.
    async with (
        open_service(
            "collections:\n  articles: {kind: article, path: 'library/*.md', language: [en, ru], receives: true,"
            " chunking: {size: 64, overlap: 8}}\n"
        ) as service,
        service.working(),
    ):
        overview = await said(service, "/library")
        assert [row[:3] for row in overview.said["table"]["rows"]] == [["articles", "article", "2"]]
        assert "fifty kilometres" in str((await said(service, f"/library search {QUESTION}")).answer)
        refused = await said(service, "/library forget plan.md", GUEST)
        assert refused.error is not None
        assert "has been removed from the library" in str((await said(service, "/library forget plan.md")).answer)
        assert "No document “plan.md”" in str((await said(service, "/library forget plan.md")).error)
    async with open_service() as service, service.working():
        assert "fifty" not in str((await said(service, f"/library search {QUESTION}")).answer)
        async with service.services.database.anonymous_transaction() as connection:
            assert await uploads.list_all(connection, service.services.mind.name) == []


async def test_question_with_a_document_is_answered_from_it(open_service: Opens, server: SGLangServer) -> None:
    server.pieces = ["Every recruit skis forty kilometres a week in January."]
    async with open_service() as service, service.working():
        turn = await said(service, f"To the library.\n{QUESTION}", files=[service.platform.send("plan.md", PLAN)])
        report, _, answer = str(turn.answer).partition("\n\n")
        assert report.startswith("“plan.md” is in the library now")
        assert answer == "Every recruit skis forty kilometres a week in January. [1]"
        assert [one["title"] for one in turn.sources] == ["The Winter Plan"]
        assert service.platform.shown_in(OWNER) == [turn.answer]
        # The history that the model is shown later has its own answer, without the report.
        await said(service, "And in March?")
        assert server.requests[-1]["messages"][2]["content"] == "Every recruit skis forty kilometres a week in January."


async def test_admin_adds_to_the_library_and_others_do_not(open_service: Opens, server: SGLangServer) -> None:
    async with open_service() as service, service.working():
        await said(service, "/admin grant admin recording:person-3")
        admin = await said(service, "Add it to the library, please.", "3", files=[service.platform.send("a.md", PLAN)])
        guest = await said(service, "To the library", GUEST, files=[service.platform.send("b.md", CHANGED)])
        assert "is in the library now" in str(admin.answer)
        assert "other people cannot see it" in str(guest.answer)
        found = str((await said(service, f"/library search {QUESTION}")).answer)
        assert "forty" in found
        assert "fifty" not in found


async def test_owner_document_is_for_the_owner_alone_until_they_say_otherwise(open_service: Opens) -> None:
    async with open_service() as service, service.working():
        sent = await said(service, "", files=[service.platform.send("plan.md", PLAN)])
        assert "other people cannot see it" in str(sent.answer)
        assert service.platform.ended[-1][1].offers_library
        assert "forty" not in str((await said(service, f"/library search {QUESTION}", GUEST)).answer)
        guest = await said(service, "", GUEST, files=[service.platform.send("other.md", PLAN)])
        assert not service.platform.ended[-1][1].offers_library
        # Nobody but an admin can use the button's command, and nobody with the document of somebody else.
        assert (await said(service, f"/library add {guest.id}", GUEST)).error is not None
        assert (await said(service, f"/library add {guest.id}")).error is not None
        added = await said(service, f"/library add {sent.id}")
        assert "“plan.md” is in the library now" in str(added.answer)
        assert not service.platform.ended[-1][1].offers_library
        assert "forty" in str((await said(service, f"/library search {QUESTION}", GUEST)).answer)
        # It has moved: the owner's memory does not hold it any more.
        async with service.services.database.person_transaction(sent.user_id) as connection:
            assert await memories.list_valid(connection, ("document",)) == []


async def test_owner_adds_the_last_document_in_words(open_service: Opens) -> None:
    async with open_service() as service, service.working():
        assert "No document was sent here" in str((await said(service, "/library add")).error)
        await said(service, "What is in it?", files=[service.platform.send("plan.md", PLAN)])
        assert "“plan.md” is in the library now" in str((await said(service, "/library add")).answer)
