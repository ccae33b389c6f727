"""Documents sent on Discord, with a message and with /ask."""

from __future__ import annotations

from db.memory import memories
from db.people import users
from tests.fixtures.discord_service import Discord

PLAN = "# The Winter Plan\n\nIn January a recruit skis forty kilometres a week.\n"


def attached(name: str, text: str = PLAN) -> list[dict[str, str]]:
    return [{"filename": name, "text": text, "content_type": "text/markdown"}]


async def test_documents_of_a_message_are_read_and_then_its_question_answered(service: Discord) -> None:
    dm = service.people.dm(service.ann)
    async with service.serving():
        service.people.tell_bot(service.ann, "", attachments=attached("plan.md") + attached("cat.png"))
        first = await service.answer(dm)
        assert first["content"].splitlines()[0].startswith("I have read “plan.md” and remember it (passages: 1);")
        assert first["content"].splitlines()[1].startswith("“cat.png” was not added. Files that end in “.png”")
        service.people.tell_bot(service.ann, "How far on skis?", attachments=attached("other.md"))
        second = await service.answer(dm, after=first["id"])
        assert second["content"].startswith("I have read “other.md”")
        assert "«How far on skis?»." in second["content"]
        assert len(service.told(dm)) == 2
    async with service.services.database.anonymous_transaction() as connection:
        person = await users.identify(connection, platform="discord", external_id=service.ann)
    async with service.services.database.person_transaction(person.id) as connection:
        kept = await memories.list_valid(connection, ("document",))
    assert [one.title for one in kept] == ["plan.md", "other.md"]


async def test_in_a_guild_a_document_is_read_when_the_bot_is_mentioned(service: Discord) -> None:
    async with service.serving():
        service.people.say(service.channel, service.ann, "Look.", attachments=attached("a.md"))
        service.people.say(
            service.channel, service.ann, "", mentions=[service.people.bot()], attachments=attached("b.md")
        )
        answer = await service.answer(service.channel)
    assert answer["content"].startswith("I have read “b.md” and remember it for you in this chat (passages: 1).")
    assert len(service.told(service.channel)) == 1
