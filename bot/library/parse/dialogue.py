"""Dialogues: files of messages to train on, and transcripts in which each line begins with the name of a speaker."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bot.library.parse import csv_files, json_data, prose
from bot.library.parse.block import Block, BlockKind
from bot.library.parse.chats import blocks, is_export
from bot.library.parse.decoding import open_text, read_text
from bot.library.parse.errors import NotADialogue
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note
from bot.library.parse.prose import paragraphs

if TYPE_CHECKING:
    from inference.training.forms.records import RawRecord

_SPEAKER_LINE: Final = re.compile(r"[*_]{0,2}([^\W\d_][\w .'’-]{0,39}?)[*_]{0,2}:[*_]{0,2}\s+(\S.*)", re.DOTALL)
_DIALOGUE_KEYS: Final = frozenset({"messages", "conversations", "conversation", "dialogue", "prompt", "instruction"})
"""Members of a record that is meant to be a dialogue."""
_MIN_SPEAKERS: Final = 2
"""Different speakers that make a text a dialogue."""


def read_jsonl(path: Path, limits: ParseLimits) -> Iterator[Block]:
    """Each question with its answer, from a file of dialogues to train on, in any form that training reads.

    Answers that are not to be learnt are left out with their questions: nobody wants them cited.

    Raises:
        NotADialogue: a line is none, or training refuses it.
    """
    # Imported late: it takes a tenth of a second, and few documents are dialogues.
    from inference.training.errors import RecordRefused
    from inference.training.forms.records import split_records

    number = 0
    with open_text(path) as stream:
        text = stream.read().lstrip("\ufeff")
    for record in split_records(text, path.suffix):
        try:
            speeches = _speeches(record)
        except RecordRefused:
            if not number and (records := _other_records(text)):
                yield from json_data.value_blocks(records, limits)
                return
            raise NotADialogue(record.number) from None
        for exchange in _exchanges(speeches):
            number += 1
            yield Block(BlockKind.EXCHANGE, exchange, number=number)


def _other_records(text: str) -> list[Any]:
    """The values of a file with one JSON value on each line, of which none claims to be a dialogue; empty for others.

    A file that should be one has a mistake in it, and its author wants to know where.
    """
    records: list[Any] = []
    for line in filter(str.strip, text.split("\n")):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            return []
        if not isinstance(record, dict) or not _DIALOGUE_KEYS.isdisjoint(record):
            return []
        records.append(record)
    return records


def read_text_file(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """A chat exported by WhatsApp, told by its content; of any other text its paragraphs."""
    yield from blocks.read(path, limits) if is_export(path) else prose.read(path, limits)


def read_transcript(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """A chat exported by WhatsApp, or the speeches of a dialogue written as ``Name: words``, in pairs; else prose."""
    if is_export(path):
        yield from blocks.read(path, limits)
        return
    text = read_text(path)
    speeches: list[tuple[str, str]] = []
    before: list[str] = []
    for line in filter(None, (line.strip() for line in text.split("\n"))):
        if speech := _SPEAKER_LINE.fullmatch(line):
            speeches.append((speech[1], speech[2]))
        elif speeches:
            speeches[-1] = (speeches[-1][0], f"{speeches[-1][1]}\n{line}")
        else:
            before.append(line)
    if len({speaker for speaker, _ in speeches}) < _MIN_SPEAKERS:
        yield from paragraphs(text)
        return
    yield from paragraphs("\n\n".join(before))
    for number, exchange in enumerate(_exchanges(speeches), 1):
        yield Block(BlockKind.EXCHANGE, exchange, number=number)


def read_csv(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """A chat exported by DiscordChatExporter; of another CSV file its rows."""
    yield from blocks.read(path, limits) if is_export(path) else csv_files.read_csv(path, limits)


def _speeches(record: RawRecord) -> list[tuple[str, str]]:
    """What is said in a record, by user and assistant or by speakers with names of their own."""
    from inference.training.dialogues import read_messages_of
    from inference.training.forms.refusals import UnknownRole

    try:
        messages = read_messages_of(record)
    except UnknownRole:
        if named := _named_speeches(record.value):
            return named
        raise
    speeches: list[tuple[str, str]] = []
    for message in messages:
        if message.role == "system":
            continue
        if message.learn:
            speeches.append((message.role, message.said))
        elif speeches and speeches[-1][0] == "user":
            speeches.pop()
    return speeches


def _named_speeches(record: Any) -> list[tuple[str, str]] | None:
    """The speeches of an interview or the like, which could be cited and not be trained on; None if they are none."""
    messages = record.get("messages") if isinstance(record, dict) else None
    if not isinstance(messages, list):
        return None
    speeches: list[tuple[str, str]] = []
    for message in messages:
        role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if not isinstance(role, str) or not isinstance(content, str):
            return None
        if role != "system":
            speeches.append((role, content))
    return speeches


def _exchanges(speeches: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A speech and the answer to it, in pairs; successive speeches of one speaker are joined."""
    turns: list[tuple[str, str]] = []
    for speaker, text in speeches:
        if turns and turns[-1][0] == speaker:
            turns[-1] = (speaker, f"{turns[-1][1]}\n{text}")
            continue
        if len(turns) == 2:
            yield _format_exchange(turns)
            turns = []
        turns.append((speaker, text))
    if turns:
        yield _format_exchange(turns)


def _format_exchange(turns: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"{speaker}: {text.strip()}" for speaker, text in turns)
