"""What came of bringing the library up to date."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.recall.library.parse.refusals import DocumentRefused


@dataclass(frozen=True, slots=True)
class SkippedDocument:
    """A document that was left out."""

    collection: str
    uri: str
    reason: DocumentRefused


@dataclass(slots=True)
class IngestReport:
    """Counted while it goes on."""

    ingested: int = 0
    """Documents that were new or had changed."""
    unchanged: int = 0
    deleted: int = 0
    """Documents whose files are gone."""
    chunks_added: int = 0
    chunks_kept: int = 0
    """Chunks of changed documents whose text had not changed: they keep their vectors."""
    chunks_deleted: int = 0
    embedded: int = 0
    skipped: list[SkippedDocument] = field(default_factory=list)
