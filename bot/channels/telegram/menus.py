"""The menus of commands that Telegram's clients show: per language, and per kind of chat."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, Final

import structlog
from aiogram.methods import SetMyCommands
from aiogram.types import BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats

from bot.channels.errors import ChannelError
from bot.channels.telegram.outbox import Outbox
from bot.locales import LANGUAGES, Language, Translator
from bot.turns.commands import Command

_VALID_COMMAND_NAME: Final = re.compile(r"[a-z0-9_]{1,32}")
_MAX_DESCRIPTION_LENGTH: Final = 256
_FALLBACK_LANGUAGE: Final[Language] = "en"
"""What those read whose language is none of ours."""

log = structlog.get_logger(__name__)


async def publish_command_menus(outbox: Outbox, commands: Iterable[Command[Any]]) -> None:
    """Have Telegram show the commands; that it does not is no reason not to answer."""
    try:
        for method in command_menu_calls(list(commands)):
            await outbox.call(method)
    except ChannelError as error:
        log.warning("telegram.command_menu_failed", reason=str(error))


def command_menu_calls(commands: list[Command[Any]]) -> Iterator[SetMyCommands]:
    """In groups, without what is only for the person's own eyes."""
    public = [command for command in commands if not command.private_only]
    for language in LANGUAGES:
        code = None if language == _FALLBACK_LANGUAGE else language
        yield SetMyCommands(
            commands=_menu_entries(commands, language), scope=BotCommandScopeAllPrivateChats(), language_code=code
        )
        yield SetMyCommands(
            commands=_menu_entries(public, language), scope=BotCommandScopeAllGroupChats(), language_code=code
        )


def _menu_entries(commands: Iterable[Command[Any]], language: Language) -> list[BotCommand]:
    say = Translator(language)
    return [
        BotCommand(
            command=command.name,
            description=textwrap.shorten(say(command.summary), _MAX_DESCRIPTION_LENGTH, placeholder="…"),
        )
        for command in commands
        if _VALID_COMMAND_NAME.fullmatch(command.name)
    ]
