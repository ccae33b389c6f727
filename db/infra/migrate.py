"""Brings a database's schema to a revision."""

from __future__ import annotations

import asyncio
import threading

from db.errors import MigrationFailed
from db.infra.driver_errors import describe_dsn, open_connection
from db.infra.migrations.revisions import CURRENT_VERSION, REVISIONS, VERSION_TABLE_EXISTS, validate_revision

_alembic_lock = threading.Lock()
"""Alembic keeps its state in module globals, so within one process too only one migration runs at a time."""


async def migrate(dsn: str, target: str = "head", *, deadline: float = 300.0) -> None:
    """Bring the database to `target`: "head", "base" or a revision, forwards or backwards.

    All of it happens in one transaction. Processes that start at once wait for the first, then find nothing to do.
    Runs as the DSN's own role. When the awaiting task is cancelled, a migration under way still ends by itself.

    Raises:
        MigrationFailed: and nothing was changed.
        SchemaTooNew: the database is at a revision of a newer release.
        DatabaseUnreachable: also when it took longer than `deadline` seconds.
        DatabaseRefused: the server does not let us in.
    """
    target = REVISIONS[-1] if target == "head" else target
    if target not in REVISIONS:
        raise MigrationFailed(server=describe_dsn(dsn), reason=f"there is no revision {target}")
    if await current_revision(dsn, deadline=deadline) != target:
        await asyncio.to_thread(_run_in_own_loop, dsn, target, deadline)


async def current_revision(dsn: str, *, deadline: float = 60.0) -> str:
    """The revision a database is at; "base" when it has no schema yet.

    Raises:
        SchemaTooNew: the database is at a revision of a newer release.
        DatabaseUnreachable, DatabaseRefused: no connection.
    """
    async with open_connection(dsn, deadline) as connection:
        version = (
            await connection.fetchval(CURRENT_VERSION) if await connection.fetchval(VERSION_TABLE_EXISTS) else None
        )
    return validate_revision(version, describe_dsn(dsn))


def _run_in_own_loop(dsn: str, target: str, deadline: float) -> None:
    # Alembic and SQLAlchemy take a second to import, and a database that is up to date needs neither.
    from db.infra.migrations.runner import run

    # In a thread and with a loop of its own, because Alembic reads and compiles its scripts without awaiting.
    with _alembic_lock:
        asyncio.run(run(dsn, target, deadline))
