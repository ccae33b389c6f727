"""Gateway sessions, which outlive the sockets they are reached through."""

from __future__ import annotations

import asyncio
import json
import secrets
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME = 0, 1, 2, 3, 4, 6
RECONNECT, REQUEST_MEMBERS, INVALID_SESSION, HELLO, ACK = 7, 8, 9, 10, 11
GUILDS, MEMBERS, PRESENCES, CONTENT = 1 << 0, 1 << 1, 1 << 8, 1 << 15
PRIVILEGED = {"members": MEMBERS, "presences": PRESENCES, "message_content": CONTENT}
KNOWN_INTENTS = (1 << 17) - 1 | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25
NEEDED = {
    "GUILD_CREATE": (GUILDS, 0), "GUILD_DELETE": (GUILDS, 0), "GUILD_ROLE_CREATE": (GUILDS, 0),
    "GUILD_ROLE_UPDATE": (GUILDS, 0), "CHANNEL_CREATE": (GUILDS, 0), "CHANNEL_UPDATE": (GUILDS, 0),
    "CHANNEL_DELETE": (GUILDS, 0), "THREAD_CREATE": (GUILDS, 0), "THREAD_UPDATE": (GUILDS, 0),
    "THREAD_DELETE": (GUILDS, 0), "GUILD_MEMBER_ADD": (MEMBERS, 0), "GUILD_MEMBER_REMOVE": (MEMBERS, 0),
    "GUILD_MEMBER_UPDATE": (MEMBERS, 0), "MESSAGE_CREATE": (1 << 9, 1 << 12), "MESSAGE_UPDATE": (1 << 9, 1 << 12),
    "MESSAGE_DELETE": (1 << 9, 1 << 12), "MESSAGE_REACTION_ADD": (1 << 10, 1 << 13),
    "MESSAGE_REACTION_REMOVE": (1 << 10, 1 << 13), "TYPING_START": (1 << 11, 1 << 14),
}  # fmt: skip
"""The intent each event needs, in a guild and in a direct conversation. Others need none."""


class Link:
    """One open socket."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse, *, zlib_stream: bool) -> None:
        self.request = request
        self.socket = socket
        self.session: Session | None = None
        self.closed_by_us = False
        self.beat_at = asyncio.get_running_loop().time()
        self.received: deque[float] = deque()
        """When it was sent something, within the last minute."""
        self._deflate = zlib.compressobj() if zlib_stream else None
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()

    def send(self, op: int, data: Any = None) -> None:
        """Queues something that is no event."""
        self.put(json.dumps({"op": op, "d": data, "s": None, "t": None}))

    def put(self, text: str) -> None:
        """Queues a payload."""
        self._outgoing.put_nowait(text)

    async def write_out(self) -> None:
        """Sends what is queued, in order, for as long as the socket is open."""
        while True:
            text = await self._outgoing.get()
            try:
                if self._deflate is None:
                    await self.socket.send_str(text)
                else:
                    packed = self._deflate.compress(text.encode())
                    await self.socket.send_bytes(packed + self._deflate.flush(zlib.Z_SYNC_FLUSH))
            except ConnectionError:
                return

    async def close(self, code: int) -> None:
        """Closes it with a reason."""
        self.closed_by_us = True
        await self.socket.close(code=code)

    def cut(self) -> None:
        """Cuts the connection without a word."""
        self.closed_by_us = True
        if self.request.transport is not None:
            self.request.transport.abort()


@dataclass
class Session:
    """What a client may resume: its events, numbered."""

    shard: tuple[int, int]
    intents: int
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    recent: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=1000))
    link: Link | None = None
    left_at: float | None = None

    def dispatch(self, event: str, data: Any) -> None:
        """Sends an event, or keeps it until the client is back."""
        self.sequence += 1
        text = json.dumps({"op": DISPATCH, "t": event, "s": self.sequence, "d": data})
        self.recent.append((self.sequence, text))
        if self.link is not None:
            self.link.put(text)

    def missed_since(self, sequence: int) -> list[str] | None:
        """The events after this one, or None where they are not all kept."""
        missed = [text for number, text in self.recent if number > sequence]
        return missed if len(missed) == self.sequence - sequence else None

    def wants(self, event: str, guild_id: int | None) -> bool:
        """Whether an event is for this shard and was asked for."""
        index, count = self.shard
        if (0 if guild_id is None else (guild_id >> 22) % count) != index:
            return False
        of_guild, direct = NEEDED.get(event, (0, 0))
        needed = of_guild if guild_id is not None else direct
        return not needed or bool(self.intents & needed)
