"""The reader of each file format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from bot.library.parse import captions, dialogue, html, markdown, pdf, prose, spreadsheets
from bot.library.parse.block import Block
from bot.library.parse.chats import blocks
from bot.library.parse.errors import UnknownFormat
from bot.library.parse.limits import ParseLimits

Reader = Callable[[Path, ParseLimits], Iterator[Block]]

READERS: Final[dict[str, Reader]] = {
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".txt": prose.read,
    ".html": html.read,
    ".htm": html.read,
    ".xhtml": html.read,
    ".pdf": pdf.read,
    ".docx": html.read_docx,
    ".csv": spreadsheets.read_csv,
    ".tsv": spreadsheets.read_csv,
    ".xlsx": spreadsheets.read_xlsx,
    ".srt": captions.read,
    ".vtt": captions.read,
    ".jsonl": dialogue.read_jsonl,
    ".json": blocks.read,
    ".zip": blocks.read,
}
"""By the suffix of the file's name."""

PARSER_VERSION: Final = 1
"""Raised when a reader makes other blocks of the same file, so that stored documents are read again."""

DIALOGUE_VERSION: Final = 2
"""Raised when only documents of dialogue collections are read in another way."""


def reader_for(path: Path, *, is_dialogue: bool) -> Reader:
    """The reader of a file.

    Args:
        is_dialogue: whether the file is in a collection of dialogues.

    Raises:
        UnknownFormat: no reader has its suffix.
    """
    suffix = path.suffix.lower()
    if is_dialogue and suffix in (".txt", ".md", ".markdown"):
        return dialogue.read_transcript
    if is_dialogue and suffix == ".csv":
        return dialogue.read_csv
    try:
        return READERS[suffix]
    except KeyError:
        raise UnknownFormat(suffix, " ".join(READERS)) from None
