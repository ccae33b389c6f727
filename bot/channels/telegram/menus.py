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

_NAME: Final = re.compile(r"[a-z0-9_]{1,32}")
_LONGEST: Final = 256
_SOURCE: Final[Language] = "en"
"""What those read whose language is none of ours."""

log = structlog.get_logger(__name__)


async def publish_menus(outbox: Outbox, commands: Iterable[Command[Any]]) -> None:
    """Have Telegram show the commands; that it does not is no reason not to answer."""
    try:
        for method in menus(list(commands)):
            await outbox.call(method)
    except ChannelError as error:
        log.warning("telegram.no_menu", reason=str(error))


def menus(commands: list[Command[Any]]) -> Iterator[SetMyCommands]:
    """In groups, without what is only for the person's own eyes."""
    public = [command for command in commands if not command.in_private]
    for language in LANGUAGES:
        code = None if language == _SOURCE else language
        yield SetMyCommands(
            commands=_menu(commands, language), scope=BotCommandScopeAllPrivateChats(), language_code=code
        )
        yield SetMyCommands(commands=_menu(public, language), scope=BotCommandScopeAllGroupChats(), language_code=code)


def _menu(commands: Iterable[Command[Any]], language: Language) -> list[BotCommand]:
    say = Translator(language)
    return [
        BotCommand(command=command.name, description=textwrap.shorten(say(command.summary), _LONGEST, placeholder="…"))
        for command in commands
        if _NAME.fullmatch(command.name)
    ]
