"""Slash commands built from the command registry, with names and descriptions in Discord's locales."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from bot.core.i18n import LANGUAGES, Translator
from bot.intake.parsing import localized_name
from consilium.errors import N_

ASK: Final = "ask"
"""A command of this channel only: it asks a question where the bot may not read messages."""
PUBLIC_COMMANDS: Final = frozenset({ASK, "retry", "consilium"})
"""Commands whose answers everybody in the channel sees; all others answer the person alone."""
QUESTION_OPTION, FILE_OPTION = "question", "file"
MAX_OPTION_LENGTH: Final = 6000
MAX_CHOICES: Final = 25
DISCORD_LOCALES: Final = {"ru": ("ru",)}
"""Discord's locales of each language but English, which is the default for all locales."""
_MAX_NAME_LENGTH: Final = 32
_MAX_DESCRIPTION_LENGTH: Final = 100
_GUILD_AND_DM_CONTEXTS: Final = [0, 1]
_STRING_OPTION_TYPE, _ATTACHMENT_OPTION_TYPE = 3, 11
_ALTERNATIVES: Final = re.compile(r"[a-z]+(\|[a-z]+)+")
_PLACEHOLDER: Final = re.compile(r"[A-Z]+")


class CommandInfo(Protocol):
    """The parts of a registered command that a slash command is built from."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def usage(self) -> str: ...


@dataclass(frozen=True, slots=True)
class SlashInvocation:
    """A slash command as somebody used it."""

    name: str
    text: str
    """The message that it stands for."""
    attachment: Mapping[str, Any] | None = None

    @property
    def is_private(self) -> bool:
        """Whether only the person sees the answer."""
        is_written_command = self.name == ASK and self.text.lstrip().startswith("/")
        return self.name not in PUBLIC_COMMANDS or is_written_command


def build_slash_commands(commands: Iterable[CommandInfo]) -> list[dict[str, Any]]:
    """`/ask` and the commands in Discord's JSON; those whose names Discord rejects are left out and written as text."""
    valid = [command for command in commands if is_valid_command_name(command.name) and command.name != ASK]
    return [_build_ask_command(), *(_build_command(command) for command in valid)]


def parse_invocation(data: Mapping[str, Any]) -> SlashInvocation:
    """The slash command in an interaction's data."""
    name = str(data["name"])
    options = {str(option["name"]): option.get("value") for option in data.get("options", ())}
    if name == ASK:
        attachments = data.get("resolved", {}).get("attachments", {})
        return SlashInvocation(
            name, str(options.get(QUESTION_OPTION) or ""), attachments.get(str(options.get(FILE_OPTION)))
        )
    argument = next((str(value) for value in options.values()), "")
    return SlashInvocation(name, f"/{name} {argument}".strip())


def _build_command(command: CommandInfo) -> dict[str, Any]:
    argument = command.usage.removeprefix(f"/{command.name}").strip()
    return _command_json(command.name, command.summary, [_build_option(argument)] if argument else [])


def _build_ask_command() -> dict[str, Any]:
    question = {
        "type": _STRING_OPTION_TYPE,
        "name": QUESTION_OPTION,
        "description": N_("what you want to know"),
        "required": True,
        "max_length": MAX_OPTION_LENGTH,
    }
    file = {"type": _ATTACHMENT_OPTION_TYPE, "name": FILE_OPTION, "description": N_("a document for the question")}
    return _command_json(
        ASK, N_("ask a question"), [_with_localized_description(question), _with_localized_description(file)]
    )


def _command_json(name: str, summary: str, options: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": 1,
        "name": name,
        "name_localizations": name_localizations(name),
        "description": truncate_at_word(summary, _MAX_DESCRIPTION_LENGTH),
        "description_localizations": description_localizations(summary, _MAX_DESCRIPTION_LENGTH),
        "options": options,
        "contexts": _GUILD_AND_DM_CONTEXTS,
        "integration_types": [0],
    }


def _build_option(argument: str) -> dict[str, Any]:
    """The one option of a command: alternatives become choices, and modes are completed while they are typed."""
    option: dict[str, Any] = {
        "type": _STRING_OPTION_TYPE,
        "name": argument.lower() if _PLACEHOLDER.fullmatch(argument) else "argument",
        "description": truncate_at_word(argument, _MAX_DESCRIPTION_LENGTH),
        "max_length": MAX_OPTION_LENGTH,
    }
    alternatives = argument.split("|")
    if _ALTERNATIVES.fullmatch(argument) and len(alternatives) <= MAX_CHOICES:
        option |= {"choices": [{"name": word, "value": word} for word in alternatives]}
        del option["max_length"]
    elif argument == "MODE":
        option["autocomplete"] = True
    return option


def _with_localized_description(option: dict[str, Any]) -> dict[str, Any]:
    return {
        **option,
        "description_localizations": description_localizations(option["description"], _MAX_DESCRIPTION_LENGTH),
    }


def is_valid_command_name(name: str) -> bool:
    """Whether Discord accepts a command's name: letters and digits of any script, `-`, `_`, `'`, no capitals."""
    valid_characters = all(c in "-_'" or unicodedata.category(c)[0] in "LN" for c in name)
    return 1 <= len(name) <= _MAX_NAME_LENGTH and valid_characters and name == name.lower()


def name_localizations(name: str) -> dict[str, str]:
    """The names of a command by Discord's locale; locales that are missing use the English name."""
    localizations: dict[str, str] = {}
    for language in LANGUAGES:
        localized = localized_name(language, name)
        if localized != name and is_valid_command_name(localized):
            localizations |= dict.fromkeys(DISCORD_LOCALES.get(language, ()), localized)
    return localizations


def description_localizations(template: str, limit: int) -> dict[str, str]:
    """The translations of a sentence by Discord's locale, each cut to at most `limit` characters."""
    return {
        locale: truncate_at_word(Translator(language).translate(template), limit)
        for language in LANGUAGES
        for locale in DISCORD_LOCALES.get(language, ())
    }


def truncate_at_word(text: str, limit: int) -> str:
    """A text cut to at most `limit` characters, after a complete word if possible."""
    if len(text) <= limit:
        return text
    complete_words = re.sub(r"\W+$", "", text[:limit].rpartition(" ")[0])
    return f"{complete_words or text[: limit - 1]}…"
