"""Messages saved from a mail program (`.eml`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Final

from bot.library.parse import html
from bot.library.parse.block import Block, BlockKind
from bot.library.parse.decoding import decode_bytes
from bot.library.parse.errors import OtherContent
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note, NoteKind, note
from bot.library.parse.prose import paragraphs

_MESSAGE: Final = "message/rfc822"
_MAX_DEPTH: Final = 5
"""Of messages that are forwarded as files in one another."""
_SIGNATURE: Final = "-- "
_SHOWN_HEADERS: Final = ("From", "To", "Cc", "Date", "Subject")


def read(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """Who wrote to whom and when, then what; attachments are only named.

    Raises:
        OtherContent: it is no message.
    """
    with path.open("rb") as stream:
        message = BytesParser(policy=policy.default).parse(stream)
    assert isinstance(message, EmailMessage)
    if not any(name in message for name in _SHOWN_HEADERS):
        raise OtherContent(path.suffix, ".txt")
    if subject := _header(message, "Subject"):
        yield Block(BlockKind.TITLE, subject)
    yield from _renumbered(_content(message, limits, _MAX_DEPTH))
    names = [_attachment_name(part) for part in _own_parts(message, _MAX_DEPTH) if _is_attachment(part)]
    if names:
        yield note(NoteKind.ATTACHMENTS, names)


def read_page(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """The page in a web archive, such as browsers save.

    Raises:
        OtherContent: it is none.
    """
    with path.open("rb") as stream:
        archive = BytesParser(policy=policy.default).parse(stream)
    assert isinstance(archive, EmailMessage)
    page = next((part for part in _own_parts(archive, 0) if part.get_content_type() == "text/html"), None)
    if page is None:
        raise OtherContent(path.suffix, ".txt")
    yield from html.blocks(_text(page), limits)


def _content(message: EmailMessage, limits: ParseLimits, depth: int) -> Iterator[Block | Note]:
    """The headers and the text of a message, then those of the messages it forwards as files."""
    shown = (f"{name}: {value}" for name in _SHOWN_HEADERS if (value := _header(message, name)))
    yield Block(BlockKind.PARAGRAPH, "\n".join(shown), number=1)
    yield from _body(message, limits)
    for part in _own_parts(message, 0) if depth else ():
        if part.get_content_type() == _MESSAGE:
            for inner in part.iter_parts():
                if isinstance(inner, EmailMessage):
                    yield from _content(inner, limits, depth - 1)


def _own_parts(message: EmailMessage, depth: int) -> Iterator[EmailMessage]:
    """The parts of a message, and those of messages in it down to this depth; not recursive in other containers."""
    stack = [(message, depth + 1)]
    while stack:
        part, left = stack.pop()
        yield part
        if part.get_content_type() == _MESSAGE and part is not message:
            left -= 1
        if left and part.is_multipart():
            stack += [(inner, left) for inner in reversed(list(part.iter_parts())) if isinstance(inner, EmailMessage)]


def _header(message: EmailMessage, name: str) -> str:
    try:
        value = message[name]
        moment = getattr(value, "datetime", None)
    except (ValueError, LookupError, AttributeError, IndexError):
        # The library trips over some malformed headers.
        value, moment = next((raw for key, raw in message.raw_items() if key.lower() == name.lower()), ""), None
    if isinstance(moment, datetime):
        return f"{moment:%Y-%m-%d %H:%M %z}".strip()
    return " ".join(str(value or "").split())


def _body(message: EmailMessage, limits: ParseLimits) -> Iterator[Block | Note]:
    """The text of a message; its HTML where it has no other."""
    pages = []
    for part in _own_parts(message, 0):
        if _is_attachment(part) or part.is_multipart():
            continue
        kind = part.get_content_type()
        if kind == "text/plain" and (text := _text(part)).strip():
            yield from paragraphs(_unfolded(text) if part.get_param("format") == "flowed" else text)
            return
        if kind == "text/html":
            pages.append(part)
    for part in pages:
        yield from (block for block in html.blocks(_text(part), limits) if not _is_title(block))


def _is_title(block: Block | Note) -> bool:
    return isinstance(block, Block) and block.kind is BlockKind.TITLE


def _text(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    return decode_bytes(payload, part.get_content_charset()) if isinstance(payload, bytes) else ""


def _unfolded(text: str) -> str:
    """A text of the kind `format=flowed`, in which a space at the end of a line says that the next one goes on."""
    lines: list[str] = []
    goes_on = False
    for line in text.replace("\r\n", "\n").split("\n"):
        if goes_on:
            lines[-1] += line
        else:
            lines.append(line)
        goes_on = line.endswith(" ") and line != _SIGNATURE and not line.startswith(">")
    return "\n".join(lines)


def _is_attachment(part: EmailMessage) -> bool:
    if part.get_content_type() == _MESSAGE:
        return False
    if part.get_content_disposition() == "attachment":
        return True
    is_body = part.get_content_maintype() in ("text", "multipart")
    return not is_body and part.get_content_disposition() != "inline"


def _attachment_name(part: EmailMessage) -> str:
    return part.get_filename() or part.get_content_type()


def _renumbered(found: Iterator[Block | Note]) -> Iterator[Block | Note]:
    """The blocks of several texts with their paragraphs and rows counted through."""
    numbers = dict.fromkeys(BlockKind, 0)
    for one in found:
        if isinstance(one, Block) and one.number:
            numbers[one.kind] += 1
            yield replace(one, number=numbers[one.kind])
        else:
            yield one
