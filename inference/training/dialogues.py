"""Dialogues to train on, read from JSON lines, and the errors of a file that does not hold them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from consilium.errors import N_
from inference.engines.port import Message
from inference.errors import InferenceError


@dataclass(frozen=True, slots=True)
class Dialogue:
    """User and assistant in turn, the assistant last; a system message may come first."""

    messages: tuple[Message, ...]

    @property
    def questions(self) -> tuple[str, ...]:
        """What the person asked, in order."""
        return tuple(m.content for m in self.messages if m.role == "user")

    def with_system_message(self, system: str) -> Dialogue:
        """The same dialogue led by a system message, unless it brings its own."""
        if not system or self.messages[0].role == "system":
            return self
        return Dialogue((Message("system", system), *self.messages))


def read_dialogues(path: Path) -> list[Dialogue]:
    """Read a JSON Lines file of dialogues; blank lines are skipped.

    Raises:
        InvalidDialogues: with the line and what is wrong in it.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InvalidDialogues(path, 0, "there is no such file") from None
    except UnicodeDecodeError as error:
        raise InvalidDialogues(path, 0, f"byte {error.start} is not UTF-8") from None
    return [_read_line(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def split_dialogues(dialogues: Sequence[Dialogue], share: float, seed: int) -> tuple[list[Dialogue], list[Dialogue]]:
    """Part `dialogues` at random into (the rest, a `share` of at least one)."""
    shuffled = random.Random(seed).sample(dialogues, len(dialogues))  # noqa: S311 - a split, not a secret
    cut = max(1, round(len(shuffled) * share))
    return shuffled[cut:], shuffled[:cut]


def _read_line(path: Path, number: int, line: str) -> Dialogue:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise InvalidDialogues(path, number, f"column {error.colno}: not JSON ({error.msg})") from None
    found = record.get("messages") if isinstance(record, dict) else None
    if not isinstance(found, list) or not found:
        raise InvalidDialogues(path, number, "it has no “messages”")
    messages = tuple(_read_message(path, number, item) for item in found)
    spoken = messages[1:] if messages[0].role == "system" else messages
    expected = ("user", "assistant") * (len(spoken) // 2)
    if not spoken or tuple(m.role for m in spoken) != expected:
        raise InvalidDialogues(path, number, "user and assistant must take turns, and the assistant ends")
    return Dialogue(messages)


def _read_message(path: Path, number: int, item: object) -> Message:
    role, content = (item.get("role"), item.get("content")) if isinstance(item, dict) else (None, None)
    if role not in ("system", "user", "assistant"):
        raise InvalidDialogues(path, number, f"the role is {role!r}")
    if not isinstance(content, str) or not content.strip():
        raise InvalidDialogues(path, number, f"the {role}'s content is empty")
    return Message(role, content)


class TrainingError(InferenceError):
    """Root of what goes wrong while training."""


class InvalidDialogues(TrainingError):
    """A dialogue file cannot be read as dialogues."""

    sentence = N_("{path}, line {line}: {problem}.")
    remedy = N_(
        'Each line is one JSON object: {{"messages": [{{"role": "user", "content": "…"}}, '
        '{{"role": "assistant", "content": "…"}}]}}, ending with the assistant.'
    )

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(path=path, line=line, problem=problem)


class TooFewDialogues(TrainingError):
    """There is not enough to learn from and to stop by."""

    sentence = N_("The adapter “{name}” has {found} dialogues; training needs at least {needed}.")
    remedy = N_("Write more dialogues: below that, an adapter learns the examples and not the voice.")

    def __init__(self, name: str, found: int, needed: int) -> None:
        super().__init__(name=name, found=found, needed=needed)
