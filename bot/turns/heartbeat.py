"""This process among the others: it says that it is there, and knows who else is."""

from __future__ import annotations

import asyncio
import os
import socket
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import structlog

from db.errors import DatabaseError
from db.infra.database import Database
from db.turns import processes

HEARTBEAT_INTERVAL: Final = 5.0
"""Seconds between signs of life."""
PROCESS_GONE_AFTER: Final = timedelta(seconds=30)
"""Without a sign of life for so long, a process is gone."""

log = structlog.get_logger(__name__)


class Heartbeat:
    """One process of the service in one role."""

    def __init__(self, database: Database, role: str, mind: str) -> None:
        self.id: UUID = uuid4()
        self.draining = False
        """Whether it takes nothing new any more."""
        self._database = database
        self._role = role
        self._mind = mind

    async def send(self) -> None:
        """Say that this process is there, and strike off those that are gone.

        Raises:
            DatabaseError: nobody could be told.
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

    async def run(self) -> None:
        """Say it again and again until cancelled."""
        while True:
            try:
                await self.send()
            except DatabaseError as error:
                log.warning("process.heartbeat_failed", reason=str(error))
            await asyncio.sleep(HEARTBEAT_INTERVAL)

    async def deregister(self) -> None:
        """Say that this process ends; a database that is away will notice by itself."""
        try:
            async with self._database.anonymous_transaction() as connection:
                await processes.unregister(connection, self.id)
        except DatabaseError as error:
            log.warning("process.deregister_failed", reason=str(error))

    async def count_processes(self, *roles: str) -> int:
        """How many processes of this mind take work in these roles; this one counts too.

        Raises:
            DatabaseError: nobody knows.
        """
        async with self._database.anonymous_transaction() as connection:
            return len(await processes.list_available(connection, self._mind, roles, PROCESS_GONE_AFTER))
