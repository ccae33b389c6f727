"""Dialogues as an import makes them: what is said, where it comes from, and who speaks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

Role = Literal["user", "assistant"]


class Origin(StrEnum):
    """What a dialogue was made from."""

    CHAT = "chat"
    """Messages of others and the author's answers."""
    MONOLOGUE = "monologue"
    """The author's own text, such as a post or a part of an article; what asks for it is made from it."""
    QUESTIONS = "questions"
    """A question and its answer in a document."""
    DIALOGUES = "dialogues"
    """A file of dialogues to train on."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says at a time; the author is the assistant."""

    role: Role
    text: str
    learn: bool = True
    """Of an answer: whether it is learnt, or only read."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A dialogue that may be learnt from."""

    id: str
    """The same whenever the same files are imported."""
    origin: Origin
    source: str
    """Name of the file."""
    conversation: str
    """Key of the chat or document; the same for all dialogues of one."""
    turns: tuple[Turn, ...]
    first: str = ""
    last: str = ""
    """When its first and its last message were sent, in ISO 8601 as the export states it; empty outside of chats."""
    pieces: int = 1
    """How many messages, or passages of a document, it is made of."""
    speakers: tuple[str, ...] = ()
    """Who speaks beside the author: salted hashes, by which their words can be found and removed."""

    @property
    def learnt(self) -> str:
        """What the author says in it, to be learnt."""
        return "\n".join(turn.text for turn in self.turns if turn.role == "assistant" and turn.learn)

    @property
    def text(self) -> str:
        """All that is said in it."""
        return "\n".join(turn.text for turn in self.turns)


def candidate_id(*parts: object) -> str:
    """An id made from what identifies a dialogue."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:12]


def candidate_to_record(candidate: Candidate) -> dict[str, Any]:
    """A dialogue as JSON."""
    return asdict(candidate)


def candidate_from_record(record: Mapping[str, Any]) -> Candidate:
    """The dialogue that `candidate_to_record` wrote."""
    values = {**record, "origin": Origin(record["origin"]), "speakers": tuple(record["speakers"])}
    return Candidate(**{**values, "turns": turns_from_records(record["turns"])})


def turns_from_records(records: Iterable[Mapping[str, Any]]) -> tuple[Turn, ...]:
    """The turns of a dialogue from JSON."""
    return tuple(Turn(**record) for record in records)
