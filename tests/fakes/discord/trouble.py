"""Trouble and time, by hand: faults, lost sockets, limits, the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.discord.faults import Fault

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

    async def drop(self, *, shard: int | None = None, code: int | None = None) -> int:
        """Cuts gateway sockets, or closes them with a code; how many."""
        return await self._fake.gateway.drop(shard, code)

    def reconnect(self, *, shard: int | None = None) -> None:
        """Asks the bot to reconnect."""
        self._fake.gateway.ask_to_reconnect(shard)

    def invalidate(self, *, shard: int | None = None, resumable: bool = False) -> None:
        """Tells the bot that its session is over."""
        self._fake.gateway.invalidate(shard, resumable=resumable)

    def forget_sessions(self) -> None:
        """What is not connected now cannot be resumed."""
        self._fake.gateway.forget_sessions()

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
