"""Runs Alembic over one asyncpg connection, configured here and not by an ``alembic.ini``."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from db.errors import MigrationFailed
from db.infra.driver_errors import DRIVER_ERRORS, describe_dsn, translate_driver_error
from db.infra.migrations.revisions import (
    CURRENT_VERSION,
    EXTENSION_SCHEMA,
    MIGRATION_LOCK,
    REVISIONS,
    VERSION_TABLE_EXISTS,
    validate_revision,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOCK_MIGRATIONS: Final = f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
"""Lets one process migrate a database at a time."""


async def run(dsn: str, target: str, deadline: float) -> None:
    """Move a database to a revision, in one transaction; see `db.infra.migrate.migrate`."""
    server = describe_dsn(dsn)
    connect = partial(asyncpg.connect, dsn, timeout=deadline)
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with asyncio.timeout(deadline), engine.begin() as connection:
            await connection.run_sync(_migrate_to, target, server)
    except (OSError, SQLAlchemyError, CommandError, *DRIVER_ERRORS) as error:
        cause = _root_cause(error)
        reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
        raise translate_driver_error(server, cause) or MigrationFailed(server=server, reason=reason) from error


def _migrate_to(connection: Connection, target: str, server: str) -> None:
    connection.exec_driver_sql(LOCK_MIGRATIONS)
    connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS vector")
    schema = connection.exec_driver_sql(EXTENSION_SCHEMA).scalar_one()
    connection.exec_driver_sql(f'SET LOCAL search_path = public, "{schema}"')

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    made = connection.exec_driver_sql(VERSION_TABLE_EXISTS).scalar_one()
    current = validate_revision(connection.exec_driver_sql(CURRENT_VERSION).scalar() if made else None, server)
    if REVISIONS.index(current) < REVISIONS.index(target):
        command.upgrade(config, target)
    else:
        command.downgrade(config, target)


def _root_cause(error: BaseException) -> BaseException:
    """The driver's error beneath what SQLAlchemy has wrapped it in."""
    beneath: BaseException | None = error
    while beneath is not None and not isinstance(beneath, (OSError, *DRIVER_ERRORS)):
        beneath = beneath.__cause__
    return beneath or error
