"""Runs Alembic over asyncpg, one migration a transaction; configured here and not by an ``alembic.ini``."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg
import structlog
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from consilium.retry import BackoffConfig, retry
from db.errors import MigrationBlocked, MigrationFailed, OlderProgramRunning
from db.infra.driver_errors import DRIVER_ERRORS, describe_dsn, translate_driver_error
from db.infra.migrations import schema_version
from db.infra.migrations.programs import LIST_OLDER, LISTS_VERSIONS, TABLE_EXISTS, Program
from db.infra.migrations.revisions import (
    EXTENSION_SCHEMA,
    MIGRATION_LOCK,
    REVISIONS,
    Stage,
    migrations,
    newest_contraction,
    preceding,
)
from db.infra.migrations.schema_version import SchemaVersion, describe_version, require_known

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

LOCK_MIGRATIONS: Final = f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
"""Lets one process migrate a database at a time."""
_BACKOFF: Final = BackoffConfig(initial=0.5, maximum=10.0, jitter=0.2)
_BLOCKED: Final = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)

log = structlog.get_logger(__name__)


class _Blocked(Exception):
    """Another transaction holds a lock that the migration needs; the cause is the driver's error."""


async def run(
    dsn: str,
    target: str,
    *,
    upward: bool,
    deadline: float,
    lock_timeout: float,
    on_step: Callable[[str], None],
) -> None:
    """Move a database to a revision, step by step; see `db.infra.migrate`.

    Args:
        upward: the direction. A database that another process has moved past the target meanwhile is left there.
    """
    server = describe_dsn(dsn)
    until = time.monotonic() + deadline
    connect = partial(asyncpg.connect, dsn, timeout=deadline)
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    step = _Step(server, target, lock_timeout, upward=upward)

    def wait(_error: Exception, delay: float) -> None:
        log.warning("migration.lock_waited", revision=step.revision, delay=round(delay, 1))

    try:
        async with asyncio.timeout(deadline):
            while True:
                done = await retry(
                    partial(_run_step, engine, step),
                    on=_Blocked,
                    backoff=_BACKOFF,
                    give_up_after=until - time.monotonic(),
                    before_sleep=wait,
                )
                if done is None:
                    return
                log.info("migration.finished", revision=done)
                on_step(done)
    except _Blocked as error:
        raise MigrationBlocked(server=server, revision=step.revision) from error.__cause__
    except (OSError, SQLAlchemyError, CommandError, *DRIVER_ERRORS) as error:
        cause = _root_cause(error)
        reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
        translated = translate_driver_error(server, cause)
        raise translated or MigrationFailed(server=server, revision=step.revision, reason=reason) from error


async def _run_step(engine: AsyncEngine, step: _Step) -> str | None:
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(step.run)
    except SQLAlchemyError as error:
        cause = _root_cause(error)
        if step.began and isinstance(cause, _BLOCKED):
            raise _Blocked from cause
        raise
    except _BLOCKED as error:  # from a script, which goes to the driver itself
        raise _Blocked from error


class _Step:
    """The next migration on the way to a target, in one transaction."""

    def __init__(self, server: str, target: str, lock_timeout: float, *, upward: bool) -> None:
        self._server = server
        self._target = target
        self._lock_timeout = lock_timeout
        self._upward = upward
        self._mark: str | None = None
        """What programs from before the compatibility number found when this run began."""
        self.revision = "base"
        """The migration that is being run."""
        self.began = False
        """Whether this process is the one that migrates, and waits for nobody else who does."""

    def run(self, connection: Connection) -> str | None:
        """Run it; its revision, or None when there is nothing left to do."""
        self.began = False
        connection.exec_driver_sql(LOCK_MIGRATIONS)
        version = _read(connection)
        require_known(version, self._server)
        if not version.is_known:
            return None
        current, target = REVISIONS.index(version.revision), REVISIONS.index(self._target)
        if current >= target if self._upward else current <= target:
            return None
        self.began = True
        self.revision = reached = REVISIONS[current + 1] if self._upward else preceding(version.revision)
        if self._upward and migrations()[current].stage is Stage.AFTER:
            older = _list_older(connection, reached)
            if older:
                programs = ", ".join(map(str, older))
                raise OlderProgramRunning(server=self._server, revision=reached, programs=programs)
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(self._lock_timeout * 1000)}")
        self._migrate(connection, version, reached)
        return reached

    def _migrate(self, connection: Connection, version: SchemaVersion, reached: str) -> None:
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS vector")
        schema = connection.exec_driver_sql(EXTENSION_SCHEMA).scalar_one()
        connection.exec_driver_sql(f'SET LOCAL search_path = public, "{schema}"')
        connection.exec_driver_sql(schema_version.CREATE_TABLE)
        if version.mark not in ("base", version.revision):
            _set_mark(connection, version.revision)  # Alembic goes on from here
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
        config.attributes["connection"] = connection
        (command.upgrade if self._upward else command.downgrade)(config, reached)

        compatibility = newest_contraction(reached)
        if self._mark is None:
            self._mark = version.mark
        if self._upward and self._mark != "base" and _is_at_least(self._mark, compatibility):
            _set_mark(connection, self._mark)
        connection.exec_driver_sql("DELETE FROM public.schema_version")
        connection.exec_driver_sql("INSERT INTO public.schema_version VALUES ($1, $2)", (reached, compatibility))


def _read(connection: Connection) -> SchemaVersion:
    has_version, has_mark = connection.exec_driver_sql(schema_version.TABLES_EXIST).one()
    row = connection.exec_driver_sql(schema_version.READ).one_or_none() if has_version else None
    mark = connection.exec_driver_sql(schema_version.READ_MARK).scalar() if has_mark else None
    return describe_version(None if row is None else (row[0], row[1]), mark)


def _set_mark(connection: Connection, revision: str) -> None:
    connection.exec_driver_sql("UPDATE public.alembic_version SET version_num = $1", (revision,))


def _is_at_least(mark: str, compatibility: str) -> bool:
    return mark in REVISIONS and REVISIONS.index(mark) >= REVISIONS.index(compatibility)


def _list_older(connection: Connection, revision: str) -> list[Program]:
    if not connection.exec_driver_sql(TABLE_EXISTS).scalar_one():
        return []
    versions = bool(connection.exec_driver_sql(LISTS_VERSIONS).scalar_one())
    rows = connection.exec_driver_sql(LIST_OLDER[versions], (revision,))
    return [Program(*row) for row in rows]


def _root_cause(error: BaseException) -> BaseException:
    """The driver's error beneath what SQLAlchemy has wrapped it in."""
    beneath: BaseException | None = error
    while beneath is not None and not isinstance(beneath, (OSError, *DRIVER_ERRORS)):
        beneath = beneath.__cause__
    return beneath or error
