"""Receives updates by long polling, and publishes the command menus at startup."""

from __future__ import annotations

import asyncio
import re
import textwrap
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

import structlog
from aiogram.methods import DeleteWebhook, GetMe, SetMyCommands, TelegramMethod
from aiogram.types import BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats, Update
from pydantic import ValidationError

from bot.channels.telegram.client import REQUEST_TIMEOUT, map_telegram_errors
from bot.channels.telegram.dispatch import BackgroundTasks, dispatch_updates
from bot.channels.telegram.incoming import BotIdentity
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.update_handler import UpdateHandler
from bot.core.errors import ChannelError, PermanentDeliveryError, TemporaryDeliveryError
from bot.core.i18n import LANGUAGES, Language, Translator
from bot.intake.commands import COMMANDS, Command
from bot.intake.inbox import Inbox
from consilium.error_texts import describe_exception
from consilium.retry import Backoff, BackoffConfig, retry

T = TypeVar("T")

POLL_TIMEOUT: Final = 25
"""Seconds that Telegram holds a request for updates while there are none."""
SILENCE_LIMIT: Final = 90.0
"""Seconds without a response from Telegram after which the gateway is not ready."""
ALLOWED_UPDATES: Final = ("message", "edited_message", "callback_query", "my_chat_member", "stopped_message_generation")
_RETRY_BACKOFF: Final = BackoffConfig(initial=1.0, maximum=30.0)
_VALID_COMMAND_NAME: Final = re.compile(r"[a-z0-9_]{1,32}")
_MAX_DESCRIPTION_LENGTH: Final = 256
_FALLBACK_LANGUAGE: Final[Language] = "en"
"""The menu of people whose language is none of ours."""

log = structlog.get_logger(__name__)


class GetRawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates without parsing: an update that cannot be parsed must not hold up the others."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int
    timeout: int
    allowed_updates: list[str]


class UnreadableUpdate(Exception):
    """An update that this version cannot parse; the log says where."""


class UpdateReceiver:
    """What polling and the webhook have in common."""

    def __init__(self, outbox: Outbox, handler: UpdateHandler, inbox: Inbox, background: BackgroundTasks) -> None:
        self._outbox = outbox
        self._handler = handler
        self._inbox = inbox
        self._background = background
        self.last_contact_at: float | None = None
        """When Telegram last answered, on the monotonic clock; None before its first answer."""

    async def health_problem(self) -> str | None:
        """Why no updates are received; None when they are."""
        return "Telegram has not answered yet" if self.last_contact_at is None else None

    async def connect(self) -> None:
        """Get the bot's identity, and publish its commands in the background.

        Raises:
            PlatformAccessDenied: Telegram does not accept the bot's token.
        """
        me = await self.call_until_answered(GetMe())
        self.last_contact_at = time.monotonic()
        log.info("telegram.connected", username=me.username)
        self._handler.set_bot_identity(
            BotIdentity(me.id, me.username or "", frozenset(command.name for command in COMMANDS))
        )
        self._background.start(publish_command_menus(self._outbox, self._inbox.commands))

    async def parse(self, raw: Any) -> Update | None:
        """An update; None when this version cannot parse it: it is a dead letter then, and its sender is told."""
        try:
            return Update.model_validate(raw, context={"bot": self._outbox.bot})
        except ValidationError as error:
            update_id = raw.get("update_id") if isinstance(raw, dict) else None
            log.error("telegram.update_parse_failed", update=update_id, reason=describe_exception(error))
            await self._handler.refuse_unreadable(raw, UnreadableUpdate())
            return None

    async def call_until_answered(self, method: TelegramMethod[T]) -> T:
        """Make a call that startup depends on, again and again until Telegram answers it.

        Raises:
            PlatformAccessDenied: Telegram does not accept the bot's token.
            PermanentDeliveryError: Telegram refuses the call.
        """

        def log_retry(error: Exception, delay: float) -> None:
            log.warning("telegram.startup_call_failed", reason=error, delay=delay)

        return await retry(
            lambda: self._outbox.call(method),
            on=TemporaryDeliveryError,
            backoff=_RETRY_BACKOFF,
            before_sleep=log_retry,
        )


class PollingGateway(UpdateReceiver):
    """Receives by long polling (`bot.core.ports.Gateway`); Telegram allows one process at a time to poll."""

    def __init__(
        self, outbox: Outbox, handler: UpdateHandler, inbox: Inbox, background: BackgroundTasks, concurrency: int = 8
    ) -> None:
        """
        Args:
            concurrency: chats whose updates are handled at the same time.
        """
        super().__init__(outbox, handler, inbox, background)
        self._concurrency = concurrency

    async def health_problem(self) -> str | None:
        silence = time.monotonic() - (self.last_contact_at or time.monotonic())
        return await super().health_problem() or (
            f"Telegram has not answered for {silence:.0f} s" if silence > SILENCE_LIMIT else None
        )

    async def run(self) -> None:
        """Receive until cancelled.

        Raises:
            PlatformAccessDenied: Telegram does not accept the bot's token.
        """
        try:
            await self.connect()
            try:
                await self.call_until_answered(DeleteWebhook(drop_pending_updates=False))
            except PermanentDeliveryError as error:
                # A server that does not know webhooks has none to delete.
                log.warning("telegram.webhook_not_deleted", reason=error)
            await self._poll()
        finally:
            await self._background.close()

    async def _poll(self) -> None:
        offset, backoff = 0, Backoff(_RETRY_BACKOFF)
        while True:
            request = GetRawUpdates(offset=offset, timeout=POLL_TIMEOUT, allowed_updates=list(ALLOWED_UPDATES))
            try:
                with map_telegram_errors():
                    raw_updates = await self._outbox.bot(request, request_timeout=POLL_TIMEOUT + int(REQUEST_TIMEOUT))
            except TemporaryDeliveryError as error:
                # One reason is another process that polls, as while one takes over from another: Telegram then ends
                # the request of each in turn.
                delay = max(backoff.next_delay(), error.retry_after)
                log.warning("telegram.poll_failed", reason=error, delay=delay)
                await asyncio.sleep(delay)
                continue
            backoff.reset()
            self.last_contact_at = time.monotonic()
            parsed = [await self.parse(raw) for raw in raw_updates]
            updates = [update for update in parsed if update is not None]
            await dispatch_updates(updates, self._handler.handle, self._concurrency)
            # The next request confirms these updates. They are all handled by now.
            offset = max((int(raw["update_id"]) + 1 for raw in raw_updates), default=offset)


async def publish_command_menus(outbox: Outbox, commands: Iterable[Command[Any]]) -> None:
    """Publish the commands that Telegram's clients list. A failure is only logged: the bot answers without a menu."""
    for method in command_menu_calls(list(commands)):
        try:
            await outbox.call(method)
        except ChannelError as error:
            log.warning("telegram.command_menu_failed", reason=error)
            return


def command_menu_calls(commands: list[Command[Any]]) -> Iterator[SetMyCommands]:
    """The calls that set the menus of private chats and, without private commands, of groups, in each language."""
    public_commands = [command for command in commands if not command.private_only]
    for language in LANGUAGES:
        code = None if language == _FALLBACK_LANGUAGE else language
        yield SetMyCommands(
            commands=_menu_entries(commands, language), scope=BotCommandScopeAllPrivateChats(), language_code=code
        )
        yield SetMyCommands(
            commands=_menu_entries(public_commands, language), scope=BotCommandScopeAllGroupChats(), language_code=code
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
