"""Slash commands made from the one registry, as Discord takes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from bot.channels.discord.names import cut_at_word, is_command_name, localised, localised_names
from consilium.errors import N_

ASK: Final = "ask"
"""A command of this channel's own: where a bot may not read what is written, this is how it is asked."""
ANSWERING: Final = frozenset({ASK, "retry", "consilium"})
"""Commands that are answered for all to see; what the others say is the person's own business."""
QUESTION, FILE = "question", "file"
LONGEST_OPTION: Final = 6000
MOST_CHOICES: Final = 25
_DESCRIPTION: Final = 100
_IN_GUILDS_AND_DIRECT: Final = [0, 1]
_TEXT, _ATTACHMENT = 3, 11
_ALTERNATIVES: Final = re.compile(r"[a-z]+(\|[a-z]+)+")
_PLACEHOLDER: Final = re.compile(r"[A-Z]+")


class Listed(Protocol):
    """What of a registered command is looked at."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def usage(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Called:
    """A slash command as somebody used it."""

    name: str
    text: str
    """The message it stands for."""
    attachment: Mapping[str, Any] | None = None

    @property
    def private(self) -> bool:
        """Whether its answer is for the person's eyes only."""
        asks_a_command = self.name == ASK and self.text.lstrip().startswith("/")
        return self.name not in ANSWERING or asks_a_command


def slash_commands(commands: Iterable[Listed]) -> list[dict[str, Any]]:
    """All of them, and `/ask`; a command whose name Discord does not take is left to be written as text."""
    made = [_command(command) for command in commands if is_command_name(command.name) and command.name != ASK]
    return [_ask(), *made]


def read_call(data: Mapping[str, Any]) -> Called:
    """What was called, from an interaction's data."""
    name = str(data["name"])
    options = {str(option["name"]): option.get("value") for option in data.get("options", ())}
    if name == ASK:
        attachments = data.get("resolved", {}).get("attachments", {})
        return Called(name, str(options.get(QUESTION) or ""), attachments.get(str(options.get(FILE))))
    argument = next((str(value) for value in options.values()), "")
    return Called(name, f"/{name} {argument}".strip())


def _command(command: Listed) -> dict[str, Any]:
    argument = command.usage.removeprefix(f"/{command.name}").strip()
    return _made(command.name, command.summary, [_option(argument)] if argument else [])


def _ask() -> dict[str, Any]:
    question = {
        "type": _TEXT,
        "name": QUESTION,
        "description": N_("what you want to know"),
        "required": True,
        "max_length": LONGEST_OPTION,
    }
    file = {"type": _ATTACHMENT, "name": FILE, "description": N_("a document that goes with it")}
    return _made(ASK, N_("ask a question"), [_localised(question), _localised(file)])


def _made(name: str, summary: str, options: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": 1,
        "name": name,
        "name_localizations": localised_names(name),
        "description": cut_at_word(summary, _DESCRIPTION),
        "description_localizations": localised(summary, _DESCRIPTION),
        "options": options,
        "contexts": _IN_GUILDS_AND_DIRECT,
        "integration_types": [0],
    }


def _option(argument: str) -> dict[str, Any]:
    """The one text a command takes; alternatives become choices, modes are completed while they are typed."""
    option: dict[str, Any] = {
        "type": _TEXT,
        "name": argument.lower() if _PLACEHOLDER.fullmatch(argument) else "argument",
        "description": cut_at_word(argument, _DESCRIPTION),
        "max_length": LONGEST_OPTION,
    }
    alternatives = argument.split("|")
    if _ALTERNATIVES.fullmatch(argument) and len(alternatives) <= MOST_CHOICES:
        option |= {"choices": [{"name": word, "value": word} for word in alternatives]}
        del option["max_length"]
    elif argument == "MODE":
        option["autocomplete"] = True
    return option


def _localised(option: dict[str, Any]) -> dict[str, Any]:
    return {**option, "description_localizations": localised(option["description"], _DESCRIPTION)}
