"""What commands are called on Discord in languages other than English: small letters, no spaces."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from bot.locales import LANGUAGES, Translator
from bot.turns.command_names import localized_name

DISCORD_LOCALES: Final = {"ru": ("ru",)}
"""Discord's locales of each language but English, which is the default of them all."""
_MAX_NAME_LENGTH: Final = 32


def is_valid_command_name(name: str) -> bool:
    """Whether Discord takes it: letters and digits of any script, `-`, `_`, `'`, nothing that has a small form."""
    marks = all(c in "-_'" or unicodedata.category(c)[0] in "LN" for c in name)
    return 1 <= len(name) <= _MAX_NAME_LENGTH and marks and name == name.lower()


def name_localizations(name: str) -> dict[str, str]:
    """What a command is called, by Discord's locale; what has no name of its own there keeps the English one."""
    found: dict[str, str] = {}
    for language in LANGUAGES:
        told = localized_name(language, name)
        if told != name and is_valid_command_name(told):
            found |= dict.fromkeys(DISCORD_LOCALES.get(language, ()), told)
    return found


def description_localizations(template: str, limit: int) -> dict[str, str]:
    """A sentence by Discord's locale, in at most `limit` characters."""
    return {
        locale: truncate_at_word(Translator(language).translate(template), limit)
        for language in LANGUAGES
        for locale in DISCORD_LOCALES.get(language, ())
    }


def truncate_at_word(text: str, limit: int) -> str:
    """At most `limit` characters of a description."""
    if len(text) <= limit:
        return text
    whole = re.sub(r"\W+$", "", text[:limit].rpartition(" ")[0])
    return f"{whole or text[: limit - 1]}…"
