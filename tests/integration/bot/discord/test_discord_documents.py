"""Documents sent with messages on Discord."""

from __future__ import annotations

from db.memory import memories
from db.people import users
from tests.fixtures.discord_service import DiscordService

PLAN = "# The Winter Plan\n\nIn January a recruit skis forty kilometres a week.\n"


def attached(name: str, text: str = PLAN) -> list[dict[str, str]]:
    return [{"filename": name, "text": text, "content_type": "text/markdown"}]


async def test_documents_and_question_in_one_message(service: DiscordService) -> None:
    dm = service.people.dm(service.ann)
    async with service.serving():
        service.people.send_dm(service.ann, "", attachments=attached("plan.md") + attached("cat.png"))
        first = await service.wait_answer(dm)
        assert first["content"].splitlines()[0].startswith("I have read “plan.md” and remember it (passages: 1);")
        assert first["content"].splitlines()[1].startswith("“cat.png” was not added. “.png” files are pictures")
        service.people.send_dm(service.ann, "How far on skis?", attachments=attached("other.md"))
        second = await service.wait_answer(dm, after=first["id"])
        assert second["content"].startswith("I have read “other.md”")
        assert "«How far on skis?»." in second["content"]
        assert len(service.bot_messages(dm)) == 2
    async with service.services.database.anonymous_transaction() as connection:
        person = await users.identify(connection, platform="discord", external_id=service.ann)
    async with service.services.database.person_transaction(person.id) as connection:
        documents = await memories.list_valid(connection, ("document",))
    assert [document.title for document in documents] == ["plan.md", "other.md"]


async def test_document_in_guild_needs_mention(service: DiscordService) -> None:
    async with service.serving():
        service.people.send(service.channel, service.ann, "Look.", attachments=attached("a.md"))
        service.people.send(
            service.channel, service.ann, "", mentions=[service.people.bot], attachments=attached("b.md")
        )
        answer = await service.wait_answer(service.channel)
    assert answer["content"].startswith("I have read “b.md” and remember it for you in this chat (passages: 1).")
    assert len(service.bot_messages(service.channel)) == 1
