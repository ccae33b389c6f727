"""Parses a message into a command call or a question, and knows the names of commands in every language."""

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
    N_("/why"),
    N_("/consilium"),
    N_("/link"),
    N_("/lang"),
    N_("/privacy"),
    N_("/admin"),
)
_ALIASES: Final = {"забудь": "forget", "запомни": "remember"}
"""Names that people write beside those of the menus."""
_COMMAND: Final = re.compile(r"/(?P<name>[^\W\d_][\w-]*)(?:@\w+)?(?:\s+(?P<argument>.*))?", re.DOTALL)
_INVISIBLE_CATEGORIES: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"}
_MAX_QUOTED_LENGTH: Final = 40
"""Characters of an argument that an error quotes."""
_MAX_NUMBER_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class CommandCall:
    """`/name argument`, with the argument trimmed and possibly empty."""

    name: str
    """In lower case, and as the registry has it, whatever language it was written in."""
    argument: str


@dataclass(frozen=True, slots=True)
class Question:
    """Anything that is not a command."""

    text: str


def parse_message(text: str) -> CommandCall | Question:
    """Tell a command from a question.

    Raises:
        EmptyMessage: the text has no visible character.
    """
    text = clean_message(text)
    if match := _COMMAND.fullmatch(text):
        return CommandCall(canonical_name(match["name"].lower()), (match["argument"] or "").strip())
    return Question(text)


def clean_message(text: str) -> str:
    """The text without surrounding spaces; characters that Postgres or a tokenizer cannot take become U+FFFD.

    Raises:
        EmptyMessage: the text has no visible character.
    """
    text = clean_text(text).strip()
    if all(unicodedata.category(character) in _INVISIBLE_CATEGORIES for character in text):
        raise EmptyMessage
    return text


def parse_number(text: str) -> int | None:
    """The number that a person writes to choose from a list; None when the text is anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_NUMBER_DIGITS else None


def shorten_argument(argument: str) -> str:
    """An argument as an error quotes it."""
    return argument if len(argument) <= _MAX_QUOTED_LENGTH else f"{argument[:_MAX_QUOTED_LENGTH]}…"


def localized_name(language: Language, name: str) -> str:
    """A command's name in a language; its English name where that language has none."""
    return Translator(language).translate(f"/{name}").removeprefix("/")


def canonical_name(name: str) -> str:
    """The registry's name of a command that is written in any language; a name that is unknown is returned as it is."""
    return _canonical_names().get(name, name)


@cache
def _canonical_names() -> dict[str, str]:
    names = [name.removeprefix("/") for name in COMMAND_NAMES]
    return {**_ALIASES, **{localized_name(language, name): name for language in LANGUAGES for name in names}}
