"""Entries of the audit log by the operator, for what is done on the command line."""

from __future__ import annotations

import structlog

from bot.app.components import backup_addresses
from bot.app.private_folders import DATABASE_FOLDER
from bot.app.settings import Settings
from consilium.errors import ConsiliumError
from db.infra.connection import Connection
from db.infra.driver_errors import describe_dsn, open_connection
from db.people import audit

log = structlog.get_logger(__name__)

_STATEMENTS_DEADLINE = 60.0
"""Seconds for the few statements."""
_HAS_AUDIT_LOG = "SELECT to_regclass('public.audit_log') IS NOT NULL"


def has_database(settings: Settings) -> bool:
    """Whether there is a database: the operator's, or an embedded one that was made before."""
    given = settings.database_url or settings.database_owner_url
    return given is not None or (settings.data_dir / DATABASE_FOLDER / "data").exists()


async def record_entry(owner_dsn: str, action: audit.Action, subject: str) -> None:
    """Add an entry by the operator, where the database has an audit log.

    Raises:
        ConsiliumError: the database cannot be reached.
    """
    async with open_connection(owner_dsn, _STATEMENTS_DEADLINE) as connection, connection.transaction():
        if await connection.fetchval(_HAS_AUDIT_LOG):
            person = await Connection(connection, describe_dsn(owner_dsn)).become_person(audit.OPERATOR)
            await audit.record(person, action, subject)


async def record_done(settings: Settings, action: audit.Action, subject: str) -> None:
    """Add an entry about what has been done already: a database that is not there, or not reached, undoes nothing."""
    if not has_database(settings):
        return
    try:
        async with backup_addresses(settings) as addresses:
            await record_entry(addresses.owner, action, subject)
    except ConsiliumError as error:
        log.warning("audit.not_recorded", action=action, subject=subject, reason=error)
