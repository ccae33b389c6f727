"""Exports of WhatsApp: a text in which each message begins with its date, its time and its speaker.

Their form is documented nowhere and differs by phone and language. A line within a message that itself looks like the
beginning of one is taken for that. What has no speaker, or is marked by iOS as its own and is no known phrase for an
attachment, is left out as a service message.
"""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from bot.library.parse.chats.conversation import Conversation, ConversationKind, Message
from bot.library.parse.chats.fields import OnSkip
from bot.library.parse.chats.whatsapp_dates import MARKS, DateOrder, Header, find_order, read_header
from bot.library.parse.chats.whatsapp_phrases import is_service, split_attachment, split_edit_mark

_SPEAKER: Final = re.compile(r"([^\n]{1,100}?):(?: |$)")
_LEFT_TO_RIGHT: Final = "\u200e"
"""Before what iOS writes itself."""
_MARK: Final = re.compile(f"[{MARKS}]")
_MIN_LIKE_MESSAGES: Final = 3
"""Messages of a speaker that begin alike before what is alike is taken for the rest of his name."""
_LONGER_NAME: Final = re.compile(r"([^\n:]{1,40}): ")


def is_export(text: str) -> bool:
    """Whether a text begins with a message or a service message, and has a message."""
    first = next((line for line in text.split("\n") if line.strip(MARKS + " \t")), "")
    return read_header(first) is not None and any(entry.speaker for entry in _entries(text))


def read(text: str, on_skip: OnSkip) -> Conversation:
    """The conversation of an export.

    Args:
        text: with lines that end in ``\\n``.
        on_skip: called for each message whose date does not exist.
    """
    entries = list(_entries(text))
    order = find_order(entry.header for entry in entries)
    messages = list(_messages(entries, order, on_skip))
    speakers = len({message.speaker for message in messages})
    kind = ConversationKind.GROUP if speakers > 2 else ConversationKind.PRIVATE
    return Conversation("", kind, iter(messages))


def read_zip(archive: zipfile.ZipFile) -> str | None:
    """The text of the export in an archive as WhatsApp shares it; None where there is none."""
    for entry in archive.infolist():
        if entry.filename.endswith(".txt"):
            text = archive.read(entry).decode("utf-8-sig", "replace").replace("\r\n", "\n")
            if is_export(text):
                return text
    return None


@dataclass(slots=True)
class _Entry:
    """A message, or a service message."""

    line: int
    header: Header
    speaker: str
    """Empty for a service message."""
    lines: list[str] = field(default_factory=list)


def _entries(text: str) -> Iterator[_Entry]:
    entry: _Entry | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if found := read_header(line):
            if entry is not None:
                yield entry
            header, rest = found
            speaker, body = _split_speaker(rest)
            entry = _Entry(number, header, speaker, [body])
        elif entry is not None:
            entry.lines.append(line)
    if entry is not None:
        yield entry


def _split_speaker(rest: str) -> tuple[str, str]:
    match = _SPEAKER.match(rest)
    if match is None:
        return "", rest
    name = match[1]
    # A quotation that goes on beyond the colon is the group's new name or description.
    is_cut = name.count('"') % 2 or name.count("«") != name.count("»") or name.count("“") > name.count("”")
    return "" if is_cut else " ".join(_MARK.sub("", name).split()), rest[match.end() :]


def _messages(entries: list[_Entry], order: DateOrder, on_skip: OnSkip) -> Iterator[Message]:
    for entry, (speaker, text) in zip(entries, _full_names(entries), strict=True):
        if not speaker:
            continue
        try:
            time = entry.header.time(order)
        except ValueError:
            on_skip()
            continue
        message = _message(Message(str(entry.line), speaker, time), text, is_ios=entry.header.is_bracketed)
        if message is not None:
            yield message


def _message(empty: Message, text: str, *, is_ios: bool) -> Message | None:
    """A message with this text; None where WhatsApp wrote it, not a person."""
    if is_service(_without_marks(text)):
        return None
    unedited, edited = split_edit_mark(text.strip())
    rest, attachment = split_attachment(_without_marks(unedited))
    if attachment is not None:
        return replace(empty, text=rest, edited=edited, attachments=(attachment,))
    if is_ios and not edited and text.startswith(_LEFT_TO_RIGHT):
        return None
    return replace(empty, text=unedited.strip(), edited=edited)


def _without_marks(text: str) -> str:
    return _MARK.sub("", text).strip()


def _full_names(entries: list[_Entry]) -> list[tuple[str, str]]:
    """Speaker and text of each entry, with names that have a colon in them put together again.

    Such a name is known by this: every message of its speaker seems to begin with the same words and a colon.
    """
    found = [(entry.speaker, "\n".join(entry.lines)) for entry in entries]
    by_speaker: dict[str, list[int]] = defaultdict(list)
    for index, (speaker, _) in enumerate(found):
        if speaker:
            by_speaker[speaker].append(index)
    for speaker, indices in by_speaker.items():
        starts = {match[0] if (match := _LONGER_NAME.match(found[index][1])) else "" for index in indices}
        if len(starts) == 1 and len(indices) >= _MIN_LIKE_MESSAGES and (start := starts.pop()):
            for index in indices:
                found[index] = (f"{speaker}: {start[:-2]}", found[index][1].removeprefix(start))
    return found
