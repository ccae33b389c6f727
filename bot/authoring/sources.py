"""The files of an import, and what each of them is, told by its content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from bot.authoring.errors import NothingToImport, WebPageExport
from bot.authoring.stages import digest_of_file
from bot.library.parse.chats import is_export, open_export
from bot.library.parse.errors import DocumentRefused
from bot.library.parse.formats import READERS
from bot.library.parse.limits import DEFAULT_LIMITS
from inference.training.errors import InvalidDialogues

_CHAT_SUFFIXES: Final = (".json", ".zip", ".csv", ".txt")
_DIALOGUE_SUFFIXES: Final = (".json", ".jsonl", ".csv", ".tsv")
_TELEGRAM_EXPORT: Final = "result.json"
_MEDIA_FOLDERS: Final = frozenset(
    {"photos", "files", "video_files", "voice_messages", "round_video_messages", "stickers", "css", "js", "images"}
)
"""What Telegram Desktop writes beside an export; files of others may lie in them."""


class SourceKind(StrEnum):
    """What a file is to an import."""

    CHAT = "chat"
    DIALOGUES = "dialogues"
    """Questions and answers, or dialogues, in a form to train on: ShareGPT, OpenAI, Alpaca, tables."""
    DOCUMENT = "document"
    """An article, a transcript, or questions and answers as a text."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to import."""

    path: Path
    digest: str
    """Of its content."""

    @property
    def key(self) -> str:
        """What names its stage and its chats."""
        return self.digest[:16]


def find_sources(paths: Sequence[Path]) -> list[Source]:
    """The files that are named and those in folders that are named, each content once; blocking.

    Raises:
        NothingToImport: there are none.
    """
    found: dict[str, Source] = {}
    for path in (file for each in paths for file in _files(each)):
        digest = digest_of_file(path)
        found.setdefault(digest, Source(path, digest))
    if not found:
        raise NothingToImport(paths)
    return list(found.values())


def tell_kind(path: Path) -> SourceKind:
    """What a file is; blocking.

    Raises:
        DocumentRefused: it cannot be read.
        WebPageExport: it must be exported in another form.
    """
    suffix = path.suffix.lower()
    if suffix in (".html", ".htm") and path.name.startswith("messages"):
        raise WebPageExport
    if suffix in _DIALOGUE_SUFFIXES and _has_dialogues(path):
        return SourceKind.DIALOGUES
    if suffix in _CHAT_SUFFIXES and is_export(path) and (suffix != ".json" or _is_chat(path)):
        return SourceKind.CHAT
    return SourceKind.DOCUMENT


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        if path.exists():
            yield path
        return
    if (path / _TELEGRAM_EXPORT).is_file():
        # What lies beside it are pictures and files that anybody in the chat has sent.
        yield path / _TELEGRAM_EXPORT
        return
    for inner in sorted(path.iterdir()):
        if inner.name.startswith(".") or (inner.is_dir() and inner.name in _MEDIA_FOLDERS):
            continue
        if inner.is_dir() or inner.suffix.lower() in READERS:
            yield from _files(inner)


def _has_dialogues(path: Path) -> bool:
    from inference.training.dialogues import read_readable_dialogues

    try:
        return bool(read_readable_dialogues(path).dialogues)
    except InvalidDialogues:
        return False


def _is_chat(path: Path) -> bool:
    """Whether a JSON file is an export of a known program; a damaged one counts as well, to be told of."""
    from bot.library.parse.errors import NotAChat

    try:
        open_export(path, DEFAULT_LIMITS)
    except NotAChat:
        return False
    except DocumentRefused:
        return True
    return True
