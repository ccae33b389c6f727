"""Takes the documents of a turn in, one after another, each once however often the turn is taken up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import structlog

from bot.channels.port import Reply
from bot.errors import explain
from bot.recall.library.parse.formats import reader_for
from bot.recall.library.parse.refusals import DocumentRefused, TooSlow
from bot.recall.library.receiving import Receiving
from bot.recall.memory.documents import PersonalDocuments
from bot.turns.conversation import Conversation
from bot.turns.documents.errors import TookTooLong, TooManyFiles
from bot.turns.documents.fetching import Fetch, fetch_into
from bot.turns.documents.progress import Progress
from bot.turns.documents.sent import Destination, Sending, SentFile
from bot.turns.documents.telling import Taken, embedding, fetching, reading, report
from bot.turns.hold import Hold
from bot.turns.running import RunningTurns
from db.memory import Origin

FETCHED_WITHIN: Final = 120.0
"""Seconds that a platform may take to give a file."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is taken in of one message."""

    files: int
    megabytes: int
    """Of one file."""


@dataclass(frozen=True, slots=True)
class Told:
    """What has come of a turn's documents."""

    report: str
    """As the person is told it."""
    stopped: bool
    """Whether he has stopped it before its end."""


class Documents:
    """Takes what was sent into the library or into a memory."""

    def __init__(
        self, receiving: Receiving, personal: PersonalDocuments, running: RunningTurns, bounds: Bounds
    ) -> None:
        self._receiving = receiving
        self._running = running
        self._personal = personal
        self._bounds = bounds

    async def take(self, conversation: Conversation, hold: Hold, reply: Reply, fetch: Fetch) -> Told:
        """Take in what came with a turn, as far as no earlier attempt has.

        Raises:
            NotFetched: the platform does not give a file now; those before it are taken in.
            ConsiliumError: whatever keeps a turn from going on.
        """
        turn = hold.turn
        assert turn.files is not None
        sending = Sending.read(turn.files)
        taken = [Taken.read(kept) for kept in turn.taken or ()]
        progress = Progress(reply)

        async def work() -> None:
            for n in range(len(taken), len(sending.files)):
                taken.append(await self._take_one(conversation, hold, sending, n, progress, fetch))
                await hold.keep_taken([one.document() for one in taken])

        async with progress.showing():
            stopped = turn.stop_asked or not await self._running.run(turn.id, work)
        company = conversation.session.company is not None
        return Told(report(taken, sending.to, conversation.say, in_company=company), stopped)

    async def _take_one(
        self, conversation: Conversation, hold: Hold, sending: Sending, n: int, progress: Progress, fetch: Fetch
    ) -> Taken:
        file, say = sending.files[n], conversation.say
        try:
            if n >= self._bounds.files:
                raise TooManyFiles(self._bounds.files)
            reader_for(Path(file.name), spoken=False)
            with TemporaryDirectory(prefix="consilium-sent-") as folder:
                path = Path(folder) / f"document{Path(file.name).suffix}"
                progress.tell(fetching(file.name, say))
                await fetch_into(path, file, fetch, megabytes=self._bounds.megabytes, seconds=FETCHED_WITHIN)
                progress.tell(reading(file.name, say))
                found = await self._keep(conversation, hold, sending.to, file, path, progress)
        except DocumentRefused as refused:
            reason = TookTooLong(refused.details["seconds"]) if isinstance(refused, TooSlow) else refused
            log.info("document.refused", to=sending.to, reason=type(reason).__name__)
            return Taken(file.name, refusal=explain(reason, say.language, say.template))
        log.info("document.taken", to=sending.to, passages=found.passages, bytes=file.size)
        return found

    async def _keep(
        self,
        conversation: Conversation,
        hold: Hold,
        to: Destination,
        file: SentFile,
        path: Path,
        progress: Progress,
    ) -> Taken:
        turn, say = hold.turn, conversation.say

        def told(done: int, total: int) -> None:
            progress.tell(embedding(file.name, done, total, say))

        if to == "library":
            received = await self._receiving.take(file.name, path, told)
            return Taken(file.name, received.passages, received.replaced)
        chat = conversation.session.company
        origin = Origin(turn.session_id, turn.id, scope="chat" if chat else "private", chat=chat)
        kept = await self._personal.take(turn.user_id, file.name, path, origin, turn.created_at, told)
        return Taken(file.name, kept.passages, kept.replaced)
