"""Dialogues to train on, read from a file in any of the forms that `inference.training.forms` knows."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from inference.training.errors import BadRecord, InvalidDialogues, Place, RecordRefused
from inference.training.forms.records import RawRecord, read_text, split_records
from inference.training.forms.refusals import (
    BeginsWithAnswer,
    EmptyField,
    EndsWithQuestion,
    MisplacedSystem,
    NotInTurns,
)
from inference.training.forms.shapes import read_record
from inference.training.message import DialogueMessage


@dataclass(frozen=True, slots=True)
class Dialogue:
    """User and assistant in turn, the assistant last; a system message may come first."""

    messages: tuple[DialogueMessage, ...]
    line: int = field(default=0, compare=False)
    """Where it stands in its file: the line, or the number in a JSON array; 0 when it is of no file."""

    @property
    def questions(self) -> tuple[str, ...]:
        """What the person asked, in order."""
        return tuple(m.content for m in self.messages if m.role == "user")

    @property
    def teaches(self) -> bool:
        """Whether any of its answers is to be learnt."""
        return any(m.role == "assistant" and m.learn for m in self.messages)

    def with_system_message(self, system: str) -> Dialogue:
        """The same dialogue led by a system message, unless it brings its own."""
        if not system or self.messages[0].role == "system":
            return self
        return replace(self, messages=(DialogueMessage("system", system), *self.messages))


@dataclass(frozen=True, slots=True)
class DialogueFile:
    """What a file of dialogues holds: those that can be read, and what is wrong with the others."""

    path: Path
    dialogues: list[Dialogue]
    problems: list[BadRecord]


def read_dialogues(path: Path) -> list[Dialogue]:
    """Read a file of dialogues, all of them or none.

    Raises:
        InvalidDialogues: with every bad record and what is wrong in it.
    """
    found = read_readable_dialogues(path)
    if found.problems:
        raise InvalidDialogues(path, found.problems)
    return found.dialogues


def read_readable_dialogues(path: Path) -> DialogueFile:
    """Read the dialogues of a file that can be read, where one bad record must not hide the others.

    Raises:
        InvalidDialogues: the file itself cannot be read.
    """
    try:
        text = read_text(path)
    except RecordRefused as refusal:
        raise InvalidDialogues(path, [BadRecord(path.name, Place.FILE, 0, refusal)]) from None
    found = DialogueFile(path, [], [])
    for record in split_records(text, path.suffix):
        try:
            found.dialogues.append(_check_turns(read_messages_of(record), record.number))
        except RecordRefused as refusal:
            found.problems.append(BadRecord(path.name, record.place, record.number, refusal))
    return found


def read_messages_of(record: RawRecord) -> list[DialogueMessage]:
    """The messages of a record, in whatever order they are.

    Raises:
        RecordRefused: with the field that is at fault.
    """
    if isinstance(record.value, RecordRefused):
        raise record.value
    return read_record(record.value)


def split_dialogues(dialogues: Sequence[Dialogue], share: float, seed: int) -> tuple[list[Dialogue], list[Dialogue]]:
    """Part `dialogues` at random into (the rest, a `share` of at least one)."""
    shuffled = random.Random(seed).sample(dialogues, len(dialogues))  # noqa: S311 - a split, not a secret
    cut = max(1, round(len(shuffled) * share))
    return shuffled[cut:], shuffled[:cut]


def _check_turns(messages: Sequence[DialogueMessage], line: int) -> Dialogue:
    """The dialogue that messages make.

    Raises:
        RecordRefused: user and assistant do not take turns.
    """
    spoken = list(_spoken(messages))
    if not spoken:
        raise EmptyField("messages")
    if spoken[0][1].role == "assistant":
        raise BeginsWithAnswer
    for (_, before), (number, message) in pairwise(spoken):
        if message.role == before.role:
            raise NotInTurns(number, message.role)
    if spoken[-1][1].role == "user":
        raise EndsWithQuestion
    return Dialogue(tuple(messages), line)


def _spoken(messages: Sequence[DialogueMessage]) -> Iterator[tuple[int, DialogueMessage]]:
    """The messages of user and assistant, each with its number."""
    for number, message in enumerate(messages, 1):
        if message.role != "system":
            yield number, message
        elif number > 1:
            raise MisplacedSystem(number)
