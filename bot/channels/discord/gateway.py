"""Receives from Discord: keeps the shards connected, submits what arrives, and registers the slash commands."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import discord
import structlog

from bot.channels.discord.catch_up import SAVE_INTERVAL, CatchUp
from bot.channels.discord.errors import DISPLAY_NAME, to_delivery_error
from bot.channels.discord.incoming import incoming_from_message, is_addressed_to, is_edit_of, is_unreadable, role_ids
from bot.channels.discord.intake import RETRY_SECONDS, Intake
from bot.channels.discord.interactions import InteractionHandler
from bot.channels.discord.platform import DiscordPlatform
from bot.channels.discord.quotations import quoted_messages
from bot.channels.discord.shard import ShardClient
from bot.channels.discord.slash_commands import build_slash_commands
from bot.core.errors import DeliveryError, PlatformAccessDenied
from bot.core.i18n import Translator
from bot.core.loops import run_periodically
from bot.core.messages import Incoming
from bot.intake.inbox import EDIT_WINDOW, Inbox
from bot.minds import Mind
from consilium.error_texts import describe_exception
from consilium.errors import N_
from consilium.retry import BackoffConfig, retry
from db.errors import DatabaseError
from db.infra.database import Database

RECONNECT_DELAY: Final = 5.0
"""Seconds before the next attempt to connect, after one that failed outright."""
MAX_SILENCE: Final = 100.0
"""Seconds without anything from Discord after which the gateway is not ready; heartbeats are 41 seconds apart."""
DRAIN_TIMEOUT: Final = 10.0
"""Seconds for events that have arrived to be submitted during shutdown."""
IDENTIFY_INTERVAL: Final = 5.1
"""Seconds between the starts of two sessions."""
SHARDING_REQUIRED: Final = 4011
"""The code with which the gateway is closed when there have to be more shards."""
_TOKEN_SETTING, _CONTENT_SETTING = "CONSILIUM_DISCORD_TOKEN", "CONSILIUM_DISCORD_MESSAGE_CONTENT"
_UNREADABLE_MESSAGE: Final = N_("I cannot read this message: mention me in it, or use /ask.")
_FATAL_CLOSE_CODES: Final = {4004: _TOKEN_SETTING, 4013: _CONTENT_SETTING, 4014: _CONTENT_SETTING}
"""Codes with which the gateway is closed for good, and the setting that each is about."""
_MESSAGES_PATH: Final = "/channels/{channel_id}/messages"
_COMMANDS_PATH: Final = "/applications/{application_id}/commands"
_GUILD_COMMANDS_PATH: Final = "/applications/{application_id}/guilds/{guild_id}/commands"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """What the gateway receives, and for whom."""

    token: str
    message_content: bool = False
    """Whether the bot may read messages that do not mention it; has to be switched on in the developer portal too."""
    operator_guilds: Collection[int] = ()
    """Guilds of the operator: commands are available there at once."""
    retry_seconds: float = RETRY_SECONDS
    """Seconds for which a message is submitted again while the database is unavailable."""


class DiscordGateway:
    """`bot.core.ports.Gateway` of Discord. Any number of them may run: each update is accepted once."""

    def __init__(
        self, config: GatewayConfig, mind: Mind, inbox: Inbox, database: Database, platform: DiscordPlatform
    ) -> None:
        self._config = config
        self._mind = mind
        self._database = database
        self._platform = platform
        self._commands = build_slash_commands(inbox.commands)
        self._intake = Intake(inbox, database, platform, retry_seconds=config.retry_seconds)
        self._interactions = InteractionHandler(self._intake, platform, mind)
        self._event_tasks: set[asyncio.Task[None]] = set()
        self._identify_lock = asyncio.Lock()
        self._next_identify_at = 0.0
        self._last_activity_by_shard: dict[int, float] = {}
        self._catch_ups: dict[int, CatchUp] = {}
        """By shard."""
        self._catching_up: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Receive and submit until cancelled.

        Raises:
            PlatformAccessDenied: Discord rejects the token or the intents.
        """
        # At DEBUG the library logs complete messages.
        logging.getLogger("discord").setLevel(max(logging.INFO, logging.getLogger().level))
        while True:
            shard_count = await self._fetch_shard_count()
            self._last_activity_by_shard.clear()
            self._catch_ups.clear()
            shards = [
                asyncio.create_task(self._keep_connected(shard_id, shard_count), name=f"shard-{shard_id}")
                for shard_id in range(shard_count)
            ]
            saving = asyncio.create_task(
                run_periodically("discord-marks", self._save_marks, SAVE_INTERVAL), name="discord-marks"
            )
            try:
                ended, _ = await asyncio.wait(shards, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ending = (*shards, saving, *self._catching_up)
                for task in ending:
                    task.cancel()
                await asyncio.gather(*ending, return_exceptions=True)
                await self._drain()
                with suppress(DatabaseError):
                    await self._save_marks()
            for shard in ended:
                shard.result()

    def create_client(self, shard_id: int = 0, shard_count: int = 1) -> discord.Client:
        """The connection of one shard, not open yet."""
        self._catch_ups.setdefault(shard_id, CatchUp(self._database, self._mind.name, f"{shard_id}/{shard_count}"))
        return ShardClient(self, shard_id, shard_count, message_content=self._config.message_content)

    async def wait_to_identify(self, shard_id: int) -> None:
        """Wait until another session may be started: Discord allows one in five seconds."""
        await self._catch_ups[shard_id].begin_session()
        async with self._identify_lock:
            await asyncio.sleep(max(0.0, self._next_identify_at - time.monotonic()))
            self._next_identify_at = time.monotonic() + IDENTIFY_INTERVAL

    async def _fetch_shard_count(self) -> int:
        """The number of shards that Discord recommends."""

        async def fetch() -> int:
            await self._platform.rest.login()
            response = await self._platform.rest.request("GET", "/gateway/bot", {})
            return int(response["shards"])

        return await retry(
            fetch,
            on=DeliveryError,
            backoff=BackoffConfig(RECONNECT_DELAY, maximum=RECONNECT_DELAY),
            before_sleep=lambda error, _: log.warning("discord.connect_failed", reason=error),
        )

    async def _keep_connected(self, shard_id: int, shard_count: int) -> None:
        """Keep one shard connected; returns when Discord requires more shards.

        Raises:
            PlatformAccessDenied: Discord rejects the token or the intents.
        """
        while True:
            try:
                async with self.create_client(shard_id, shard_count) as client:
                    await client.start(self._config.token)
            except discord.LoginFailure as error:
                raise PlatformAccessDenied(DISPLAY_NAME, describe_exception(error), _TOKEN_SETTING) from error
            except discord.PrivilegedIntentsRequired as error:
                raise PlatformAccessDenied(
                    DISPLAY_NAME, "message content is not switched on in the portal", _CONTENT_SETTING
                ) from error
            except discord.ConnectionClosed as error:
                if error.code == SHARDING_REQUIRED:
                    return
                if (setting := _FATAL_CLOSE_CODES.get(error.code)) is not None:
                    raise PlatformAccessDenied(DISPLAY_NAME, f"closed with {error.code}", setting) from error
                log.warning("discord.connection_closed", shard=shard_id, code=error.code)
            except Exception as error:
                # discord.py raises errors of various kinds when its very first connection fails.
                log.warning("discord.connect_failed", shard=shard_id, reason=error, exc_info=error)
            await asyncio.sleep(RECONNECT_DELAY)

    @property
    def last_activity(self) -> float | None:
        """When the shard that has been silent longest last received anything, a heartbeat's answer included.

        On the monotonic clock; None before the first shard has received something.
        """
        return min(self._last_activity_by_shard.values(), default=None)

    async def check_connection(self) -> str | None:
        """What keeps the gateway from receiving; None when nothing does."""
        if self.last_activity is None:
            return "Discord has not answered yet"
        silence = time.monotonic() - self.last_activity
        return f"Discord has been silent for {silence:.0f} s" if silence > MAX_SILENCE else None

    def record_activity(self, shard_id: int) -> None:
        """Note that a shard has received something."""
        self._last_activity_by_shard[shard_id] = time.monotonic()

    async def register_commands(self, application_id: int) -> None:
        """Register the commands everywhere, and in the operator's guilds, where they are available at once."""
        for guild in (None, *self._config.operator_guilds):
            path, params = _COMMANDS_PATH, {"application_id": str(application_id)}
            if guild is not None:
                path, params = _GUILD_COMMANDS_PATH, {**params, "guild_id": str(guild)}
            try:
                await self._platform.rest.request("PUT", path, params, json=self._commands)
            except DeliveryError as error:
                log.warning("discord.command_registration_failed", guild=guild, reason=error)
            else:
                log.info("discord.commands_registered", guild=guild, commands=len(self._commands))

    async def catch_up(self, shard_id: int, client: discord.Client) -> None:
        """Take in what was written before the session that has just begun and is not stored."""

        async def handle(message: discord.Message) -> None:
            assert client.user is not None
            await self._take_in(client.user, message)

        catch_up, task = self._catch_ups[shard_id], asyncio.current_task()
        assert task is not None
        self._catching_up.add(task)
        try:
            await retry(
                lambda: catch_up.run(client, handle),
                on=DatabaseError,
                backoff=BackoffConfig(0.2, maximum=15.0, jitter=0.3),
                give_up_after=self._config.retry_seconds,
                before_sleep=lambda error, _: log.warning("discord.catch_up_retried", shard=shard_id, reason=error),
            )
        except DatabaseError as error:
            log.error("discord.catch_up_given_up", shard=shard_id, reason=error)
            catch_up.give_up()
        finally:
            self._catching_up.discard(task)

    async def handle_message(self, bot: discord.ClientUser, shard_id: int, message: discord.Message) -> None:
        """Submit a message, if it is for the bot, after those that were missed before it."""
        async with self._catch_ups[shard_id].receiving(message.id, message.channel.id):
            await self._take_in(bot, message)

    async def _take_in(self, bot: discord.ClientUser, message: discord.Message) -> None:
        if not is_addressed_to(bot, message):
            return
        if is_unreadable(bot, message):
            await self._reply_unreadable(message)
            return
        quoted = tuple(quoted_messages(bot, message))
        incoming = await self._with_roles(incoming_from_message(bot, message), message)
        await self._run_tracked(self._intake.submit(incoming, quoted=quoted))

    async def _with_roles(self, incoming: Incoming, message: discord.Message) -> Incoming:
        """A message of a channel's history comes without its author's roles, which may give them access."""
        if message.guild is None or isinstance(message.author, discord.Member):
            return incoming
        try:
            return replace(incoming, roles=role_ids(await message.guild.fetch_member(message.author.id)))
        except Exception as error:
            if to_delivery_error(error) is None:
                raise
            return incoming

    async def _save_marks(self) -> None:
        for catch_up in self._catch_ups.values():
            await catch_up.save()

    async def handle_edit(self, bot: discord.ClientUser, message: discord.Message) -> None:
        """Submit a question again that its author has edited.

        Discord sends the same event when a message is pinned or shows link previews, but without a new edit time.
        """
        edited = message.edited_at
        if edited is None or (edited - message.created_at).total_seconds() > EDIT_WINDOW:
            return
        if is_addressed_to(bot, message) and not is_unreadable(bot, message):
            incoming = incoming_from_message(bot, message)
            quoted = tuple(quoted_messages(bot, message))
            await self._run_tracked(
                self._intake.submit(incoming, lambda address: is_edit_of(message, address), quoted=quoted)
            )

    async def handle_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Handle a command, button, menu or form."""
        await self._run_tracked(self._interactions.handle(interaction))

    async def _run_tracked(self, work: Awaitable[object]) -> None:
        """Do work that shutdown waits for."""
        task = asyncio.current_task()
        assert task is not None
        self._event_tasks.add(task)
        try:
            await work
        except DeliveryError as error:
            log.warning("discord.event_failed", reason=error)
        finally:
            self._event_tasks.discard(task)

    async def _reply_unreadable(self, message: discord.Message) -> None:
        locale = message.guild.preferred_locale.value if message.guild else ""
        text = Translator("ru" if locale == "ru" else "en")(_UNREADABLE_MESSAGE)
        json = {
            "content": text,
            "message_reference": {"message_id": str(message.id), "fail_if_not_exists": False},
            "allowed_mentions": {"parse": []},
            "nonce": str(message.id),
            "enforce_nonce": True,
        }
        params = {"channel_id": str(message.channel.id)}
        await self._run_tracked(self._platform.rest.request("POST", _MESSAGES_PATH, params, json=json))

    async def _drain(self) -> None:
        if self._event_tasks:
            await asyncio.wait(self._event_tasks, timeout=DRAIN_TIMEOUT)
