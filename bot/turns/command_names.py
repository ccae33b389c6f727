"""What commands are called in languages other than English: one small word, wherever commands are written."""

from __future__ import annotations

from functools import cache
from typing import Final

from bot.locales import LANGUAGES, Language, Translator
from consilium.errors import N_

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
