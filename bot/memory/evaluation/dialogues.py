"""Reads long dialogues with questions, and the messages that answer them, in LoCoMo's format."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.core.errors import BotError
from consilium.errors import N_

ADVERSARIAL_CATEGORY = 5
"""The category of questions without an answer; they are left out."""
_MESSAGE_ID = re.compile(r"D\d+:\d+")


class BadDialogues(BotError):
    """A file of dialogues is missing or has another format."""

    sentence = N_("{file} does not hold dialogues to measure recall on: {reason}")
    remedy = N_("Give a file in LoCoMo's format: a list of dialogues, each with “conversation” and “qa”.")

    def __init__(self, *, file: Path, reason: str) -> None:
        super().__init__(file=file, reason=reason)


@dataclass(frozen=True, slots=True)
class DialogueMessage:
    """One message."""

    id: str
    session: int
    speaker: str
    said_at: datetime
    text: str
    """As written, followed by the caption of a picture in brackets if one was sent along."""


@dataclass(frozen=True, slots=True)
class DialogueQuestion:
    """One question."""

    text: str
    evidence: frozenset[str]
    """The ids of the messages that answer it."""
    category: int


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One dialogue."""

    name: str
    messages: tuple[DialogueMessage, ...]
    """In the order they were said."""
    questions: tuple[DialogueQuestion, ...]
    """Only those with an answer in the dialogue."""

    @property
    def asked_at(self) -> datetime:
        """When the questions are asked: a day after the last message."""
        return self.messages[-1].said_at + timedelta(1)


def read_dialogues(file: Path) -> list[Dialogue]:
    """Read a file of dialogues; blocking.

    Raises:
        BadDialogues: it is missing or has another format.
    """
    try:
        return [_parse_dialogue(raw, number) for number, raw in enumerate(json.loads(file.read_text("utf-8")), 1)]
    except OSError as error:
        raise BadDialogues(file=file, reason=str(error.strerror)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadDialogues(file=file, reason=f"{type(error).__name__}: {error}") from error


def _parse_dialogue(raw: dict[str, Any], number: int) -> Dialogue:
    messages = tuple(_parse_messages(raw["conversation"]))
    if not messages:
        raise ValueError(f"dialogue {number} has no messages")
    ids = {message.id for message in messages}
    questions = (
        DialogueQuestion(
            str(entry["question"]), frozenset(_MESSAGE_ID.findall(" ".join(entry.get("evidence", [])))) & ids, category
        )
        for entry in raw["qa"]
        if (category := int(entry["category"])) != ADVERSARIAL_CATEGORY
    )
    return Dialogue(
        str(raw.get("sample_id", number)), messages, tuple(question for question in questions if question.evidence)
    )


def _parse_messages(conversation: dict[str, Any]) -> list[DialogueMessage]:
    numbers = sorted(int(key.split("_")[1]) for key in conversation if re.fullmatch(r"session_\d+", key))
    messages = []
    for session in numbers:
        started_at = datetime.strptime(
            f"{conversation[f'session_{session}_date_time']} +0000", "%I:%M %p on %d %B, %Y %z"
        )
        for minute, message in enumerate(conversation[f"session_{session}"]):
            caption = message.get("blip_caption")
            messages.append(
                DialogueMessage(
                    id=message["dia_id"],
                    session=session,
                    speaker=message["speaker"],
                    said_at=started_at + timedelta(minutes=minute),
                    text=f"{message['text']} [{caption}]" if caption else message["text"],
                )
            )
    return messages
