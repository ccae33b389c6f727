"""Takes the documents of a turn in, one after another, each once however often the turn is taken up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import structlog

from bot.answering.cancellation import RunningAnswers
from bot.core.attachments import Attachment, Attachments, Destination
from bot.core.conversation import Conversation
from bot.core.errors import describe_error
from bot.core.ports import FetchFile, Reply
from bot.intake.attachments.fetch import ReadingTimedOut, TooManyFiles, download_to
from bot.intake.attachments.progress import DocumentProgress
from bot.intake.attachments.report import DocumentResult, embedding_text, fetching_text, format_report, reading_text
from bot.library.parse.errors import DocumentRefused, TooSlow
from bot.library.parse.formats import reader_for
from bot.library.uploads import LibraryUploads
from bot.memory.documents import PersonalDocuments
from bot.turns.lease import TurnLease
from bot.turns.runner import AttachmentReport
from db.memory.memories import Origin

FETCH_TIMEOUT: Final = 120.0
"""Seconds that a platform may take to give a file."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AttachmentLimits:
    """How much is taken in of one message."""

    max_files: int
    max_megabytes: int
    """Of one file."""


class AttachmentIntake:
    """Takes what was sent into the library or into a memory."""

    def __init__(
        self,
        receiving: LibraryUploads,
        personal_documents: PersonalDocuments,
        running_answers: RunningAnswers,
        limits: AttachmentLimits,
    ) -> None:
        self._receiving = receiving
        self._running_answers = running_answers
        self._personal_documents = personal_documents
        self._limits = limits

    async def ingest(
        self, conversation: Conversation, lease: TurnLease, reply: Reply, fetch: FetchFile
    ) -> AttachmentReport:
        """Take in what came with a turn, as far as no earlier attempt has.

        Raises:
            FetchFailed: the platform does not give a file now; those before it are taken in.
            ConsiliumError: whatever keeps a turn from going on.
        """
        turn = lease.turn
        assert turn.files is not None
        sending = Attachments.from_document(turn.files)
        taken = [DocumentResult.from_json(kept) for kept in turn.taken or ()]
        progress = DocumentProgress(reply)

        async def work() -> None:
            for n in range(len(taken), len(sending.files)):
                taken.append(await self._ingest_one(conversation, lease, sending, n, progress, fetch))
                await lease.save_document_results([one.to_json() for one in taken])

        async with progress.showing():
            stopped = turn.stop_asked or not await self._running_answers.run(turn.id, work)
        company = conversation.session.group_chat is not None
        return AttachmentReport(format_report(taken, sending.destination, conversation.say, in_group=company), stopped)

    async def _ingest_one(
        self,
        conversation: Conversation,
        lease: TurnLease,
        attachments: Attachments,
        index: int,
        progress: DocumentProgress,
        fetch: FetchFile,
    ) -> DocumentResult:
        file, say = attachments.files[index], conversation.say
        try:
            if index >= self._limits.max_files:
                raise TooManyFiles(self._limits.max_files)
            reader_for(Path(file.name), is_dialogue=False)
            with TemporaryDirectory(prefix="consilium-sent-") as folder:
                path = Path(folder) / f"document{Path(file.name).suffix}"
                progress.update(fetching_text(file.name, say))
                await download_to(
                    path, file, fetch, max_megabytes=self._limits.max_megabytes, timeout_seconds=FETCH_TIMEOUT
                )
                progress.update(reading_text(file.name, say))
                found = await self._store(conversation, lease, attachments.destination, file, path, progress)
        except DocumentRefused as refused:
            reason = ReadingTimedOut(refused.details["seconds"]) if isinstance(refused, TooSlow) else refused
            log.info("document.refused", to=attachments.destination, reason=type(reason).__name__)
            return DocumentResult(file.name, refusal=describe_error(reason, say.language, say.translate))
        log.info("document.ingested", to=attachments.destination, passages=found.passages, bytes=file.size)
        return found

    async def _store(
        self,
        conversation: Conversation,
        lease: TurnLease,
        destination: Destination,
        file: Attachment,
        path: Path,
        progress: DocumentProgress,
    ) -> DocumentResult:
        turn, say = lease.turn, conversation.say

        def told(done: int, total: int) -> None:
            progress.update(embedding_text(file.name, done, total, say))

        if destination == "library":
            received = await self._receiving.ingest(file.name, path, told)
            return DocumentResult(file.name, received.passages, received.replaced)
        chat = conversation.session.group_chat
        origin = Origin(turn.session_id, turn.id, scope="chat" if chat else "private", chat=chat)
        kept = await self._personal_documents.ingest(
            turn.user_id, path, name=file.name, origin=origin, sent_at=turn.created_at, on_progress=told
        )
        return DocumentResult(file.name, kept.passages, kept.replaced)
