"""Messages saved from a mail program (`.eml`)."""

from __future__ import annotations

from collections.abc import Iterator
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
    shown = (f"{name}: {value}" for name in _SHOWN_HEADERS if (value := _header(message, name)))
    yield Block(BlockKind.PARAGRAPH, "\n".join(shown), number=1)
    yield from _after_first(_body(message, limits))
    names = [_attachment_name(part) for part in message.walk() if _is_attachment(part)]
    if names:
        yield note(NoteKind.ATTACHMENTS, names)


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
    for part in message.walk():
        if _is_attachment(part) or part.is_multipart():
            continue
        kind = part.get_content_type()
        if kind == "text/plain" and (text := _text(part)).strip():
            yield from paragraphs(text)
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


def _is_attachment(part: EmailMessage) -> bool:
    if part.get_content_disposition() == "attachment" or part.get_content_type() == "message/rfc822":
        return True
    is_body = part.get_content_maintype() in ("text", "multipart")
    return not is_body and part.get_content_disposition() != "inline"


def _attachment_name(part: EmailMessage) -> str:
    return part.get_filename() or part.get_content_type()


def _after_first(found: Iterator[Block | Note]) -> Iterator[Block | Note]:
    """Paragraphs numbered from 2: the first one has the headers."""
    for one in found:
        if isinstance(one, Block) and one.kind is BlockKind.PARAGRAPH:
            yield Block(one.kind, one.text, one.number + 1)
        else:
            yield one
