"""Fetches what was written while no gateway was connected, or was received and not stored: Discord sends nothing twice.

The session of a gateway that is killed ends with it, and its successor's session begins with what is written from then
on. So the gateway keeps a mark in the database: the newest message of a shard up to which everything is stored. A new
session begins by reading the histories of the channels from that mark; what is written meanwhile in a channel waits
until the channel is done, so that the order stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import discord
import structlog

from bot.channels.discord.errors import to_delivery_error
from bot.channels.discord.platform import PLATFORM
from bot.core.errors import PermanentDeliveryError
from consilium.retry import BackoffConfig, retry
from db.errors import DatabaseError
from db.infra.database import Database
from db.turns import intake_marks

SAVE_INTERVAL: Final = 1.0
"""Seconds between two writes of the mark."""
MAX_DIRECT: Final = 500
"""Direct conversations that are looked into, the last used first: Discord does not list them."""
MAX_MESSAGES: Final = 500
"""Messages of one channel that are read again."""
CONCURRENCY: Final = 5
"""Channels that are read at the same time."""
MAX_AGE: Final = timedelta(hours=24)
"""Of messages that are read again; Telegram keeps its updates as long."""
GIVE_UP_AFTER: Final = 300.0
"""Seconds for which reading one channel is tried again."""
_BACKOFF: Final = BackoffConfig(0.5, maximum=15.0, jitter=0.3)

HandleMessage = Callable[[discord.Message], Awaitable[None]]
Channel = discord.abc.Messageable

log = structlog.get_logger(__name__)


class CatchUp:
    """One shard's mark, and the messages behind it."""

    def __init__(self, database: Database, mind: str, part: str) -> None:
        """
        Args:
            part: the shard and how many there are, as in `0/1`.
        """
        self._database = database
        self._mind = mind
        self._part = part
        self._in_progress: dict[int, int] = {}
        """How many handlers a message has that is not taken in yet, by its id."""
        self._newest = 0
        self._saved = 0
        self._session = 0
        """How many sessions there have been."""
        self._is_complete = False
        """Whether everything up to the newest message has been received."""
        self._listed = asyncio.Event()
        """Set once it is known which channels have to be read."""
        self._listed.set()
        self._unread: dict[int, asyncio.Event] = {}
        """Channels that have to be read before what is written there now, each with the event of its end."""

    async def begin_session(self) -> None:
        """A new session is about to begin: what is written in it waits until it is known what was missed.

        Nothing waits before anything was ever taken in: nothing can have been missed then.
        """
        self._session += 1
        self._is_complete = False
        try:
            may_have_missed = await self._read_mark() is not None
        except DatabaseError:
            may_have_missed = True  # `run` asks again
        if may_have_missed:
            self._listed.clear()

    async def _read_mark(self) -> int | None:
        async with self._database.anonymous_transaction() as connection:
            return await intake_marks.read(connection, PLATFORM, self._part)

    def give_up(self) -> None:
        """It cannot be known what was missed: what is written now waits no longer."""
        self._listed.set()

    @asynccontextmanager
    async def receiving(self, message_id: int, channel_id: int) -> AsyncIterator[None]:
        """Take in a message that has just arrived, after those that were missed in its channel."""
        async with self._taking_in(message_id):
            await self._listed.wait()
            if (read := self._unread.get(channel_id)) is not None:
                await read.wait()
            yield

    @asynccontextmanager
    async def _taking_in(self, message_id: int) -> AsyncIterator[None]:
        self._newest = max(self._newest, message_id)
        self._in_progress[message_id] = self._in_progress.get(message_id, 0) + 1
        yield
        # Not reached when it was broken off: then the mark stays before the message, and the next session reads it.
        self._in_progress[message_id] -= 1
        if not self._in_progress[message_id]:
            del self._in_progress[message_id]

    async def run(self, client: discord.Client, handle: HandleMessage) -> None:
        """Read what was missed before this session, each message through `handle`; the shard is connected.

        Raises:
            DatabaseError: it is not known what was missed.
        """
        session = self._session
        mark = await self._read_mark()
        async with self._database.anonymous_transaction() as connection:
            direct = await intake_marks.direct_places(connection, PLATFORM, self._mind, MAX_DIRECT)
        if mark is not None:
            mark = max(mark, discord.utils.time_snowflake(discord.utils.utcnow() - MAX_AGE))
            channels = _channels_behind(client, mark, direct)
            self._unread = {channel_id: asyncio.Event() for channel_id, _ in channels}
            self._listed.set()
            await self._read_channels(channels, self._unread, mark, handle)
        self._listed.set()
        self._is_complete = self._is_complete or session == self._session

    async def _read_channels(
        self, channels: list[tuple[int, Channel]], unread: dict[int, asyncio.Event], mark: int, handle: HandleMessage
    ) -> None:
        slots, found = asyncio.Semaphore(CONCURRENCY), 0

        async def read(channel_id: int, channel: Channel) -> None:
            nonlocal found
            try:
                async with slots:
                    found += await self._read(channel_id, channel, mark, handle)
            finally:
                unread.pop(channel_id).set()

        await asyncio.gather(*(read(channel_id, channel) for channel_id, channel in channels))
        if found:
            log.info("discord.messages_caught_up", part=self._part, channels=len(channels), messages=found)

    async def _read(self, channel_id: int, channel: Channel, mark: int, handle: HandleMessage) -> int:
        """Handle what a channel has behind the mark, in order; how many messages that were."""

        async def fetch() -> list[discord.Message]:
            try:
                return [message async for message in channel.history(after=discord.Object(mark), limit=MAX_MESSAGES)]
            except Exception as error:
                raise (to_delivery_error(error) or error) from error

        def before_sleep(error: Exception, _delay: float) -> None:
            if isinstance(error, PermanentDeliveryError):
                raise error

        try:
            messages = await retry(
                fetch, on=Exception, backoff=_BACKOFF, give_up_after=GIVE_UP_AFTER, before_sleep=before_sleep
            )
        except PermanentDeliveryError:
            return 0  # the channel is gone, or hidden from the bot
        except Exception as error:
            log.warning("discord.catch_up_failed", part=self._part, channel=str(channel_id), reason=error)
            return 0
        for message in messages:
            async with self._taking_in(message.id):
                await handle(message)
        return len(messages)

    async def save(self) -> None:
        """Write the mark, if it has moved.

        Raises:
            DatabaseError: it was not written; the next time it is.
        """
        mark = min(self._in_progress, default=self._newest + 1) - 1
        if not self._is_complete or mark <= self._saved:
            return
        async with self._database.anonymous_transaction() as connection:
            await intake_marks.advance(connection, PLATFORM, self._part, mark)
        self._saved = mark


def _channels_behind(client: discord.Client, mark: int, direct: list[str]) -> list[tuple[int, Channel]]:
    """The channels in which something was written after the mark, and the direct conversations that may be so."""
    found: list[tuple[int, Channel]] = [
        (int(place), client.get_partial_messageable(int(place), type=discord.ChannelType.private)) for place in direct
    ]
    for guild in client.guilds:
        channels: list[discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread]
        channels = [*guild.text_channels, *guild.voice_channels, *guild.stage_channels, *guild.threads]
        for channel in channels:
            may_read = channel.permissions_for(guild.me).read_message_history
            if may_read and (channel.last_message_id or 0) > mark:
                found.append((channel.id, channel))
    return found
