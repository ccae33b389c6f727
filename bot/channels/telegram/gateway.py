"""Receives updates by long polling, and publishes the command menus at start."""

from __future__ import annotations

import asyncio
import re
import textwrap
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import structlog
from aiogram import Bot
from aiogram.methods import DeleteWebhook, GetMe, SetMyCommands, TelegramMethod
from aiogram.types import BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats, Update
from pydantic import ValidationError

from bot.channels.telegram.background import BackgroundTasks
from bot.channels.telegram.client import REQUEST_TIMEOUT, map_telegram_errors
from bot.channels.telegram.dispatch import dispatch_updates
from bot.channels.telegram.incoming import BotIdentity
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.update_handler import UpdateHandler
from bot.core.errors import ChannelError, TemporaryDeliveryError
from bot.core.i18n import LANGUAGES, Language, Translator
from bot.intake.commands import COMMANDS, Command
from bot.intake.inbox import Inbox

POLL_TIMEOUT: Final = 25
"""Seconds that Telegram holds a request for updates when there are none."""
SILENCE_LIMIT: Final = 90.0
"""Seconds without a word from Telegram after which the gateway is not ready."""
ALLOWED_UPDATES: Final = ("message", "edited_message", "callback_query", "my_chat_member", "stopped_message_generation")
_INITIAL_RETRY_DELAY: Final = 1.0
_MAX_RETRY_DELAY: Final = 30.0
log = structlog.get_logger(__name__)


class GetRawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates, with each update as it came: one that cannot be read must not hold up the others."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int
    timeout: int
    allowed_updates: list[str]


class UpdateReceiver:
    """What both ways of receiving have in common."""

    def __init__(self, outbox: Outbox, handler: UpdateHandler, inbox: Inbox, background: BackgroundTasks) -> None:
        self._outbox = outbox
        self._handler = handler
        self._inbox = inbox
        self._background = background
        self.last_contact_at: float | None = None
        """When Telegram was last heard of, on the monotonic clock; None when it has not been yet."""

    async def health_problem(self) -> str | None:
        """What keeps it from hearing; None when nothing does."""
        return "Telegram has not answered yet" if self.last_contact_at is None else None

    async def connect(self) -> None:
        """Learn who the bot is, and have its commands shown.

        Raises:
            PlatformAccessDenied: the bot's token is not accepted.
        """
        me = await self.call_until_answered(GetMe())
        self.last_contact_at = time.monotonic()
        log.info("telegram.connected", username=me.username)
        self._handler.set_bot_identity(
            BotIdentity(me.id, me.username or "", frozenset(command.name for command in COMMANDS))
        )
        self._background.start(publish_command_menus(self._outbox, self._inbox.commands))

    async def call_until_answered(self, method: TelegramMethod[Any]) -> Any:
        """Make a call that nothing goes on without, until it is answered.

        Raises:
            PlatformAccessDenied, PermanentDeliveryError: it never will be.
        """
        pause = _INITIAL_RETRY_DELAY
        while True:
            try:
                return await self._outbox.call(method)
            except TemporaryDeliveryError as error:
                log.warning("telegram.startup_call_failed", reason=str(error), pause=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _MAX_RETRY_DELAY)


class PollingGateway(UpdateReceiver):
    """Asks for updates and hands them in (`bot.core.ports.Gateway`)."""

    def __init__(
        self, outbox: Outbox, handler: UpdateHandler, inbox: Inbox, background: BackgroundTasks, concurrency: int = 8
    ) -> None:
        super().__init__(outbox, handler, inbox, background)
        self._concurrency = concurrency

    async def health_problem(self) -> str | None:
        silence = time.monotonic() - (self.last_contact_at or time.monotonic())
        return await super().health_problem() or (
            f"Telegram is silent for {silence:.0f} s" if silence > SILENCE_LIMIT else None
        )

    async def run(self) -> None:
        """Receive until cancelled.

        Raises:
            PlatformAccessDenied: the bot's token is not accepted.
        """
        try:
            await self.connect()
            await self.call_until_answered(DeleteWebhook(drop_pending_updates=False))
            await self._poll()
        finally:
            await self._background.close()

    async def _poll(self) -> None:
        offset, pause = 0, _INITIAL_RETRY_DELAY
        while True:
            asked = GetRawUpdates(offset=offset, timeout=POLL_TIMEOUT, allowed_updates=list(ALLOWED_UPDATES))
            try:
                with map_telegram_errors():
                    found = await self._outbox.bot(asked, request_timeout=POLL_TIMEOUT + int(REQUEST_TIMEOUT))
            except TemporaryDeliveryError as error:
                # Another process may poll too, as while one takes over from another: then both are told off in turn.
                log.warning("telegram.poll_failed", reason=str(error), pause=pause)
                await asyncio.sleep(max(pause, error.retry_after))
                pause = min(2 * pause, _MAX_RETRY_DELAY)
                continue
            pause = _INITIAL_RETRY_DELAY
            self.last_contact_at = time.monotonic()
            updates = [update for raw in found if (update := parse_update(raw, self._outbox.bot)) is not None]
            await dispatch_updates(updates, self._handler.handle, self._concurrency)
            offset = max((int(raw["update_id"]) + 1 for raw in found), default=offset)


def parse_update(raw: Any, bot: Bot) -> Update | None:
    """An update; None when it is none that this version knows."""
    try:
        return Update.model_validate(raw, context={"bot": bot})
    except ValidationError as error:
        number = raw.get("update_id") if isinstance(raw, dict) else None
        log.error("telegram.update_parse_failed", update=number, reason=str(error)[:500])
        return None


_VALID_COMMAND_NAME: Final = re.compile(r"[a-z0-9_]{1,32}")
_MAX_DESCRIPTION_LENGTH: Final = 256
_FALLBACK_LANGUAGE: Final[Language] = "en"
"""What those read whose language is none of ours."""


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
