"""Files that came with a message, as they are stored with its turn."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final, Literal

from bot.core.messages import Address, FileRef
from db.infra.text import clean_text

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
    may_add: bool = False
    """Whether the sender may add them to the library afterwards; they are asked whether they want to."""
    moved_from: str | None = None
    """Id of the turn that they came with at first, when they went into the sender's memory."""

    @classmethod
    def from_file_refs(
        cls, files: Iterable[FileRef], destination: Destination, *, may_add: bool = False
    ) -> Attachments:
        """From files as a channel received them."""
        names: set[str] = set()
        attachments = []
        for file in files:
            name = _deduplicate_name(sanitize_file_name(file.name), names)
            names.add(name)
            attachments.append(Attachment(name, file.size, dict(file.handle)))
        return cls(destination, tuple(attachments), may_add)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Attachments:
        """From what `to_document` made."""
        files = tuple(Attachment(**file) for file in document["files"])
        return cls(document["to"], files, document.get("may_add", False), document.get("moved_from"))

    def joined(self, other: Attachments) -> Attachments:
        """Both together; in the library if one of them is meant for it."""
        names = {file.name for file in self.files}
        files = list(self.files)
        for file in other.files:
            name = _deduplicate_name(file.name, names)
            names.add(name)
            files.append(replace(file, name=name))
        destination: Destination = "library" if "library" in (self.destination, other.destination) else "memory"
        return replace(self, destination=destination, files=tuple(files))

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        document: dict[str, Any] = {"to": self.destination, "files": [asdict(file) for file in self.files]}
        if self.may_add:
            document["may_add"] = True
        if self.moved_from is not None:
            document["moved_from"] = self.moved_from
        return document


def may_add_to_library(stored: Mapping[str, Any] | None) -> bool:
    """Whether these files are in the sender's memory, and the sender may add them to the library as well."""
    return stored is not None and stored["to"] == "memory" and bool(stored.get("may_add"))


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


def _deduplicate_name(name: str, existing: set[str]) -> str:
    path, number, unique = PurePosixPath(name), 2, name
    while unique in existing:
        unique = f"{path.stem} ({number}){path.suffix}"
        number += 1
    return unique
