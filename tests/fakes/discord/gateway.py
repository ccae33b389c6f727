"""The gateway: who may connect, sessions that outlive their sockets, and which events each receives."""

from __future__ import annotations

import asyncio
import json
import secrets
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from tests.fakes.discord.world import Guild

if TYPE_CHECKING:
    from tests.fakes.discord.messages import Message
    from tests.fakes.discord.server import DiscordFake

DISPATCH, HEARTBEAT, IDENTIFY, RESUME = 0, 1, 2, 6
INVALID_SESSION, HELLO, HEARTBEAT_ACK = 9, 10, 11
UNKNOWN_OPCODE, AUTHENTICATION_FAILED, INVALID_SEQUENCE, DISALLOWED_INTENTS = 4001, 4004, 4007, 4014
GUILDS, MEMBERS, PRESENCES, MESSAGE_CONTENT = 1 << 0, 1 << 1, 1 << 8, 1 << 15
GUILD_MESSAGES, DIRECT_MESSAGES = 1 << 9, 1 << 12
PRIVILEGED_INTENTS = {"members": MEMBERS, "presences": PRESENCES, "message_content": MESSAGE_CONTENT}
HEARTBEAT_INTERVAL = 41.25
RESUMABLE = 180.0
"""Seconds for which a session without a connection is kept; Discord says nothing of how long."""


