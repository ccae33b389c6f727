"""The gateway: who connects, who may stay, and what each is told."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from tests.fakes.discord import sessions
from tests.fakes.discord.sessions import Link, Session

if TYPE_CHECKING:
    from tests.fakes.discord.messages import Message
    from tests.fakes.discord.server import DiscordFake
    from tests.fakes.discord.state import Channel, Guild

RESUMABLE_FOR = 180.0
PAYLOAD_LIMIT = 4096
COMMANDS_A_MINUTE = 120


class Gateway:
    """Keeps sessions, and closes those who break the rules."""

    def __init__(self, fake: DiscordFake) -> None:
        self._fake = fake
        self.sessions: dict[str, Session] = {}
        self.links: list[Link] = []
        self.heartbeat_interval = 41.25
        """Seconds between heartbeats; who misses one by half of it again is disconnected."""
        self.identify_every = 5.0
        """Seconds between two IDENTIFYs of one shard; sooner ones get an invalid session, while limits are on."""
        self.answers_heartbeats = True
        self.refusing = 0
        """How many connections are refused next, with 503."""
        self._identified: dict[int, float] = {}

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serves one socket until it is gone."""
        if self.refusing > 0:
            self.refusing -= 1
            return web.Response(status=503)
        socket = web.WebSocketResponse(timeout=0.5, max_msg_size=1 << 20)
        await socket.prepare(request)
        if request.query.get("v") not in ("9", "10") or request.query.get("encoding") != "json":
            await socket.close(code=4012)
            return socket
        link = Link(request, socket, zlib_stream=request.query.get("compress") == "zlib-stream")
        self.links.append(link)
        link.send(sessions.HELLO, {"heartbeat_interval": int(self.heartbeat_interval * 1000), "_trace": []})
        helpers = [asyncio.create_task(link.write_out()), asyncio.create_task(self._watch(link))]
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT or len(message.data) > PAYLOAD_LIMIT:
                    await link.close(4002)
                    break
                await self._handle(link, message.data)
        finally:
            for helper in helpers:
                helper.cancel()
            self.links.remove(link)
            self._leave(link)
        return socket

    def _leave(self, link: Link) -> None:
        session = link.session
        if session is None or session.link is not link:
            return
        session.link, session.left_at = None, asyncio.get_running_loop().time()
        code = link.socket.close_code
        self._fake.journal.add("gateway", event="closed", session=session.id, code=code)
        if code in (1000, 1001) and not link.closed_by_us:
            self.sessions.pop(session.id, None)

    async def _watch(self, link: Link) -> None:
        loop = asyncio.get_running_loop()
        while (left := link.beat_at + self.heartbeat_interval * 1.5 - loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)
        self._fake.journal.add("gateway", event="no heartbeat", session=link.session and link.session.id)
        await link.close(4000)

    async def _handle(self, link: Link, text: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            payload = json.loads(text)
            op, data = payload["op"], payload.get("d")
        except (ValueError, KeyError, TypeError):
            return await link.close(4002)
        self._fake.journal.add("gateway", event="received", op=op, data=data)
        link.received.append(loop.time())
        while link.received[0] < loop.time() - 60:
            link.received.popleft()
        if self._fake.limits.enabled and len(link.received) > COMMANDS_A_MINUTE:
            return await link.close(4008)
        if op == sessions.HEARTBEAT:
            link.beat_at = loop.time()
            if self.answers_heartbeats:
                link.send(sessions.ACK)
        elif op in (sessions.IDENTIFY, sessions.RESUME):
            if link.session is not None:
                return await link.close(4005)
            await (self._identify if op == sessions.IDENTIFY else self._resume)(link, data)
        elif op not in (sessions.PRESENCE, sessions.VOICE, sessions.REQUEST_MEMBERS):
            await link.close(4001)
        elif link.session is None:
            await link.close(4003)
        elif op == sessions.REQUEST_MEMBERS:
            await self._send_members(link, link.session, data)
        return None

    async def _identify(self, link: Link, data: dict[str, Any]) -> None:
        fake, loop = self._fake, asyncio.get_running_loop()
        intents, shard = data.get("intents"), data.get("shard", [0, 1])
        if data.get("token") != fake.token:
            return await link.close(4004)
        if not isinstance(intents, int) or intents & ~sessions.KNOWN_INTENTS:
            return await link.close(4013)
        if any(bit & intents and name not in fake.portal_intents for name, bit in sessions.PRIVILEGED.items()):
            return await link.close(4014)
        if len(shard) != 2 or not 0 <= shard[0] < shard[1]:
            return await link.close(4010)
        slot = shard[0] % fake.max_concurrency
        if fake.limits.enabled and loop.time() - self._identified.get(slot, -1e9) < self.identify_every:
            return link.send(sessions.INVALID_SESSION, False)
        self._identified[slot] = loop.time()
        session = Session((shard[0], shard[1]), intents)
        self.sessions[session.id] = session
        self._attach(link, session)
        guilds = [g for g in fake.world.guilds.values() if fake.world.bot.id in g.members]
        mine = [g for g in guilds if (g.id >> 22) % shard[1] == shard[0]]
        session.dispatch("READY", {
            "v": 10, "user": fake.world.bot.json(), "session_id": session.id, "resume_gateway_url": fake.gateway_url,
            "guilds": [{"id": str(g.id), "unavailable": True} for g in mine], "shard": shard,
            "application": {"id": str(fake.application_id), "flags": fake.application_flags},
        })  # fmt: skip
        for guild in mine:
            if session.wants("GUILD_CREATE", guild.id):
                session.dispatch("GUILD_CREATE", fake.world.guild_json(guild))
        fake.journal.add("gateway", event="identified", session=session.id, shard=shard, intents=intents)
        return None

    async def _resume(self, link: Link, data: dict[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        if data.get("token") != self._fake.token:
            return await link.close(4004)
        session, sequence = self.sessions.get(data.get("session_id") or ""), data.get("seq")
        if session is None or (session.left_at is not None and loop.time() - session.left_at > RESUMABLE_FOR):
            return link.send(sessions.INVALID_SESSION, False)
        if not isinstance(sequence, int) or sequence > session.sequence:
            return await link.close(4007)
        missed = session.missed_since(sequence)
        if missed is None:
            return link.send(sessions.INVALID_SESSION, False)
        if session.link is not None:
            session.link.cut()
        self._attach(link, session)
        for text in missed:
            link.put(text)
        session.dispatch("RESUMED", {})
        self._fake.journal.add("gateway", event="resumed", session=session.id, replayed=len(missed))
        return None

    def _attach(self, link: Link, session: Session) -> None:
        link.session, session.link, session.left_at = session, link, None

    async def _send_members(self, link: Link, session: Session, data: dict[str, Any]) -> None:
        guild = self._fake.world.guilds.get(int(data.get("guild_id") or 0))
        everyone = data.get("query") == "" and not data.get("limit")
        if everyone and not session.intents & sessions.MEMBERS:
            return await link.close(4014)
        if guild is None:
            return None
        wanted = {int(u) for u in data.get("user_ids") or []}
        members = [
            m for m in guild.members.values()
            if m.user.id in wanted or ("query" in data and m.user.name.startswith(data["query"]))
        ]  # fmt: skip
        session.dispatch("GUILD_MEMBERS_CHUNK", {
            "guild_id": str(guild.id), "members": [m.json() for m in members], "chunk_index": 0, "chunk_count": 1,
            "not_found": [str(u) for u in wanted - guild.members.keys()], "nonce": data.get("nonce"),
        })  # fmt: skip
        return None

    def tell(
        self, event: str, data: dict[str, Any], guild: Guild | None = None, channel: Channel | None = None
    ) -> None:
        """Sends an event to each session it is for, if it is of a guild the bot is in and of a channel it sees."""
        world, guild_id = self._fake.world, guild.id if guild else None
        if (guild and event != "GUILD_DELETE" and world.bot.id not in guild.members) or (
            channel and not world.sees(world.bot.id, channel)
        ):
            return
        self._fake.journal.add("event", event=event, data=data)
        for session in self.sessions.values():
            if session.wants(event, guild_id):
                session.dispatch(event, data)

    def tell_of_message(self, event: str, message: Message) -> None:
        """Sends a message's event where the bot sees its channel; an ephemeral one comes as if it were direct."""
        world, channel = self._fake.world, message.channel
        hidden = not world.sees(world.bot.id, channel) and message.author != world.bot.id
        if hidden or (event == "MESSAGE_DELETE" and message.seen_only_by is not None):
            return
        guild = channel.guild if message.seen_only_by is None else None
        place = {"guild_id": str(guild.id)} if guild else {}
        for session in self.sessions.values():
            if not session.wants(event, guild.id if guild else None):
                continue
            if event == "MESSAGE_DELETE":
                data: dict[str, Any] = {"id": str(message.id), "channel_id": str(channel.id), **place}
            else:
                readable = bool(session.intents & sessions.CONTENT)
                data = {**self._fake.messages.json(message, with_content=readable), **place}
                if guild and message.author in guild.members:
                    data["member"] = guild.members[message.author].json(with_user=False)
            session.dispatch(event, data)
