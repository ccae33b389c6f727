"""Receives from Discord: keeps the connection, hands in what comes, and has the commands known there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import discord
import structlog

from bot.channels.discord.errors import DISPLAY_NAME
from bot.channels.discord.incoming import incoming_from_message, is_addressed_to, is_edit_of, is_unreadable
from bot.channels.discord.intake import RETRY_SECONDS, Intake
from bot.channels.discord.interactions import InteractionHandler
from bot.channels.discord.platform import DiscordPlatform
from bot.channels.discord.shard import ShardClient
from bot.channels.discord.slash_commands import build_slash_commands
from bot.core.errors import DeliveryError, PlatformAccessDenied
from bot.core.i18n import Translator
from bot.intake.inbox import EDIT_WINDOW, Inbox
from bot.minds import Mind
from consilium.errors import N_
from db.infra.database import Database

RECONNECT_DELAY: Final = 5.0
"""Seconds before Discord is connected to anew when that failed outright."""
MAX_SILENCE: Final = 100.0
"""Seconds without a word from Discord after which the gateway is not ready; it is asked every 41."""
DRAIN_TIMEOUT: Final = 10.0
"""Seconds that events which have come have to be taken in once the gateway is told to end."""
_TOKEN_SETTING, _CONTENT_SETTING = "CONSILIUM_DISCORD_TOKEN", "CONSILIUM_DISCORD_MESSAGE_CONTENT"
_UNREADABLE_MESSAGE: Final = N_("I cannot read this message: mention me in it, or use /ask.")
_FATAL_CLOSE_CODES: Final = {4004: _TOKEN_SETTING, 4013: _CONTENT_SETTING, 4014: _CONTENT_SETTING}
"""Codes the gateway is closed with for good, and the setting each is about."""
SHARDING_REQUIRED: Final = 4011
IDENTIFY_INTERVAL: Final = 5.1
"""Seconds between two sessions begun."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """How the gateway listens."""

    token: str
    message_content: bool = False
    """Whether the bot may read what is not written to it; has to be switched on in the developer portal too."""
    operator_guilds: Collection[int] = ()
    """The operator's own: commands are there at once."""
    retry_seconds: float = RETRY_SECONDS
    """Seconds for which a message is handed in again and again while the database is away."""


