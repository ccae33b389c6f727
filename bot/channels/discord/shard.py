"""The gateway connection of one shard."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import discord
import structlog

log = structlog.get_logger(__name__)


class ShardEventHandler(Protocol):
    """Handles the events of a shard, and is asked before it starts a session."""

    async def wait_to_identify(self, shard_id: int) -> None:
        """Wait until another session may be started; the one before has ended."""
        ...

    async def register_commands(self, application_id: int) -> None:
        """Register the commands at Discord."""
        ...

    def record_activity(self, shard_id: int) -> None:
        """Note that a shard has received something."""
        ...

    async def catch_up(self, shard_id: int, client: discord.Client) -> None:
        """Handle what was written before the session that has just begun."""
        ...

    async def handle_message(self, bot: discord.ClientUser, shard_id: int, message: discord.Message) -> None:
        """Handle a new message."""
        ...

    async def handle_edit(self, bot: discord.ClientUser, message: discord.Message) -> None:
        """Handle a message that has changed."""
        ...

    async def handle_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Handle a command, button, menu or form."""
        ...


class ShardClient(discord.Client):
    """One shard. Passes events to its handler and caches nothing.

    Not the library's `AutoShardedClient`: that one gives up a session when a single attempt to resume it fails, and
    with it everything that was written in the meantime.
    """

    def __init__(
        self, event_handler: ShardEventHandler, shard_id: int, shard_count: int, *, message_content: bool
    ) -> None:
        super().__init__(
            intents=_intents(message_content=message_content),
            shard_id=shard_id,
            shard_count=shard_count,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            enable_debug_events=True,  # for on_socket_raw_receive, which sees answers to heartbeats
        )
        self._shard_id = shard_id
        self._event_handler = event_handler
        self._commands_task: asyncio.Task[None] | None = None

    async def setup_hook(self) -> None:
        assert self.application_id is not None
        if self._shard_id != 0:
            return
        self._commands_task = asyncio.create_task(
            self._event_handler.register_commands(self.application_id), name="commands"
        )

    async def close(self) -> None:
        # The library leaves the task that announces a session: it would announce the one that ends here.
        tasks = [task for task in (self._commands_task, self._connection._ready_task) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await super().close()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        await self._event_handler.wait_to_identify(self._shard_id)

    async def on_ready(self) -> None:
        await self._event_handler.catch_up(self._shard_id, self)

    async def on_socket_raw_receive(self, _: str) -> None:
        self._event_handler.record_activity(self._shard_id)

    async def on_message(self, message: discord.Message) -> None:
        assert self.user is not None
        await self._event_handler.handle_message(self.user, self._shard_id, message)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        assert self.user is not None
        await self._event_handler.handle_edit(self.user, event.message)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        await self._event_handler.handle_interaction(interaction)

    async def on_error(self, event_method: str, /, *_: Any, **__: Any) -> None:
        log.exception("discord.event_failed", during=event_method)


def _intents(*, message_content: bool) -> discord.Intents:
    intents = discord.Intents.none()
    intents.guilds = intents.guild_messages = intents.dm_messages = True
    intents.message_content = message_content
    return intents
