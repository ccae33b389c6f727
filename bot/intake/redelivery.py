"""What becomes of an update whose handling fails: it is handled again, until it is stored or given up with the truth.

A platform keeps an update until it is acknowledged, so a failure costs nothing but time. But one update that can never
be handled must not hold up all others: it is given up, becomes a dead letter, and its sender is told to send it again.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import structlog

from bot.core.errors import MessageNotStored
from bot.turns.metrics import update_buried
from db.errors import DatabaseError, DatabaseUnavailable, DatabaseUnreachable
from db.infra.database import Database
from db.turns import dead_letters

MAX_REMEMBERED: Final = 10_000
"""Updates whose failures are remembered."""
_BURY_TIMEOUT: Final = 5.0
"""Seconds that writing a dead letter may take."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RedeliveryPolicy:
    """When an update is given up."""

    attempts: int = 5
    seconds: float = 10.0
    """Since its first failure: an update is given up after so many attempts and so much time."""
    outage_seconds: float = 300.0
    """The same for one that the database does not answer in time, while it answers others."""


@dataclass(slots=True)
class _Failures:
    first_at: float
    attempts: int = 0


class Redelivery:
    """Counts the failures of each update, and decides when it is given up."""

    def __init__(self, database: Database, platform: str, policy: RedeliveryPolicy = RedeliveryPolicy()) -> None:
        self._database = database
        self._platform = platform
        self._policy = policy
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    async def give_up(self, update: str, error: Exception) -> MessageNotStored | None:
        """What to tell the sender of an update that is given up; None when it is to be handled again.

        While the whole database is affected, nothing is given up: the platform keeps it all.

        Args:
            update: what the platform calls it.
        """
        failures = self._failures.setdefault(update, _Failures(time.monotonic()))
        failures.attempts += 1
        while len(self._failures) > MAX_REMEMBERED:
            self._failures.popitem(last=False)
        if not await self._is_final(error, failures):
            return None
        self._failures.pop(update, None)
        return await self.bury(update, error)

    def succeeded(self, update: str) -> None:
        """An update has been handled."""
        self._failures.pop(update, None)

    async def bury(self, update: str, error: Exception) -> MessageNotStored:
        """Make an update a dead letter; what to tell its sender."""
        reference = secrets.token_hex(4)
        reason = f"{type(error).__name__} ({reference})"
        log.error(
            "update.given_up",
            platform=self._platform,
            update=update,
            reference=reference,
            error=type(error).__name__,
            exc_info=error,
        )
        update_buried(self._platform)
        try:
            async with asyncio.timeout(_BURY_TIMEOUT), self._database.anonymous_transaction() as connection:
                await dead_letters.bury(connection, "update", source=self._platform, reference=update, reason=reason)
        except Exception as failure:
            # The log has it.
            log.warning("update.dead_letter_failed", update=update, error=type(failure).__name__)
        return MessageNotStored(reference)

    async def _is_final(self, error: Exception, failures: _Failures) -> bool:
        policy, elapsed = self._policy, time.monotonic() - failures.first_at
        if failures.attempts < policy.attempts or elapsed < policy.seconds:
            return False
        if isinstance(error, DatabaseUnreachable):
            return elapsed >= policy.outage_seconds and await self._database_answers()
        return not (isinstance(error, DatabaseUnavailable) and error.affects_everything)

    async def _database_answers(self) -> bool:
        try:
            await self._database.ping()
        except DatabaseError:
            return False
        return True
