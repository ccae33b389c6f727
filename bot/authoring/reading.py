"""Reads one file of an import into records: chats with their messages, and dialogues made of documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot.authoring.candidates import Candidate, Origin, Turn, candidate_id, candidate_to_record
from bot.authoring.documents import dialogues_of_blocks
from bot.authoring.reasons import Reason
from bot.authoring.sources import Source, SourceKind
from bot.library.parse.block import Block
from bot.library.parse.chats import Attachment, AttachmentKind, ConversationKind, Message, open_export
from bot.library.parse.limits import DEFAULT_LIMITS

Record = dict[str, Any]


def read_source(source: Source, kind: SourceKind, blocks: Iterable[Block] = ()) -> Iterator[Record]:
    """The records of a file; blocking.

    They are `{"chat": …}` before the messages of a chat, `{"message": …}`, `{"candidate": …}`, and
    `{"dropped": reason, "count": …}` for what cannot be read.

    Args:
        blocks: of a document, what the library's reader has made of it.

    Raises:
        DocumentRefused: a chat export cannot be read.
    """
    if kind is SourceKind.CHAT:
        yield from _chats(source)
    elif kind is SourceKind.DIALOGUES:
        yield from _dialogues(source)
    else:
        for candidate in dialogues_of_blocks(source, blocks):
            yield {"candidate": candidate_to_record(candidate)}


def message_from_record(record: Record) -> Message:
    """The message of a record that `read_source` made."""
    values = {**record, "time": datetime.fromisoformat(record["time"])}
    attachments = (Attachment(AttachmentKind(each["kind"]), each["name"]) for each in record["attachments"])
    return Message(**{**values, "attachments": tuple(attachments)})


def _chats(source: Source) -> Iterator[Record]:
    unreadable = 0

    def count() -> None:
        nonlocal unreadable
        unreadable += 1

    for number, chat in enumerate(open_export(source.path, DEFAULT_LIMITS, count).conversations):
        key = f"{source.key}:{number}"
        yield {"chat": {"key": key, "title": chat.title, "kind": ConversationKind(chat.kind)}}
        for message in chat.messages:
            yield {"message": {**asdict(message), "time": message.time.isoformat()}}
    if unreadable:
        yield {"dropped": Reason.UNREADABLE, "count": unreadable}


def _dialogues(source: Source) -> Iterator[Record]:
    from inference.training.dialogues import read_readable_dialogues

    found = read_readable_dialogues(source.path)
    for dialogue in found.dialogues:
        turns = tuple(
            Turn("user" if message.role == "user" else "assistant", message.content, message.learn)
            for message in dialogue.messages
            if message.role != "system"
        )
        candidate = Candidate(
            id=candidate_id(source.digest, dialogue.line),
            origin=Origin.DIALOGUES,
            source=source.path.name,
            conversation=source.key,
            turns=turns,
        )
        yield {"candidate": candidate_to_record(candidate)}
    if found.problems:
        yield {"dropped": Reason.UNREADABLE, "count": len(found.problems)}
