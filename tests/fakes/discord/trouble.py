"""Trouble and time, by hand: faults, lost sockets, limits, the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.discord import sessions
from tests.fakes.discord.faults import Fault
from tests.fakes.discord.sessions import Link

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake


class Trouble:
    """What a test does to the bot."""

    _fake: DiscordFake

    def fault(self, route: str, kind: str, **what: Any) -> None:
        """Sets a fault up; see `Fault` for the kinds."""
        self._fake.faults.add(Fault(route, kind, **what))

    def clear_faults(self, *, seed: int = 0) -> None:
        """No trouble any more, and chance from the start."""
        self._fake.faults.waiting.clear()
        self._fake.faults.seed(seed)

    def _links(self, shard: int | None) -> list[Link]:
        every = self._fake.gateway.links
        return [x for x in every if shard is None or (x.session is not None and x.session.shard[0] == shard)]

    async def drop(self, *, shard: int | None = None, code: int | None = None) -> int:
        """Cuts the gateway sockets of a shard, or of all; with a code, closes them properly. How many there were."""
        links = self._links(shard)
        for link in links:
            if code is None:
                link.cut()
            else:
                await link.close(code)
        return len(links)

    def reconnect(self, *, shard: int | None = None) -> None:
        """Asks the bot to reconnect."""
        for link in self._links(shard):
            link.send(sessions.RECONNECT)

    def invalidate(self, *, shard: int | None = None, resumable: bool = False) -> None:
        """Tells the bot that its session is over; one that is not resumable is forgotten."""
        for link in self._links(shard):
            if not resumable and link.session is not None:
                self._fake.gateway.sessions.pop(link.session.id, None)
            link.send(sessions.INVALID_SESSION, resumable)

    def ask_for_heartbeat(self) -> None:
        """Asks for a heartbeat at once."""
        for link in self._links(None):
            link.send(sessions.HEARTBEAT)

    def ignore_heartbeats(self, yes: bool = True) -> None:
        """Whether heartbeats go unanswered."""
        self._fake.gateway.answers_heartbeats = not yes

    def forget_sessions(self) -> None:
        """What is not connected now cannot be resumed."""
        known = self._fake.gateway.sessions
        for gone in [key for key, session in known.items() if session.link is None]:
            del known[gone]

    def refuse_gateway(self, times: int) -> None:
        """The next connections to the gateway are refused."""
        self._fake.gateway.refusing = times

    def connected(self) -> list[int]:
        """The shards with a session on an open socket."""
        return sorted(x.session.shard[0] for x in self._fake.gateway.links if x.session is not None)

    def shift_clock(self, seconds: float) -> None:
        """Lets time pass at once."""
        self._fake.clock.shift(seconds)
        self._fake.journal.stir()

    def limit(self, on: bool) -> None:
        """Whether rate limits are kept."""
        self._fake.limits.enabled = on

    def hasty(self) -> list[dict[str, Any]]:
        """Requests sent although the bot had been told to wait."""
        return self._fake.limits.hasty
