"""The reader of each file format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from bot.library.parse import (
    captions,
    csv_files,
    dialogue,
    email_message,
    epub,
    html,
    json_data,
    markdown,
    opendocument,
    pdf,
    rtf,
    slides,
    spreadsheet,
    word,
)
from bot.library.parse.block import Block
from bot.library.parse.chats import blocks
from bot.library.parse.errors import DocumentRefused, IsPicture, IsRecording, OldFormat, UnknownFormat
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note

Reader = Callable[[Path, ParseLimits], Iterator[Block | Note]]

READERS: Final[dict[str, Reader]] = {
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".txt": dialogue.read_text_file,
    ".html": html.read,
    ".htm": html.read,
    ".xhtml": html.read,
    ".pdf": pdf.read,
    ".docx": word.read,
    ".docm": word.read,
    ".odt": opendocument.read,
    ".rtf": rtf.read,
    ".pptx": slides.read,
    ".odp": opendocument.read,
    ".xlsx": spreadsheet.read,
    ".xlsm": spreadsheet.read,
    ".ods": opendocument.read,
    ".csv": dialogue.read_csv,
    ".tsv": csv_files.read_csv,
    ".epub": epub.read,
    ".eml": email_message.read,
    ".mht": email_message.read_page,
    ".mhtml": email_message.read_page,
    ".srt": captions.read,
    ".vtt": captions.read,
    ".ass": captions.read,
    ".ssa": captions.read,
    ".sbv": captions.read,
    ".jsonl": dialogue.read_jsonl,
    ".ndjson": dialogue.read_jsonl,
    ".json": json_data.read,
    ".zip": blocks.read,
}
"""By the suffix of the file's name."""

_STREAMED: Final = frozenset({".json"})
"""Formats of chat exports that are read message by message."""

_BETTER: Final = {
    ".doc": ".docx", ".dot": ".docx", ".wps": ".docx", ".pages": ".docx", ".wpd": ".docx",
    ".xls": ".xlsx", ".xlt": ".xlsx", ".xlsb": ".xlsx", ".numbers": ".xlsx",
    ".ppt": ".pptx", ".pps": ".pptx", ".key": ".pptx",
    ".mobi": ".epub", ".azw": ".epub", ".azw3": ".epub", ".fb2": ".epub", ".djvu": ".pdf", ".msg": ".eml",
}  # fmt: skip
"""Formats that are not read, and what a program that opens them can save instead."""
_PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".svg"})
_RECORDINGS: Final = frozenset(
    {".mp3", ".ogg", ".oga", ".wav", ".m4a", ".flac", ".opus", ".mp4", ".mkv", ".mov", ".avi", ".webm"}
)

PARSER_VERSION: Final = 3
"""Raised when a reader makes other blocks of the same file, so that stored documents are read again."""

DIALOGUE_VERSION: Final = 2
"""Raised when only documents of dialogue collections are read in another way."""


def is_document(path: Path) -> bool:
    """Whether a file is a document by its name: one that is read, or of a format that could be saved as such."""
    suffix = path.suffix.lower()
    return suffix in READERS or suffix in _BETTER


def is_streamed(path: Path) -> bool:
    """Whether a file may be a chat export, which is read message by message and may be larger than others."""
    return path.suffix.lower() in _STREAMED


def reader_for(path: Path, *, is_dialogue: bool) -> Reader:
    """The reader of a file.

    Args:
        is_dialogue: whether the file is in a collection of dialogues.

    Raises:
        DocumentRefused: no reader has its suffix; the error says what to do instead.
    """
    suffix = path.suffix.lower()
    if is_dialogue and suffix in (".txt", ".md", ".markdown"):
        return dialogue.read_transcript
    if is_dialogue and suffix == ".json":
        return blocks.read
    if suffix in READERS:
        return READERS[suffix]
    raise _unread(suffix)


def _unread(suffix: str) -> DocumentRefused:
    """Why files with this suffix are not read."""
    if suffix in _BETTER:
        return OldFormat(suffix, _BETTER[suffix])
    if suffix in _PICTURES:
        return IsPicture(suffix)
    if suffix in _RECORDINGS:
        return IsRecording(suffix)
    return UnknownFormat(suffix, " ".join(READERS))
