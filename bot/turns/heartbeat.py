"""The heartbeat of this process, and the list of processes that are alive."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import structlog

from bot.core.loops import run_periodically
from bot.turns import metrics
from db.errors import DatabaseError
from db.infra.database import Database
from db.infra.migrations.revisions import REVISIONS
from db.turns import processes
from db.turns.processes import RunningVersion

HEARTBEAT_INTERVAL: Final = 5.0
"""Seconds between heartbeats."""
PROCESS_GONE_AFTER: Final = timedelta(seconds=30)
"""After so long without a heartbeat, a process counts as gone."""

log = structlog.get_logger(__name__)


class Heartbeat:
    """One process of the service in one role."""

    def __init__(self, database: Database, role: str, mind: str) -> None:
        self.id: UUID = uuid4()
        self.draining = False
        """Whether it accepts no new work."""
        self._database = database
        self._role = role
        self._mind = mind
        self._neighbours: frozenset[tuple[str, str]] = frozenset()
        """Other versions that were running at the last heartbeat, by their version and revision."""

    async def send(self) -> None:
        """Record that this process is alive, and delete processes that have long been gone.

        Raises:
            DatabaseError: it could not be recorded.
        """
        async with self._database.anonymous_transaction() as connection:
            await processes.heartbeat(
                connection,
                self.id,
                role=self._role,
                mind=self._mind,
                host=socket.gethostname(),
                pid=os.getpid(),
                draining=self.draining,
            )
            await processes.delete_stale(connection, 10 * PROCESS_GONE_AFTER)
            self._observe_versions(await processes.list_versions(connection, PROCESS_GONE_AFTER))

    def _observe_versions(self, running: Sequence[RunningVersion]) -> None:
        """Count the processes of other versions, and log each that comes or goes: an upgrade is under way."""
        others = {(each.version, each.revision): each.processes for each in running if each.revision != REVISIONS[-1]}
        metrics.observe_neighbours(sum(others.values()))
        for version, revision in others.keys() - self._neighbours:
            log.info("neighbour.appeared", version=version, revision=revision, own=REVISIONS[-1])
        for version, revision in self._neighbours - others.keys():
            log.info("neighbour.left", version=version, revision=revision, own=REVISIONS[-1])
        self._neighbours = frozenset(others)

    async def run(self) -> None:
        """Send heartbeats until cancelled. One that fails is logged; the next one follows."""
        await run_periodically("heartbeat", self.send, HEARTBEAT_INTERVAL)

    async def deregister(self) -> None:
        """Remove this process from the list. If that fails, it drops out when its heartbeat is too old."""
        try:
            async with self._database.anonymous_transaction() as connection:
                await processes.unregister(connection, self.id)
        except DatabaseError as error:
            log.warning("process.deregister_failed", reason=error)

    async def count_processes(self, *roles: str) -> int:
        """How many processes of this mind accept work in these roles, this one included.

        Raises:
            DatabaseError: they could not be counted.
        """
        async with self._database.anonymous_transaction() as connection:
            return len(await processes.list_available(connection, self._mind, roles, PROCESS_GONE_AFTER))
