"""What a text is before anything is done with it: a command, a switch of mode, or a question."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from bot.turns.command_names import canonical_name
from bot.turns.errors import EmptyMessage
from db.text import clean_text

_COMMAND = re.compile(r"/(?P<name>[^\W\d_][\w-]*)(?:@\w+)?(?:\s+(?P<argument>.*))?", re.DOTALL)
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class CommandCall:
    """`/name argument`, with the argument trimmed and perhaps empty."""

    name: str
    """As the registry has it, in whatever language it was written; in lower case."""
    argument: str


@dataclass(frozen=True, slots=True)
class Question:
    """Anything that is not a command."""

    text: str


def parse_message(text: str) -> CommandCall | Question:
    """Tell a command from a question.

    Raises:
        EmptyMessage: nothing visible is left.
    """
    text = clean_message(text)
    if found := _COMMAND.fullmatch(text):
        return CommandCall(canonical_name(found["name"].lower()), (found["argument"] or "").strip())
    return Question(text)


def clean_message(text: str) -> str:
    """The text without the spaces around it; what neither Postgres nor a tokenizer can take becomes U+FFFD.

    Raises:
        EmptyMessage: nothing visible is left.
    """
    text = clean_text(text).strip()
    if all(unicodedata.category(c) in _INVISIBLE for c in text):
        raise EmptyMessage
    return text