class DiscordGateway:
    """`bot.core.ports.Gateway` of Discord. As many of them may run as you like: each update is taken in once."""

    def __init__(
        self, config: GatewayConfig, mind: Mind, inbox: Inbox, database: Database, platform: DiscordPlatform
    ) -> None:
        self._config = config
        self._platform = platform
        self._commands = build_slash_commands(inbox.commands)
        self._intake = Intake(inbox, database, platform, retry_seconds=config.retry_seconds)
        self._interactions = InteractionHandler(self._intake, platform, mind)
        self._event_tasks: set[asyncio.Task[None]] = set()
        self._identify_lock = asyncio.Lock()
        self._next_identify_at = 0.0
        self._last_activity_by_shard: dict[int, float] = {}

    async def run(self) -> None:
        """Receive and hand in until cancelled.

        Raises:
            PlatformAccessDenied: the token or the intents are not accepted.
        """
        # At DEBUG the library writes down whole messages.
        logging.getLogger("discord").setLevel(max(logging.INFO, logging.getLogger().level))
        while True:
            shards = await self._fetch_shard_count()
            self._last_activity_by_shard.clear()
            running = [
                asyncio.create_task(self._keep_connected(shard, shards), name=f"shard-{shard}")
                for shard in range(shards)
            ]
            try:
                ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
                await self._drain()
            for task in ended:
                task.result()

    def create_client(self, shard_id: int = 0, shard_count: int = 1) -> discord.Client:
        """The connection of a shard, not open yet."""
        return ShardClient(self, shard_id, shard_count, message_content=self._config.message_content)

    async def wait_to_identify(self) -> None:
        """Wait until one more session may be begun: Discord takes one in five seconds."""
        async with self._identify_lock:
            await asyncio.sleep(max(0.0, self._next_identify_at - time.monotonic()))
            self._next_identify_at = time.monotonic() + IDENTIFY_INTERVAL

    async def _fetch_shard_count(self) -> int:
        """How many connections Discord wants."""
        while True:
            try:
                await self._platform.rest.login()
                told = await self._platform.rest.request("GET", "/gateway/bot", {})
                return int(told["shards"])
            except DeliveryError as error:
                log.warning("discord.connect_failed", reason=str(error))
            await asyncio.sleep(RECONNECT_DELAY)

    async def _keep_connected(self, shard_id: int, shard_count: int) -> None:
        """Keep one shard connected; returns when there have to be more of them."""
        while True:
            try:
                async with self.create_client(shard_id, shard_count) as client:
                    await client.start(self._config.token)
            except discord.LoginFailure as error:
                raise PlatformAccessDenied(DISPLAY_NAME, str(error), _TOKEN_SETTING) from error
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
                # The library itself stumbles when the very first connection fails.
                log.warning("discord.connect_failed", shard=shard_id, reason=str(error), exc_info=error)
            await asyncio.sleep(RECONNECT_DELAY)

    @property
    def last_activity(self) -> float | None:
        """When the shard that has been silent longest was last heard of, on the monotonic clock; an answer to a
        heartbeat counts. None when there is none yet."""
        return min(self._last_activity_by_shard.values(), default=None)

    async def check_connection(self) -> str | None:
        """What keeps it from hearing; None when nothing does."""
        if self.last_activity is None:
            return "Discord has not answered yet"
        silence = time.monotonic() - self.last_activity
        return f"Discord is silent for {silence:.0f} s" if silence > MAX_SILENCE else None

    def record_activity(self, shard_id: int) -> None:
        """Something has come from Discord."""
        self._last_activity_by_shard[shard_id] = time.monotonic()

    async def register_commands(self, application_id: int) -> None:
        """Have Discord know the commands: everywhere, and at once in the operator's own guilds."""
        everywhere = "/applications/{application_id}/commands"
        in_guild = "/applications/{application_id}/guilds/{guild_id}/commands"
        for guild in (None, *self._config.operator_guilds):
            at = {"application_id": str(application_id)} | ({} if guild is None else {"guild_id": str(guild)})
            try:
                await self._platform.rest.request(
                    "PUT", everywhere if guild is None else in_guild, at, json=self._commands
                )
            except DeliveryError as error:
                log.warning("discord.command_registration_failed", guild=guild, reason=str(error))
            else:
                log.info("discord.commands_registered", guild=guild, commands=len(self._commands))

    async def handle_message(self, bot: discord.ClientUser, message: discord.Message) -> None:
        """Take in what somebody wrote, if it is for the bot."""
        if not is_addressed_to(bot, message):
            return
        if is_unreadable(bot, message):
            await self._reply_unreadable(message)
            return
        await self._run_tracked(self._intake.submit(incoming_from_message(bot, message)))

    async def handle_edit(self, bot: discord.ClientUser, message: discord.Message) -> None:
        """Ask a question again that was changed. Of a message that is pinned, or whose links are shown, Discord tells
        in the same way."""
        changed = message.edited_at
        if changed is None or (changed - message.created_at).total_seconds() > EDIT_WINDOW:
            return
        if is_addressed_to(bot, message) and not is_unreadable(bot, message):
            changes = self._intake.submit(
                incoming_from_message(bot, message), lambda address: is_edit_of(message, address)
            )
            await self._run_tracked(changes)

    async def handle_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """See to a command, button, menu or form."""
        await self._run_tracked(self._interactions.handle(interaction))

    async def _run_tracked(self, work: Any) -> None:
        """Work that is let come to its end when the gateway ends."""
        task = asyncio.current_task()
        assert task is not None
        self._event_tasks.add(task)
        try:
            await work
        except DeliveryError as error:
            log.warning("discord.event_failed", reason=str(error))
        finally:
            self._event_tasks.discard(task)

    async def _reply_unreadable(self, message: discord.Message) -> None:
        locale = message.guild.preferred_locale.value if message.guild else ""
        text = Translator("ru" if locale == "ru" else "en")(_UNREADABLE_MESSAGE)
        json = {"content": text, "message_reference": {"message_id": str(message.id), "fail_if_not_exists": False}}
        nonce = {"nonce": str(message.id), "enforce_nonce": True, "allowed_mentions": {"parse": []}}
        path = "/channels/{channel_id}/messages"
        await self._run_tracked(
            self._platform.rest.request("POST", path, {"channel_id": str(message.channel.id)}, json={**json, **nonce})
        )

    async def _drain(self) -> None:
        if self._event_tasks:
            await asyncio.wait(self._event_tasks, timeout=DRAIN_TIMEOUT)
