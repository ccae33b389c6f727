"""What a person can have forgotten singly: a memory, a message of theirs, or an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

RecordKind = Literal["memory", "message", "answer"]
"""`memory`: a fact, a summary, a document, a passage, or an episode of no turn; by the memory's id. `message` and
`answer`: of a turn, by the turn's id."""
_PREFIXES: Final[dict[str, RecordKind]] = {"m": "memory", "q": "message", "a": "answer"}


@dataclass(frozen=True, slots=True)
class Record:
    """Something that is kept of a person."""

    kind: RecordKind
    id: UUID

    def __str__(self) -> str:
        return f"{next(prefix for prefix, kind in _PREFIXES.items() if kind == self.kind)}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Record:
        """From its text form."""
        prefix, _, id_ = text.partition(":")
        return cls(_PREFIXES[prefix], UUID(id_))


@dataclass(frozen=True, slots=True)
class RecordLine:
    """A record as a list shows it."""

    record: Record
    label: Literal["fact", "summary", "document", "passage", "message", "answer"]
    text: str
    date: datetime
    """From when it holds, or when it was said."""
    title: str | None = None
    """Of a document or a passage: the name of the file."""
