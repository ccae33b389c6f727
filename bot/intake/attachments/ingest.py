"""Ingests the documents of a turn one after another, each once however often the turn is attempted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from bot.answering.cancellation import RunningAnswers
from bot.core.attachments import Attachment, Attachments
from bot.core.conversation import Conversation
from bot.core.errors import describe_error
from bot.core.i18n import Translator
from bot.core.ports import FetchFile, Reply
from bot.core.scratch import ScratchFolder
from bot.intake.attachments.fetch import download_to
from bot.intake.attachments.progress import DocumentProgress
from bot.intake.attachments.report import DocumentResult, embedding_text, fetching_text, format_report, reading_text
from bot.library.parse.errors import DocumentRefused, TooSlow
from bot.library.parse.formats import reader_for
from bot.library.parse.notes import Note
from bot.library.uploads import LibraryUploads
from bot.memory.documents import PersonalDocuments
from bot.turns.lease import TurnLease
from bot.turns.runner import AttachmentReport
from consilium.errors import N_, N_plural
from db.memory.memories import Origin

FETCH_TIMEOUT: Final = 120.0
"""Seconds that a platform may take to send a file."""
log = structlog.get_logger(__name__)


class TooManyFiles(DocumentRefused):
    """A message has more files than are read."""

    sentence = N_plural(
        "I read at most {limit} document from one message.",
        "I read at most {limit} documents from one message.",
        "limit",
    )
    remedy = N_("Send it in a message of its own.")

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)


class ReadingTimedOut(DocumentRefused):
    """Reading a document took longer than is allowed."""

    sentence = N_("Reading it took longer than {seconds} seconds.")
    remedy = N_("Split it into smaller files.")

    def __init__(self, seconds: object) -> None:
        super().__init__(seconds=seconds)


@dataclass(frozen=True, slots=True)
class AttachmentLimits:
    """How much is read from one message."""

    max_files: int
    max_megabytes: int
    """Of one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """The documents of one turn, and what it takes to ingest them."""

    conversation: Conversation
    lease: TurnLease
    attachments: Attachments
    progress: DocumentProgress
    fetch: FetchFile

    @property
    def say(self) -> Translator:
        return self.conversation.say


class AttachmentIntake:
    """Ingests documents into the library or into a person's memory (`bot.turns.runner.AttachmentIngester`)."""

    def __init__(
        self,
        library_uploads: LibraryUploads,
        personal_documents: PersonalDocuments,
        running_answers: RunningAnswers,
        limits: AttachmentLimits,
    ) -> None:
        self._library_uploads = library_uploads
        self._personal_documents = personal_documents
        self._running_answers = running_answers
        self._limits = limits

    async def ingest(
        self, conversation: Conversation, lease: TurnLease, reply: Reply, fetch: FetchFile
    ) -> AttachmentReport:
        """Ingest the documents of a turn that no earlier attempt has ingested.

        Raises:
            FetchFailed: the platform does not send a file now; those before it are ingested.
            ConsiliumError: something else that keeps the turn from going on.
        """
        turn = lease.turn
        assert turn.files is not None
        attachments = Attachments.from_document(turn.files)
        results = [DocumentResult.from_json(stored) for stored in turn.taken or ()]
        progress = DocumentProgress(reply)
        job = _Job(conversation=conversation, lease=lease, attachments=attachments, progress=progress, fetch=fetch)

        async def ingest_remaining() -> None:
            for index in range(len(results), len(attachments.files)):
                results.append(await self._ingest_one(job, index))
                await lease.save_document_results([result.to_json() for result in results])

        async with progress.showing():
            stopped = turn.stop_asked or not await self._running_answers.run(turn.id, ingest_remaining)
        in_group = conversation.session.group_chat is not None
        text = format_report(results, attachments.destination, conversation.say, in_group=in_group)
        return AttachmentReport(text, stopped, any(result.passages for result in results))

    async def _ingest_one(self, job: _Job, index: int) -> DocumentResult:
        """Ingest one document; a document that is refused is a result, too."""
        file, destination, say = job.attachments.files[index], job.attachments.destination, job.say
        try:
            # Each part of an album is a message of its own to whoever sends it.
            limit = self._limits.max_files * (1 + len(job.lease.turn.joined_updates))
            if index >= limit:
                raise TooManyFiles(limit)
            # The name alone may refuse it: then it is not downloaded.
            reader_for(Path(file.name), is_dialogue=False)
            with ScratchFolder() as folder:
                path = folder.path / f"document{Path(file.name).suffix}"
                job.progress.update(fetching_text(file.name, say))
                await download_to(
                    path, file, job.fetch, max_megabytes=self._limits.max_megabytes, timeout_seconds=FETCH_TIMEOUT
                )
                job.progress.update(reading_text(file.name, say))
                result = await self._store(job, file, path)
        except DocumentRefused as refusal:
            reason = ReadingTimedOut(refusal.details["seconds"]) if isinstance(refusal, TooSlow) else refusal
            log.info("document.refused", destination=destination, reason=type(reason).__name__)
            return DocumentResult(file.name, refusal=describe_error(reason, say.language, say.translate))
        log.info("document.ingested", destination=destination, passages=result.passages, bytes=file.size)
        return result

    async def _store(self, job: _Job, file: Attachment, path: Path) -> DocumentResult:
        turn, session = job.lease.turn, job.conversation.session

        def show_embedded(done: int, total: int) -> None:
            job.progress.update(embedding_text(file.name, done, total, job.say))

        if job.attachments.destination == "library":
            uploaded = await self._library_uploads.ingest(file.name, path, show_embedded)
            if job.attachments.moved_from is not None:
                await self._personal_documents.delete(turn.user_id, UUID(job.attachments.moved_from), file.name)
            return DocumentResult(file.name, uploaded.passages, uploaded.replaced, notes=_told(uploaded.notes, job.say))
        chat = session.group_chat
        origin = Origin(turn.session_id, turn.id, scope="chat" if chat else "private", chat=chat)
        remembered = await self._personal_documents.ingest(
            turn.user_id, path, name=file.name, origin=origin, sent_at=turn.created_at, on_progress=show_embedded
        )
        notes = _told(remembered.notes, job.say)
        return DocumentResult(file.name, remembered.passages, remembered.replaced, notes=notes)


def _told(notes: Iterable[Note], say: Translator) -> tuple[str, ...]:
    return tuple(one.text(say.translate) for one in notes)
