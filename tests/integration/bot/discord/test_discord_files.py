"""Files of messages and of answers on Discord."""

from __future__ import annotations

import json

import pytest

from bot.channels.discord.addresses import AnswerTarget
from bot.channels.discord.attachments import file_ref_from_attachment
from bot.core.errors import PermanentDeliveryError, TemporaryDeliveryError
from bot.core.i18n import Translator
from bot.core.messages import Address, File, Outcome
from tests.fakes.discord.server import DiscordFake
from tests.fixtures.discord_service import DiscordService

TEXT = "Squats, then rest.\n" * 5000


def handle_of(fake: DiscordFake, message: str, channel: str) -> Address:
    """The handle of a message's file."""
    (attachment,) = fake.messages.json(fake.messages.all[int(message)], with_content=True)["attachments"]
    reference = file_ref_from_attachment(attachment, channel, message)
    assert (reference.name, reference.size) == ("plan.md", len(TEXT))
    return json.loads(json.dumps(reference.handle))


async def fetch(service: DiscordService, handle: Address) -> str:
    chunks = [chunk async for chunk in service.platform.fetch(handle)]
    assert len(chunks) > 1
    return b"".join(chunks).decode()


@pytest.fixture
def sent(service: DiscordService) -> str:
    """A message with a file."""
    attachment = {"filename": "plan.md", "text": TEXT, "content_type": "text/markdown"}
    return service.people.send_dm(service.ann, "Read this.", attachments=[attachment])


async def test_expired_url_is_refreshed(service: DiscordService, sent: str) -> None:
    handle = handle_of(service.fake, sent, service.people.dm(service.ann))
    assert await fetch(service, handle) == TEXT
    service.fake.advance_clock(25 * 3600)
    assert await fetch(service, handle) == TEXT


async def test_deleted_file_is_permanent_failure(service: DiscordService, sent: str) -> None:
    handle = handle_of(service.fake, sent, service.people.dm(service.ann))
    service.people.delete(service.ann, sent)
    with pytest.raises(PermanentDeliveryError):
        await fetch(service, handle)


async def test_file_larger_than_announced(service: DiscordService, sent: str) -> None:
    handle = handle_of(service.fake, sent, service.people.dm(service.ann))
    with pytest.raises(PermanentDeliveryError, match="larger"):
        await fetch(service, {**handle, "size": 70_000})


async def test_unreachable_file_server_is_temporary_failure(service: DiscordService, sent: str) -> None:
    handle = handle_of(service.fake, sent, service.people.dm(service.ann))
    with pytest.raises(TemporaryDeliveryError):
        await fetch(service, {**handle, "url": "http://127.0.0.1:9/plan.md"})


async def test_answer_files_are_attached_once(service: DiscordService) -> None:
    dm = service.people.dm(service.ann)
    target = AnswerTarget(dm, "1", service.ann)
    outcome = Outcome("core", "Here is all I have.", files=[File("export.json", b"{}"), File("export.md", b"# You")])
    parts = RecordedParts()
    for _ in range(2):
        reply = service.platform.reply(target.to_address(), parts, Translator("en"))
        await reply.finish(outcome)
        await reply.close()
    (message,) = service.people.messages_in(dm)
    assert message["files"] == ["export.json", "export.md"]
    assert parts.message_ids == [message["id"]]


class RecordedParts:
    """Parts that are recorded in memory."""

    async def ensure_held(self, *, now: bool = False) -> None:
        pass

    def __init__(self) -> None:
        self.message_ids: list[str] = []

    async def record(self, n: int, message_id: str, *, patience: float | None = None) -> None:
        self.message_ids[n:] = [message_id]
