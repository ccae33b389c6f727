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

from bot.channels.discord.client import ShardClient
from bot.channels.discord.errors import NAME
from bot.channels.discord.incoming import is_for, is_newer, is_unreadable, of_message
from bot.channels.discord.intake import LIFE, Intake
from bot.channels.discord.interactions import Interactions
from bot.channels.discord.platform import DiscordPlatform
from bot.channels.discord.slash import slash_commands
from bot.channels.errors import DeliveryError, PlatformRefused
from bot.locales import Translator
from bot.mind import Mind
from bot.turns.inbox import CHANGEABLE, Inbox
from consilium.errors import N_
from db.database import Database

AGAIN_AFTER: Final = 5.0
"""Seconds before Discord is connected to anew when that failed outright."""
DEAF: Final = 100.0
"""Seconds without a word from Discord after which the gateway is not ready; it is asked every 41."""
LAST_EVENTS: Final = 10.0
"""Seconds that events which have come have to be taken in once the gateway is told to end."""
_TOKEN, _CONTENT = "CONSILIUM_DISCORD_TOKEN", "CONSILIUM_DISCORD_MESSAGE_CONTENT"
_CANNOT_READ: Final = N_("I cannot read this message: mention me in it, or use /ask.")
_REFUSALS: Final = {4004: _TOKEN, 4013: _CONTENT, 4014: _CONTENT}
"""Codes the gateway is closed with for good, and the setting each is about."""
SHARDING_REQUIRED: Final = 4011
IDENTIFY_EVERY: Final = 5.1
"""Seconds between two sessions begun."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Listening:
    """How the gateway listens."""

    token: str
    message_content: bool = False
    """Whether the bot may read what is not written to it; has to be switched on in the developer portal too."""
    own_guilds: Collection[int] = ()
    """The operator's own: commands are there at once."""
    life: float = LIFE
    """Seconds for which a message is handed in again and again while the database is away."""


