"""A platform that writes down what it is asked to show, and a service whose worker shows it there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count

from bot.app.bootstrap import Services
from bot.core.errors import PermanentDeliveryError
from bot.core.i18n import Language, Translator
from bot.core.messages import Address, Incoming, Outcome
from bot.core.ports import Parts
from bot.intake.inbox import Receipt
from bot.turns.queue import answer_entrypoint, delivery_entrypoint
from bot.turns.worker import Worker, WorkerOptions


@dataclass
class RecordingPlatform:
    """Shows each answer as one message."""

    name: str = "telegram"
    shown: list[tuple[Address, Outcome]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    """Chats that take nothing any more."""
    _ends: dict[str, asyncio.Future[Outcome]] = field(default_factory=dict)

    def reply(self, address: Address, parts: Parts, say: Translator) -> RecordingReply:
        return RecordingReply(self, address, parts)

    async def fetch(self, handle: Address) -> AsyncIterator[bytes]:
        raise PermanentDeliveryError(self.name, f"no file {handle}")
        yield b""

    def end(self, message: str) -> asyncio.Future[Outcome]:
        """What the answer to a message will be."""
        return self._ends.setdefault(message, asyncio.get_running_loop().create_future())

    def show(self, address: Address, outcome: Outcome) -> None:
        self.shown.append((address, outcome))
        end = self.end(str(address["message"]))
        if not end.done():
            end.set_result(outcome)


class RecordingReply:
    """One answer."""

    def __init__(self, platform: RecordingPlatform, address: Address, parts: Parts) -> None:
        self._platform, self._address, self._parts = platform, address, parts
        self._text: list[str] = []

    async def show_queue_position(self, ahead: int) -> None: ...

    async def show_status(self, text: str) -> None: ...

    async def start(self, mode: str) -> None:
        if not self._parts.message_ids:
            await self._parts.record(0, f"{self._address['chat']}/{self._address['message']}")

    async def write_thought(self, text: str) -> None: ...

    async def write(self, text: str) -> None:
        self._text.append(text)

    async def finish(self, outcome: Outcome) -> None:
        if self._address["chat"] in self._platform.gone:
            raise PermanentDeliveryError(self._platform.name, "the chat is gone")
        self._platform.show(self._address, replace(outcome, answer="".join(self._text) or outcome.answer))

    async def close(self) -> None: ...


@dataclass
class Talk:
    """People who write to the service on such platforms."""

    services: Services
    platforms: dict[str, RecordingPlatform]
    worker: Worker
    _messages: Iterator[int] = field(default_factory=lambda: count(1))

    def start_over_at(self, number: int) -> None:
        """Number the messages from here: a talk that goes on after a restart repeats none."""
        self._messages = count(number)

    def message(
        self,
        person: str,
        text: str,
        *,
        platform: str = "telegram",
        chat: str | None = None,
        language: Language = "en",
        guild: str | None = None,
        roles: frozenset[str] = frozenset(),
    ) -> Incoming:
        """A message that has not been sent yet."""
        number = f"{platform}-{next(self._messages)}"
        place = chat or f"private-{person}"
        return Incoming(
            platform,
            person,
            place,
            text,
            language,
            update=number,
            address={"chat": place, "message": number},
            chat=chat,
            guild=guild,
            roles=roles,
            counts_toward_limits=False,
        )

    async def send(self, message: Incoming) -> Receipt:
        """Hand a message in; it is answered by and by."""
        receipt = await self.services.inbox.receive(message)
        self.worker.wake()
        return receipt

    async def answer(self, message: Incoming) -> Outcome:
        """Hand a message in and wait for what is shown."""
        await self.send(message)
        assert message.address is not None
        async with asyncio.timeout(60):
            return await self.platforms[message.platform].end(str(message.address["message"]))

    async def say(self, person: str, text: str, **where: object) -> Outcome:
        """What is shown when somebody writes this."""
        return await self.answer(self.message(person, text, **where))  # type: ignore[arg-type]

    async def link(self, asker: str, joiner: str) -> str:
        """Link a Discord account to a Telegram one, with all four messages; the last answer."""
        code = (await self.say(asker, "/link")).answer.rpartition("/link ")[2][:9]
        for person, platform, asking in ((joiner, "discord", f"/link {code}"), (asker, "telegram", "/link")):
            question = (await self.say(person, asking, platform=platform)).answer
            word = question.rpartition("/link yes ")[2][:4]
            said = await self.say(person, f"/link yes {word}", platform=platform)
        return said.answer

    async def settled(self, *, remembered: bool = True) -> None:
        """Return when no turn of anybody is open: what is shown is also written down; and, if so wished, remembered."""
        afterwards = self.services.turn_runner.memory_writer if remembered else None
        times_quiet = 0
        async with asyncio.timeout(60):
            # Twice: the database may tell of a turn's end before the process that ended it goes on to remember it.
            while times_quiet < 2:
                async with self.services.database.anonymous_transaction() as connection:
                    is_open = await connection.fetchval("SELECT open_turns(1)") or (afterwards and afterwards.pending)
                times_quiet = 0 if is_open else times_quiet + 1
                await asyncio.sleep(0.02)


@asynccontextmanager
async def talking(services: Services, *names: str) -> AsyncIterator[Talk]:
    """A worker that answers on platforms of these names."""
    platforms = {name: RecordingPlatform(name) for name in names}
    mind = services.mind.name
    work = WorkerOptions(
        (answer_entrypoint(mind), delivery_entrypoint(mind)), concurrency=4, drain_timeout=5, database_timeout=5
    )
    worker = Worker(
        database=services.database,
        mind=mind,
        heartbeat=services.heartbeat,
        runner=services.turn_runner,
        platforms=platforms,
        options=work,
    )
    task = asyncio.create_task(worker.run(), name="worker")
    try:
        yield Talk(services, platforms, worker)
    finally:
        worker.drain()
        with suppress(asyncio.CancelledError):
            await task
