"""How many connections an HTTP server keeps, in all and from one address.

A connection without a request gives way to a new one: whoever opens a thousand and sends nothing keeps nobody out, and
neither do browsers that keep theirs open. Only when all are busy a new one is turned away.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, Protocol

SPARE_FILES: Final = 256
"""Files that a process keeps open beside the connections of clients."""
MIN_CONNECTIONS: Final = 8


class Connection(Hashable, Protocol):
    """A connection that can be closed to make room."""

    def give_way(self) -> None:
        """Close it now."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections there may be."""

    in_all: int = 2000
    per_address: int = 1000

    def within_open_files(self) -> ConnectionLimits:
        """The limits, or less where the system lets this process open fewer files; its soft limit is raised first."""
        if sys.platform == "win32":
            return self  # it has no such limits
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = self.in_all + SPARE_FILES
        if soft < wanted:
            raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            if raised > soft:
                resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
                soft = raised
        return ConnectionLimits(max(MIN_CONNECTIONS, min(self.in_all, soft - SPARE_FILES)), self.per_address)


DEFAULT_LIMITS: Final = ConnectionLimits()


@dataclass(slots=True)
class OpenConnections:
    """The open connections of a server, with their addresses."""

    limits: ConnectionLimits
    counted: dict[Connection, str] = field(default_factory=dict)
    by_address: Counter[str] = field(default_factory=Counter)
    idle: dict[Connection, str] = field(default_factory=dict)
    """Those without a request, the longest so first."""

    def admit(self, connection: Connection, address: str) -> bool:
        """Count a new connection; False when it has to be turned away. An idle one gives way to it."""
        if self.by_address[address] >= self.limits.per_address:
            self._close_idle(address)
        elif len(self.counted) >= self.limits.in_all:
            self._close_idle(None)
        if self.by_address[address] >= self.limits.per_address or len(self.counted) >= self.limits.in_all:
            return False
        self.counted[connection] = self.idle[connection] = address
        self.by_address[address] += 1
        return True

    def mark_busy(self, connection: Connection) -> None:
        """A connection has a request now."""
        self.idle.pop(connection, None)

    def mark_idle(self, connection: Connection) -> None:
        """A connection has no request any more."""
        if connection in self.counted:
            self.idle.setdefault(connection, self.counted[connection])

    def forget(self, connection: Connection) -> None:
        """A connection is closed."""
        self.idle.pop(connection, None)
        address = self.counted.pop(connection, None)
        if address is None:
            return
        self.by_address[address] -= 1
        if not self.by_address[address]:
            del self.by_address[address]

    def _close_idle(self, address: str | None) -> None:
        """Close the connection that has been idle for longest, of all or of an address."""
        found = (connection for connection, its_address in self.idle.items() if address in (None, its_address))
        if (connection := next(found, None)) is not None:
            self.forget(connection)
            connection.give_way()