class DiscordGateway:
    """`bot.channels.port.Gateway` of Discord. As many of them may run as you like: each update is taken in once."""

    def __init__(
        self, listening: Listening, mind: Mind, inbox: Inbox, database: Database, platform: DiscordPlatform
    ) -> None:
        self._listening = listening
        self._platform = platform
        self._commands = slash_commands(inbox.commands)
        self._intake = Intake(inbox, database, platform, life=listening.life)
        self._interactions = Interactions(self._intake, platform, mind)
        self._events: set[asyncio.Task[None]] = set()
        self._identifying = asyncio.Lock()
        self._identify_at = 0.0
        self._heard: dict[int, float] = {}

    async def run(self) -> None:
        """Receive and hand in until cancelled.

        Raises:
            PlatformRefused: the token or the intents are not accepted.
        """
        # At DEBUG the library writes down whole messages.
        logging.getLogger("discord").setLevel(max(logging.INFO, logging.getLogger().level))
        while True:
            shards = await self._shards()
            self._heard.clear()
            running = [asyncio.create_task(self._keep(shard, shards), name=f"shard-{shard}") for shard in range(shards)]
            try:
                ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
                await self._take_in_the_last()
            for task in ended:
                task.result()

    def client(self, shard: int = 0, shards: int = 1) -> discord.Client:
        """The connection of a shard, not open yet."""
        return ShardClient(self, shard, shards, message_content=self._listening.message_content)

    async def may_identify(self) -> None:
        """Wait until one more session may be begun: Discord takes one in five seconds."""
        async with self._identifying:
            await asyncio.sleep(max(0.0, self._identify_at - time.monotonic()))
            self._identify_at = time.monotonic() + IDENTIFY_EVERY

    async def _shards(self) -> int:
        """How many connections Discord wants."""
        while True:
            try:
                await self._platform.rest.open()
                told = await self._platform.rest.request("GET", "/gateway/bot", {})
                return int(told["shards"])
            except DeliveryError as error:
                log.warning("discord.unreachable", reason=str(error))
            await asyncio.sleep(AGAIN_AFTER)

    async def _keep(self, shard: int, shards: int) -> None:
        """Keep one shard connected; returns when there have to be more of them."""
        while True:
            try:
                async with self.client(shard, shards) as client:
                    await client.start(self._listening.token)
            except discord.LoginFailure as error:
                raise PlatformRefused(NAME, str(error), _TOKEN) from error
            except discord.PrivilegedIntentsRequired as error:
                raise PlatformRefused(NAME, "message content is not switched on in the portal", _CONTENT) from error
            except discord.ConnectionClosed as error:
                if error.code == SHARDING_REQUIRED:
                    return
                if (setting := _REFUSALS.get(error.code)) is not None:
                    raise PlatformRefused(NAME, f"closed with {error.code}", setting) from error
                log.warning("discord.closed", shard=shard, code=error.code)
            except Exception as error:
                # The library itself stumbles when the very first connection fails.
                log.warning("discord.unreachable", shard=shard, reason=str(error), exc_info=error)
            await asyncio.sleep(AGAIN_AFTER)

    @property
    def last_heard(self) -> float | None:
        """When the shard that has been silent longest was last heard of, on the monotonic clock; an answer to a
        heartbeat counts. None when there is none yet."""
        return min(self._heard.values(), default=None)

    async def heard(self) -> str | None:
        """What keeps it from hearing; None when nothing does."""
        if self.last_heard is None:
            return "Discord has not answered yet"
        silence = time.monotonic() - self.last_heard
        return f"Discord is silent for {silence:.0f} s" if silence > DEAF else None

    def hear(self, shard: int) -> None:
        """Something has come from Discord."""
        self._heard[shard] = time.monotonic()

    async def bring_up_commands(self, application: int) -> None:
        """Have Discord know the commands: everywhere, and at once in the operator's own guilds."""
        everywhere = "/applications/{application_id}/commands"
        in_guild = "/applications/{application_id}/guilds/{guild_id}/commands"
        for guild in (None, *self._listening.own_guilds):
            at = {"application_id": str(application)} | ({} if guild is None else {"guild_id": str(guild)})
            try:
                await self._platform.rest.request(
                    "PUT", everywhere if guild is None else in_guild, at, json=self._commands
                )
            except DeliveryError as error:
                log.warning("discord.commands_not_brought_up", guild=guild, reason=str(error))
            else:
                log.info("discord.commands_brought_up", guild=guild, commands=len(self._commands))

    async def take_message(self, bot: discord.ClientUser, message: discord.Message) -> None:
        """Take in what somebody wrote, if it is for the bot."""
        if not is_for(bot, message):
            return
        if is_unreadable(bot, message):
            await self._say_unreadable(message)
            return
        await self._in_peace(self._intake.take(of_message(bot, message)))

    async def take_change(self, bot: discord.ClientUser, message: discord.Message) -> None:
        """Ask a question again that was changed. Of a message that is pinned, or whose links are shown, Discord tells
        in the same way."""
        changed = message.edited_at
        if changed is None or (changed - message.created_at).total_seconds() > CHANGEABLE:
            return
        if is_for(bot, message) and not is_unreadable(bot, message):
            changes = self._intake.take(of_message(bot, message), lambda address: is_newer(message, address))
            await self._in_peace(changes)

    async def take_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """See to a command, button, menu or form."""
        await self._in_peace(self._interactions.handle(interaction))

    async def _in_peace(self, work: Any) -> None:
        """Work that is let come to its end when the gateway ends."""
        task = asyncio.current_task()
        assert task is not None
        self._events.add(task)
        try:
            await work
        except DeliveryError as error:
            log.warning("discord.event_failed", reason=str(error))
        finally:
            self._events.discard(task)

    async def _say_unreadable(self, message: discord.Message) -> None:
        locale = message.guild.preferred_locale.value if message.guild else ""
        text = Translator("ru" if locale == "ru" else "en")(_CANNOT_READ)
        json = {"content": text, "message_reference": {"message_id": str(message.id), "fail_if_not_exists": False}}
        nonce = {"nonce": str(message.id), "enforce_nonce": True, "allowed_mentions": {"parse": []}}
        path = "/channels/{channel_id}/messages"
        await self._in_peace(
            self._platform.rest.request("POST", path, {"channel_id": str(message.channel.id)}, json={**json, **nonce})
        )

    async def _take_in_the_last(self) -> None:
        if self._events:
            await asyncio.wait(self._events, timeout=LAST_EVENTS)
