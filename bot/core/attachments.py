"""Files that came with a message, as they are kept with its turn."""

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
"""What a platform or a prompt could take for more than a name."""
_SEPARATORS: Final = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file."""

    name: str
    """Fit to be shown and to be known by; no two of a message have the same."""
    size: int
    """Bytes, as the platform says."""
    handle: Address
    """What the platform is asked for it by."""


@dataclass(frozen=True, slots=True)
class Attachments:
    """The files of a message, and where they go: settled as it is taken in, whatever its sender may do later."""

    destination: Destination
    files: Sequence[Attachment]

    @classmethod
    def from_file_refs(cls, files: Iterable[FileRef], destination: Destination) -> Attachments:
        """Files as a channel received them."""
        names: set[str] = set()
        sent = []
        for file in files:
            name = _deduplicate_name(sanitize_file_name(file.name), names)
            names.add(name)
            sent.append(Attachment(name, file.size, dict(file.handle)))
        return cls(destination, tuple(sent))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Attachments:
        """What `document` has written."""
        return cls(document["to"], tuple(Attachment(**file) for file in document["files"]))

    def to_document(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        return {"to": self.destination, "files": [asdict(file) for file in self.files]}


def sanitize_file_name(name: str) -> str:
    """A file's name without what could pass for more: folders, controls, markup, marks that turn writing around."""
    last = _SEPARATORS.split(clean_text(name))[-1]
    composed = _MARKUP.sub("-", unicodedata.normalize("NFC", last))
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in composed)
    name = " ".join(visible.split()).lstrip(". ")
    if len(name) <= MAX_NAME_LENGTH:
        return name or _DEFAULT_NAME
    suffix = PurePosixPath(name).suffix
    return name[: MAX_NAME_LENGTH - len(suffix) - 1] + "…" + suffix if len(suffix) <= 10 else name[:MAX_NAME_LENGTH]


def question_text(turn: Turn) -> str:
    """What a turn asked, or, of one that brought files without a word, their names."""
    if turn.question or turn.files is None:
        return turn.question
    return " ".join(f"[{file.name}]" for file in Attachments.from_document(turn.files).files)


def _deduplicate_name(name: str, taken_names: set[str]) -> str:
    path, number, found = PurePosixPath(name), 2, name
    while found in taken_names:
        found = f"{path.stem} ({number}){path.suffix}"
        number += 1
    return found
