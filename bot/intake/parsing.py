"""Reads a message: a command with its argument, or a question; and the names of commands in every language."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from bot.core.errors import EmptyMessage
from bot.core.i18n import LANGUAGES, Language, Translator
from consilium.errors import N_
from db.infra.text import clean_text

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


COMMAND_NAMES: Final = (
    # For translators: names of commands; one word in small letters after the slash, as Discord demands.
    N_("/start"),
    N_("/help"),
    N_("/ask"),
    N_("/mode"),
    N_("/modes"),
    N_("/new"),
    N_("/retry"),
    N_("/stop"),
    N_("/remember"),
    N_("/memory"),
    N_("/forget"),
    N_("/export"),
    N_("/library"),
    N_("/sources"),
    N_("/consilium"),
    N_("/link"),
    N_("/lang"),
    N_("/privacy"),
    N_("/admin"),
)


def localized_name(language: Language, name: str) -> str:
    """What a command is called in a language; its English name where it has no other."""
    return Translator(language).translate(f"/{name}").removeprefix("/")


def canonical_name(name: str) -> str:
    """The name in the registry of what a command is called in any language; what is no command's stays as it is."""
    return _canonical_names().get(name, name)


@cache
def _canonical_names() -> dict[str, str]:
    names = [name.removeprefix("/") for name in COMMAND_NAMES]
    return {localized_name(language, name): name for language in LANGUAGES for name in names}
