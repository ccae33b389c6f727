"""Brings a database's schema to a revision, and tells what that would take.

Migrations run in one order, each in its own transaction. Those marked `before` only add, and run while older programs
work; those marked `after` take away, and run when no older program does.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.errors import MigrationFailed
from db.infra.driver_errors import describe_dsn, open_connection
from db.infra.migrations.programs import Program, list_older
from db.infra.migrations.revisions import REVISIONS, Migration, Stage, migrations
from db.infra.migrations.schema_version import SchemaVersion, read_version, require_known, require_usable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOCK_TIMEOUT: Final = 2.0
"""Seconds that a migration waits for a lock before it lets go: meanwhile everybody else queues up behind it."""

_alembic_lock = threading.Lock()
"""Alembic keeps its state in module globals, so within one process too only one migration runs at a time."""


@dataclass(frozen=True, slots=True)
class UpgradePlan:
    """What is left to run on a database."""

    server: str
    version: SchemaVersion
    expanding: Sequence[Migration]
    """What runs beside older programs."""
    rest: Sequence[Migration]
    """From the first contracting one on: what has to wait until no older program runs."""
    older: Sequence[Program]
    """The running programs that do not know the last of the contracting ones."""


async def migrate(
    dsn: str,
    target: str = "head",
    *,
    deadline: float = 300.0,
    lock_timeout: float = LOCK_TIMEOUT,
    on_step: Callable[[str], None] = lambda _: None,
) -> None:
    """Bring the database to `target`: "head", "base" or a revision, forwards or backwards.

    Each migration is a transaction. One that does not get its locks within `lock_timeout` seconds lets go and tries
    again, with growing pauses, until `deadline`. Processes that start at once wait for the first, then find nothing to
    do; none takes back what another has run beyond its own target meanwhile. Runs as the DSN's own role. When the
    awaiting task is cancelled, a migration under way still ends by itself.

    Args:
        on_step: called with each revision that has been reached, in another thread.

    Raises:
        MigrationFailed: and the one that failed has changed nothing.
        MigrationBlocked: another transaction held a lock that it needs all the time.
        OlderProgramRunning: the next migration would break a program that is running.
        SchemaTooNew: a newer release has taken away what this one needs.
        DatabaseUnreachable: also when it took longer than `deadline` seconds.
        DatabaseRefused: the server does not let us in.
    """
    target = REVISIONS[-1] if target == "head" else target
    if target not in REVISIONS:
        raise MigrationFailed(server=describe_dsn(dsn), revision=target, reason=f"there is no revision {target}")
    version = await current_version(dsn, deadline=deadline)
    require_known(version, describe_dsn(dsn))
    if version.is_known and version.revision != target:
        upward = REVISIONS.index(version.revision) < REVISIONS.index(target)
        await asyncio.to_thread(
            _run_in_own_loop,
            dsn,
            target,
            upward=upward,
            deadline=deadline,
            lock_timeout=lock_timeout,
            on_step=on_step,
        )


async def migrate_for_start(dsn: str, *, deadline: float = 300.0) -> SchemaVersion:
    """What a process that migrates by itself does at its start: as much as the running programs allow.

    Returns:
        what the schema is afterwards. This program runs on it.

    Raises:
        OlderProgramRunning: this program cannot start before the older ones have ended.
        MigrationFailed, MigrationBlocked, SchemaTooNew, DatabaseUnreachable, DatabaseRefused: as `migrate`.
    """
    plan = await plan_upgrade(dsn, deadline=deadline)
    if plan.older and not any(migration.stage is Stage.BEFORE for migration in plan.rest):
        if plan.expanding:
            await migrate(dsn, plan.expanding[-1].revision, deadline=deadline)
    else:
        # With older programs: it stops before the first migration that they cannot bear, and says so.
        await migrate(dsn, deadline=deadline)
    return await current_version(dsn, deadline=deadline)


async def check_schema(dsn: str, *, deadline: float = 60.0) -> SchemaVersion:
    """Return the version of a schema that this program runs on; change nothing.

    Raises:
        SchemaMissing, SchemaTooOld, SchemaTooNew: it does not run on it.
        DatabaseUnreachable, DatabaseRefused: no connection.
    """
    version = await current_version(dsn, deadline=deadline)
    require_usable(version, describe_dsn(dsn))
    return version


async def plan_upgrade(dsn: str, *, deadline: float = 60.0) -> UpgradePlan:
    """What is left to run, and which programs are in the way; changes nothing.

    Raises:
        SchemaTooNew: a newer release has taken away what this one needs.
        DatabaseUnreachable, DatabaseRefused: no connection.
    """
    server = describe_dsn(dsn)
    async with open_connection(dsn, deadline) as connection:
        version = await read_version(connection)
        require_known(version, server)
        pending = migrations()[REVISIONS.index(version.revision) :] if version.is_known else ()
        contracting = [migration.revision for migration in pending if migration.stage is Stage.AFTER]
        first = next((n for n, migration in enumerate(pending) if migration.revision in contracting), len(pending))
        older = await list_older(connection, contracting[-1]) if contracting else ()
    return UpgradePlan(server, version, pending[:first], pending[first:], older)


async def current_version(dsn: str, *, deadline: float = 60.0) -> SchemaVersion:
    """How far a database is.

    Raises:
        SchemaUnreadable: the login may not read it.
        DatabaseUnreachable, DatabaseRefused: no connection.
    """
    async with open_connection(dsn, deadline) as connection:
        return await read_version(connection)


def _run_in_own_loop(
    dsn: str,
    target: str,
    *,
    upward: bool,
    deadline: float,
    lock_timeout: float,
    on_step: Callable[[str], None],
) -> None:
    # Alembic and SQLAlchemy take a second to import, and a database that is up to date needs neither.
    from db.infra.migrations.runner import run

    # In a thread and with a loop of its own, because Alembic reads and compiles its scripts without awaiting.
    with _alembic_lock:
        asyncio.run(run(dsn, target, upward=upward, deadline=deadline, lock_timeout=lock_timeout, on_step=on_step))
