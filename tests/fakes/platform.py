"""A platform in this process that keeps what is shown on it, as strict as the port: parts first, an end once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from bot.core.errors import DeliveryError
from bot.core.i18n import Translator
from bot.core.messages import Address, FileRef, Outcome
from bot.core.ports import Parts


@dataclass
class Message:
    """One message on the platform."""

    id: str
    chat: str
    texts: list[str] = field(default_factory=list)
    """What it has shown, one state after another."""

    @property
    def text(self) -> str:
        return self.texts[-1] if self.texts else ""


@dataclass
class RecordingPlatform:
    """Shows answers in messages of its own."""

    name: str = "recording"
    messages: dict[str, Message] = field(default_factory=dict)
    ended: list[tuple[str, Outcome]] = field(default_factory=list)
    """Chats and outcomes, in the order in which answers were finished."""
    fails: list[DeliveryError] = field(default_factory=list)
    """Raised by the ends to come, one each."""
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    """Answers in these chats wait before their first piece."""
    ends_wait: asyncio.Event | None = None
    """What all ends of answers wait for."""
    queued: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    thoughts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By chat, what was shown of a model's thoughts."""
    files: dict[str, bytes] = field(default_factory=dict)
    """What it gives when it is asked for files, by their handles."""
    fetched: list[str] = field(default_factory=list)
    """Handles that it was asked for."""
    fetch_fails: list[DeliveryError] = field(default_factory=list)
    """Raised when files are asked for, one each."""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def reply(self, address: Address, parts: Parts, say: Translator) -> RecordingReply:
        return RecordingReply(self, str(address["chat"]), parts, say)

    async def fetch(self, handle: Address) -> AsyncGenerator[bytes, None]:
        self.fetched.append(str(handle["file"]))
        gate = self.gates.get(str(handle["file"]))
        if gate is not None:
            await gate.wait()
        if self.fetch_fails:
            raise self.fetch_fails.pop(0)
        content = self.files[str(handle["file"])]
        for start in range(0, len(content), 65536):
            yield content[start : start + 65536]

    def send(self, name: str, content: bytes | str, size: int | None = None) -> FileRef:
        """A file that somebody sends, on its way with a message; `size` is what it is said to be, if not its own."""
        sent = content.encode() if isinstance(content, str) else content
        handle = f"file-{len(self.files) + 1}"
        self.files[handle] = sent
        return FileRef(name, len(sent) if size is None else size, {"file": handle})

    def shown_in(self, chat: str) -> list[str]:
        """What is to be read in a chat."""
        return [message.text for message in self.messages.values() if message.chat == chat]

    async def until(self, ended: int, within: float = 30) -> None:
        """Return when so many answers have been finished."""
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: len(self.ended) >= ended)

    async def note(self, chat: str, outcome: Outcome) -> None:
        async with self._news:
            self.ended.append((chat, outcome))
            self._news.notify_all()


class RecordingReply:
    """One answer in one message."""

    def __init__(self, platform: RecordingPlatform, chat: str, parts: Parts, say: Translator) -> None:
        self.say = say
        self.closed = False
        self._platform, self._chat, self._parts = platform, chat, parts
        self._text = ""
        self._over = False

    async def show_queue_position(self, ahead: int) -> None:
        self._platform.queued[self._chat].append(ahead)

    async def show_status(self, text: str) -> None:
        assert not self._over
        (await self._message()).texts.append(text)

    async def start(self, mode: str) -> None:
        await self._message()
        gate = self._platform.gates.get(self._chat)
        if gate is not None:
            await gate.wait()

    async def write_thought(self, text: str) -> None:
        self._platform.thoughts[self._chat].append(text)

    async def write(self, text: str) -> None:
        assert not self._over
        assert not self.closed
        self._text += text
        (await self._message()).texts.append(self._text)

    async def finish(self, outcome: Outcome) -> None:
        assert not self._over
        self._over = True
        if self._platform.ends_wait is not None:
            await self._platform.ends_wait.wait()
        if self._platform.fails:
            raise self._platform.fails.pop(0)
        whole = "\n".join(part for part in (outcome.answer, outcome.error) if part)
        (await self._message()).texts.append(whole)
        await self._platform.note(self._chat, outcome)

    async def close(self) -> None:
        self.closed = True

    async def _message(self) -> Message:
        if self._parts.message_ids:
            return self._platform.messages[self._parts.message_ids[0]]
        message = Message(str(len(self._platform.messages) + 1), self._chat)
        self._platform.messages[message.id] = message
        await self._parts.record(0, message.id)
        return message
