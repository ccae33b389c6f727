"""The numbers of records in the lists that a person is shown.

A list once shown keeps its numbers: a number never stands for another record until /memory shows a new list. Records
that were not in the list get the numbers after it, and numbers of deleted records stay unused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2s
from typing import Final
from uuid import UUID

from bot.memory.records import Record, RecordLine
from bot.memory.statements import Word, read_units
from db.infra.connection import PersonConnection
from db.memory import forgetting, record_lists
from db.memory import memories as rows
from db.memory.forgetting import MemoryTexts
from db.memory.record_lists import RecordList
from db.memory.told import list_told

OFFER_LIFETIME: Final = timedelta(days=1)
"""How long one word is enough to have forgotten what the person was asked about. Their numbers work longer."""
MAX_LISTED: Final = 500
"""Records of one list. Older messages are found with /forget about."""
MIN_TOPIC_COVERAGE: Final = 0.5
"""Share of a topic's words that a record about it has."""


@dataclass(slots=True)
class RecordNumbers:
    """The numbered records of a session."""

    records: list[Record]
    """In the order of their numbers; those that are gone are still among them."""
    lines: Mapping[Record, RecordLine]
    """The records that exist."""
    offered: Sequence[Record] = ()

    def number_of(self, record: Record) -> int:
        """The number of a record; the next free one if it has none yet."""
        if record not in self.records:
            self.records.append(record)
        return self.records.index(record) + 1

    def find(self, number: int) -> Record | None:
        """The record that a number stands for, whether it exists or not; None for a number that was never given."""
        return self.records[number - 1] if 1 <= number <= len(self.records) else None

    @property
    def offer_token(self) -> str:
        """Tells this offer from others: an old button does not accept a new one."""
        return blake2s(" ".join(map(str, self.offered)).encode(), digest_size=4).hexdigest()


async def list_records(connection: PersonConnection) -> list[RecordLine]:
    """Everything that can be forgotten singly: current facts, summaries and documents, oldest first; then the person's
    messages, newest first."""
    current = await rows.list_valid(connection, ("fact", "summary", "document"))
    lines = [
        RecordLine(Record("memory", memory.id), memory.kind, memory.content, memory.valid_from, memory.title)  # type: ignore[arg-type]
        for memory in current
    ]
    return [*lines, *await _list_messages(connection, await forgetting.list_memories(connection))][:MAX_LISTED]


async def load_numbers(connection: PersonConnection, session_id: UUID) -> RecordNumbers:
    """The numbers as the person knows them: of the list they were shown last, or of the one they would be shown.

    Facts and documents that came later have the numbers after the list.
    """
    lines = {line.record: line for line in await list_records(connection)}
    shown = await record_lists.find(connection, session_id, OFFER_LIFETIME)
    records = [Record.parse(text) for text in shown.records] if shown else []
    if not any(record in lines for record in records):
        return RecordNumbers(list(lines), lines)
    assert shown is not None
    known = set(records)
    records += [record for record, line in lines.items() if line.label != "message" and record not in known]
    return RecordNumbers(records, lines, [Record.parse(text) for text in shown.offered])


async def number_anew(connection: PersonConnection, session_id: UUID) -> RecordNumbers:
    """A new list of everything, numbered from 1."""
    lines = {line.record: line for line in await list_records(connection)}
    numbers = RecordNumbers(list(lines), lines)
    await save_numbers(connection, session_id, numbers)
    return numbers


async def save_numbers(connection: PersonConnection, session_id: UUID, numbers: RecordNumbers) -> None:
    """Keep the numbers for the next command of the session."""
    await record_lists.save(
        connection,
        session_id,
        RecordList([str(record) for record in numbers.records], [str(record) for record in numbers.offered]),
    )


async def find_about(connection: PersonConnection, topic: str) -> list[RecordLine]:
    """The records that have the words of a topic in some form, meaning or language, oldest first."""
    memories = await forgetting.list_memories(connection)
    current = [line for line in await list_records(connection) if line.label in ("fact", "document")]
    passages = [
        RecordLine(Record("memory", memory.id), "passage", memory.content, memory.valid_from, memory.title)
        for memory in memories
        if memory.kind == "passage"
    ]
    candidates = [*current, *passages, *await _list_messages(connection, memories)]
    found = [line for line in candidates if is_about(topic, f"{line.title or ''} {line.text}")]
    return sorted(found, key=lambda line: line.date)


async def _list_messages(connection: PersonConnection, memories: Iterable[MemoryTexts]) -> list[RecordLine]:
    """The person's messages, newest first; also those that are not remembered yet."""
    told = [
        RecordLine(Record("message", message.id), "message", message.question, message.created_at)
        for message in await list_told(connection)
    ]
    by_record = {line.record: line for line in (*told, *_message_lines(memories))}
    return sorted(by_record.values(), key=lambda line: line.date, reverse=True)


def is_about(topic: str, text: str) -> bool:
    """Whether a text has the words of a topic in some form, meaning or language."""
    words = _topic_words(topic)
    return bool(words) and _coverage(words, text) >= MIN_TOPIC_COVERAGE


def _message_lines(memories: Iterable[MemoryTexts]) -> list[RecordLine]:
    episodes = [memory for memory in memories if memory.kind == "episode" and memory.voice != "mind"]
    return [
        RecordLine(
            Record("memory", memory.id) if memory.source_turn_id is None else Record("message", memory.source_turn_id),
            "message",
            memory.content,
            memory.valid_from,
        )
        for memory in episodes
    ]


def _topic_words(topic: str) -> list[Word]:
    statements = [unit.statement for unit in read_units(topic)]
    words = {word.text: word for statement in statements for word in statement.words}
    names = {name: Word(name, None) for statement in statements for name in statement.names}
    values = {value.text: Word(value.text, None) for statement in statements for value in statement.values}
    return [*words.values(), *names.values(), *values.values()]


def _coverage(words: Collection[Word], text: str) -> float:
    statements = [unit.statement for unit in read_units(text)]
    found = 0
    for word in words:
        found += any(
            any(word.matches(other) for other in statement.words)
            or statement.names_word(word.text)
            or any(value.text == word.text for value in statement.values)
            for statement in statements
        )
    return found / len(words)
