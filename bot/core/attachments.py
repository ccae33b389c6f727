"""Files that came with a message, as they are stored with its turn."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, Final, Literal

from bot.core.messages import Address, FileRef
from db.infra.text import clean_text
from db.turns.turns import Turn

Destination = Literal["library", "memory"]

MAX_NAME_LENGTH: Final = 100
"""Characters."""
_DEFAULT_NAME: Final = "document"
_MARKUP: Final = re.compile(r"[*`~|<>\[\]“”]")
"""Characters that a platform or a prompt could interpret as markup."""
_SEPARATORS: Final = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file."""

    name: str
    """Safe to show (`sanitize_file_name`), and unique in its message."""
    size: int
    """Bytes, as the platform says."""
    handle: Address
    """What the platform finds the file by (`bot.core.ports.Platform.fetch`)."""


@dataclass(frozen=True, slots=True)
class Attachments:
    """The files of a message and their destination, which the sender's rights at the time of the message decide."""

    destination: Destination
    files: Sequence[Attachment]

    @classmethod
    def from_file_refs(cls, files: Iterable[FileRef], destination: Destination) -> Attachments:
        """From files as a channel received them."""
        names: set[str] = set()
        attachments = []
        for file in files:
            name = _deduplicate_name(sanitize_file_name(file.name), names)
            names.add(name)
            attachments.append(Attachment(name, file.size, dict(file.handle)))
        return cls(destination, tuple(attachments))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Attachments:
        """From what `to_document` made."""
        return cls(document["to"], tuple(Attachment(**file) for file in document["files"]))

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"to": self.destination, "files": [asdict(file) for file in self.files]}


def sanitize_file_name(name: str) -> str:
    """A file's name without folders, control characters, markup and direction marks."""
    last = _SEPARATORS.split(clean_text(name))[-1]
    composed = _MARKUP.sub("-", unicodedata.normalize("NFC", last))
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in composed)
    name = " ".join(visible.split()).lstrip(". ")
    if len(name) <= MAX_NAME_LENGTH:
        return name or _DEFAULT_NAME
    suffix = PurePosixPath(name).suffix
    return name[: MAX_NAME_LENGTH - len(suffix) - 1] + "…" + suffix if len(suffix) <= 10 else name[:MAX_NAME_LENGTH]


def question_text(turn: Turn) -> str:
    """The question of a turn, or the names of its files if it came without text."""
    if turn.question or turn.files is None:
        return turn.question
    return " ".join(f"[{file.name}]" for file in Attachments.from_document(turn.files).files)


def _deduplicate_name(name: str, existing: set[str]) -> str:
    path, number, unique = PurePosixPath(name), 2, name
    while unique in existing:
        unique = f"{path.stem} ({number}){path.suffix}"
        number += 1
    return unique