class Connection:
    """One open socket."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse, *, zlib_stream: bool) -> None:
        self.request = request
        self.socket = socket
        self.session: Session | None = None
        self.closed_by_fake = False
        self._deflate = zlib.compressobj() if zlib_stream else None
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()

    def send(self, op: int, data: Any = None) -> None:
        """Queue a payload that is no event."""
        self.put(json.dumps({"op": op, "d": data, "s": None, "t": None}))

    def put(self, text: str) -> None:
        """Queue a payload."""
        self._outgoing.put_nowait(text)

    async def write_queued(self) -> None:
        """Send what is queued, in order, for as long as the socket is open."""
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
        """Close the socket with a code."""
        self.closed_by_fake = True
        await self.socket.close(code=code)

    def abort(self) -> None:
        """Cut the connection without closing it properly."""
        self.closed_by_fake = True
        if self.request.transport is not None:
            self.request.transport.abort()


@dataclass(kw_only=True)
class Session:
    """What a client may resume: its events, numbered."""

    shard: tuple[int, int]
    """Its number, and how many shards there are."""
    intents: int
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    events: list[str] = field(default_factory=list)
    """All of them; the first has the sequence number 1."""
    connection: Connection | None = None
    left_at: float | None = None
    """When its connection was lost."""

    def dispatch(self, event: str, data: Any) -> None:
        """Send an event, or keep it until the client is back."""
        text = json.dumps({"op": DISPATCH, "t": event, "s": len(self.events) + 1, "d": data})
        self.events.append(text)
        if self.connection is not None:
            self.connection.put(text)

    def covers(self, guild: Guild | None) -> bool:
        """Whether events of a guild go to this shard; the first shard has the direct conversations."""
        number, count = self.shard
        return (0 if guild is None else (guild.id >> 22) % count) == number


class Gateway:
    """Keeps the sessions."""

    def __init__(self, fake: DiscordFake) -> None:
        self._fake = fake
        self.sessions: dict[str, Session] = {}
        self.connections: list[Connection] = []
        self.identify_interval = 5.0
        """Seconds between two new sessions; an earlier one is refused as invalid. A test may change it."""
        self.refused_connections = 0
        """How many of the next connections are refused with 503."""
        self._last_identify = float("-inf")

    def connected_shards(self) -> list[int]:
        """The shards with a session on an open socket."""
        return sorted(c.session.shard[0] for c in self.connections if c.session is not None)

    def drop_connections(self) -> None:
        """Cut all connections."""
        for connection in self.connections:
            connection.abort()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket until it is gone."""
        if self.refused_connections > 0:
            self.refused_connections -= 1
            return web.Response(status=503)
        socket = web.WebSocketResponse(timeout=0.5)
        await socket.prepare(request)
        connection = Connection(request, socket, zlib_stream=request.query.get("compress") == "zlib-stream")
        self.connections.append(connection)
        connection.send(HELLO, {"heartbeat_interval": int(HEARTBEAT_INTERVAL * 1000), "_trace": []})
        writer = asyncio.create_task(connection.write_queued())
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._receive(connection, json.loads(message.data))
        finally:
            writer.cancel()
            self.connections.remove(connection)
            self._detach(connection)
        return socket

    def _detach(self, connection: Connection) -> None:
        session = connection.session
        if session is None or session.connection is not connection:
            return
        session.connection, session.left_at = None, self._fake.clock.now()
        code = connection.socket.close_code
        if code in (1000, 1001) and not connection.closed_by_fake:
            del self.sessions[session.id]
        self._fake.journal.add("gateway", event="closed", session=session.id, code=code)

    async def _receive(self, connection: Connection, payload: dict[str, Any]) -> None:
        op, data = payload["op"], payload["d"]
        if op == HEARTBEAT:
            connection.send(HEARTBEAT_ACK)
        elif op not in (IDENTIFY, RESUME):
            await connection.close(UNKNOWN_OPCODE)
        elif data["token"] != self._fake.token:
            await connection.close(AUTHENTICATION_FAILED)
        elif op == IDENTIFY:
            await self._identify(connection, data)
        else:
            await self._resume(connection, data)

    async def _identify(self, connection: Connection, data: dict[str, Any]) -> None:
        fake, now = self._fake, asyncio.get_running_loop().time()
        intents, (shard, shards) = data["intents"], data.get("shard", [0, 1])
        if any(bit & intents and name not in fake.portal_intents for name, bit in PRIVILEGED_INTENTS.items()):
            return await connection.close(DISALLOWED_INTENTS)
        if now - self._last_identify < self.identify_interval:
            return connection.send(INVALID_SESSION, False)
        self._last_identify = now
        self._forget_sessions()
        session = Session(shard=(shard, shards), intents=intents)
        self.sessions[session.id] = session
        self._attach(connection, session)
        guilds = [guild for guild in fake.world.guilds.values() if session.covers(guild)]
        session.dispatch("READY", {
            "v": 10, "user": fake.world.bot.json(), "session_id": session.id, "resume_gateway_url": fake.gateway_url,
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds], "shard": [shard, shards],
            "application": {"id": str(fake.application_id), "flags": fake.application_flags},
        })  # fmt: skip
        for guild in guilds:
            if intents & GUILDS:
                session.dispatch("GUILD_CREATE", fake.world.guild_json(guild))
        fake.journal.add("gateway", event="identified", session=session.id, shard=shard)
        return None

    async def _resume(self, connection: Connection, data: dict[str, Any]) -> None:
        self._forget_sessions()
        session, sequence = self.sessions.get(data["session_id"]), data["seq"]
        if session is None:
            return connection.send(INVALID_SESSION, False)
        if sequence > len(session.events):
            return await connection.close(INVALID_SEQUENCE)
        if session.connection is not None:
            session.connection.abort()
        self._attach(connection, session)
        for text in session.events[sequence:]:
            connection.put(text)
        session.dispatch("RESUMED", {})
        self._fake.journal.add("gateway", event="resumed", session=session.id)
        return None

    def _forget_sessions(self) -> None:
        """Forget the sessions that have been without a connection for too long."""
        since = self._fake.clock.now() - RESUMABLE
        self.sessions = {key: s for key, s in self.sessions.items() if s.left_at is None or s.left_at >= since}

    def _attach(self, connection: Connection, session: Session) -> None:
        connection.session, session.connection, session.left_at = session, connection, None

    def send_event(self, event: str, data: dict[str, Any], guild: Guild | None) -> None:
        """Send an event that needs no intent to each session it is for."""
        for session in self.sessions.values():
            if session.covers(guild):
                session.dispatch(event, data)

    def send_message_event(self, event: str, message: Message) -> None:
        """Send a message where the bot sees its channel. An ephemeral one comes as if it were direct."""
        world = self._fake.world
        if not world.may(world.bot.id, message.channel) and message.author != world.bot.id:
            return
        guild = message.channel.guild if message.visible_to is None else None
        needed_intent = GUILD_MESSAGES if guild else DIRECT_MESSAGES
        for session in self.sessions.values():
            if session.covers(guild) and session.intents & needed_intent:
                readable = bool(session.intents & MESSAGE_CONTENT)
                data = self._fake.messages.json(message, with_content=readable)
                if guild:
                    data |= {"guild_id": str(guild.id)}
                    data |= {"member": guild.members[message.author].json(with_user=False)}
                session.dispatch(event, data)
