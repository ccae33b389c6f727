"""Files that came with a message, as they are kept with its turn."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, Final, Literal

from bot.channels.port import Address, FileRef
from db.text import clean_text
from db.turns import Turn

Destination = Literal["library", "memory"]

LONGEST_NAME: Final = 100
"""Characters."""
_NAMELESS: Final = "document"
_MARKUP: Final = re.compile(r"[*`~|<>\[\]“”]")
"""What a platform or a prompt could take for more than a name."""
_SEPARATORS: Final = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True)
class SentFile:
    """One file."""

    name: str
    """Fit to be shown and to be known by; no two of a message have the same."""
    size: int
    """Bytes, as the platform says."""
    handle: Address
    """What the platform is asked for it by."""


@dataclass(frozen=True, slots=True)
class Sending:
    """The files of a message, and where they go: settled as it is taken in, whatever its sender may do later."""

    to: Destination
    files: Sequence[SentFile]

    @classmethod
    def of(cls, files: Iterable[FileRef], to: Destination) -> Sending:
        """Files as a channel received them."""
        names: set[str] = set()
        sent = []
        for file in files:
            name = _distinct(plain_name(file.name), names)
            names.add(name)
            sent.append(SentFile(name, file.size, dict(file.handle)))
        return cls(to, tuple(sent))

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Sending:
        """What `document` has written."""
        return cls(kept["to"], tuple(SentFile(**file) for file in kept["files"]))

    def document(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        return {"to": self.to, "files": [asdict(file) for file in self.files]}


def plain_name(name: str) -> str:
    """A file's name without what could pass for more: folders, controls, markup, marks that turn writing around."""
    last = _SEPARATORS.split(clean_text(name))[-1]
    composed = _MARKUP.sub("-", unicodedata.normalize("NFC", last))
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in composed)
    name = " ".join(visible.split()).lstrip(". ")
    if len(name) <= LONGEST_NAME:
        return name or _NAMELESS
    suffix = PurePosixPath(name).suffix
    return name[: LONGEST_NAME - len(suffix) - 1] + "…" + suffix if len(suffix) <= 10 else name[:LONGEST_NAME]


def asked_of(turn: Turn) -> str:
    """What a turn asked, or, of one that brought files without a word, their names."""
    if turn.question or turn.files is None:
        return turn.question
    return " ".join(f"[{file.name}]" for file in Sending.read(turn.files).files)


def _distinct(name: str, others: set[str]) -> str:
    path, number, found = PurePosixPath(name), 2, name
    while found in others:
        found = f"{path.stem} ({number}){path.suffix}"
        number += 1
    return found
