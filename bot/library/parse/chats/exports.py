"""Opens a chat export of any known program, told by its content."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.library.parse.chats import discord, telegram, whatsapp
from bot.library.parse.chats.conversation import Conversation
from bot.library.parse.chats.fields import OnSkip
from bot.library.parse.chats.json_stream import BadValue, JsonStream
from bot.library.parse.decoding import open_text, read_text
from bot.library.parse.errors import ArchiveWithoutChat, NotAChat, Unreadable, error_reason
from bot.library.parse.limits import ParseLimits, check_archive

_SMALL_MEMBERS: Final = ("name", "type", "id", "guild", "channel")


def is_export(path: Path) -> bool:
    """Whether a file is a chat export; a JSON file and an archive that are none count as well: nothing else reads them.

    Raises:
        NotText: it should be text and is not.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return discord.is_csv_export(path)
    return suffix in (".json", ".zip") or whatsapp.is_export(read_text(path))


@dataclass(frozen=True, slots=True)
class ChatExport:
    """A file that a program has exported."""

    conversations: Iterator[Conversation]
    """Read while they are iterated, one after the other; see `Conversation.messages`."""
    is_account: bool = False
    """Whether it may hold many conversations: all that a person has."""


def open_export(path: Path, limits: ParseLimits, on_skip: OnSkip = lambda: None) -> ChatExport:
    """The export in a file, told by its content.

    Args:
        on_skip: called for each message that cannot be read; the others are read nevertheless.

    Raises:
        NotAChat: it is no export of a known program.
        DamagedExport: it is JSON that breaks off or is garbled.
        DocumentRefused: it cannot be read for another reason.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _read_json(path, on_skip)
    if suffix == ".csv":
        return ChatExport(iter([discord.read_csv(path, on_skip)]))
    return ChatExport(iter([_read_whatsapp(path, limits, on_skip)]))


def root_members(path: Path) -> dict[str, Any]:
    """The members of the object a JSON file consists of: small ones with their values, all others with None.

    It goes through all of the file, so that a damaged one is refused before anything of it is used.

    Raises:
        NotAChat: it is no object.
    """
    members: dict[str, Any] = {}
    with open_text(path) as text:
        stream = JsonStream(text)
        if stream.peek() != "{":
            raise NotAChat
        for key in stream.members():
            members[key] = None
            if key not in _SMALL_MEMBERS:
                stream.skip()
                continue
            try:
                members[key] = stream.value()
            except BadValue:
                continue
    return members


def _read_json(path: Path, on_skip: OnSkip) -> ChatExport:
    root = root_members(path)
    if discord.is_export(root):
        return ChatExport(iter([discord.read(path, root, on_skip)]))
    if telegram.is_account(root):
        return ChatExport(telegram.read_account(path, on_skip), is_account=True)
    if telegram.is_chat(root):
        return ChatExport(iter([telegram.read_chat(path, root, on_skip)]))
    raise NotAChat


def _read_whatsapp(path: Path, limits: ParseLimits, on_skip: OnSkip) -> Conversation:
    if path.suffix.lower() == ".zip":
        text = _zipped_text(path, limits)
        if text is None:
            raise ArchiveWithoutChat
    else:
        text = read_text(path)
        text = text if whatsapp.is_export(text) else None
    if text is None:
        raise NotAChat
    return whatsapp.read(text, on_skip)


def _zipped_text(path: Path, limits: ParseLimits) -> str | None:
    check_archive(path, limits)
    try:
        with zipfile.ZipFile(path) as archive:
            return whatsapp.read_zip(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise Unreadable(error_reason(error)) from error
