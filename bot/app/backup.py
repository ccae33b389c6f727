"""Backups of the service: what the database holds, with the mind's digest beside it."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
from collections.abc import Callable
from pathlib import Path

from bot.app.audit import has_database, record_entry
from bot.app.components import backup_addresses
from bot.app.private_folders import DATABASE_FOLDER
from bot.app.settings import Settings
from db.backup.erasures import ErasureList, export_erasures
from db.backup.errors import NothingToBackUp
from db.backup.file_format import Contents
from db.backup.restore import Restored, restore_backup
from db.backup.snapshot import make_backup
from db.infra.driver_errors import describe_dsn, open_connection

OnTable = Callable[[str, int], None]

_STATEMENTS_DEADLINE = 60.0
"""Seconds for the few statements beside copying."""
_HAS_ERASURES = "SELECT to_regclass('public.erasures') IS NOT NULL"


async def back_up(settings: Settings, path: Path, on_table: OnTable = lambda _table, _rows: None) -> Contents:
    """Write everything in the database into a new file. The audit log, and so the backup, tells of it.

    Raises:
        ConsiliumError: what is in the way; nothing was written.
    """
    _check_database_exists(settings)
    digest = await asyncio.to_thread(folder_digest, settings.mind)
    async with backup_addresses(settings) as addresses:
        await record_entry(addresses.owner, "backup.started", path.name)
        return await make_backup(
            addresses.all_rows,
            path,
            program=importlib.metadata.version("consilium"),
            mind=settings.mind.name if digest else "",
            mind_digest=digest,
            on_table=on_table,
        )


async def restore(
    settings: Settings, path: Path, erasures: Path | None, on_table: OnTable = lambda _table, _rows: None
) -> Restored:
    """Fill the empty database with a backup.

    Raises:
        ConsiliumError: what is in the way; the database is as it was.
    """
    async with backup_addresses(settings) as addresses:
        return await restore_backup(addresses.owner, path, erasures=erasures, on_table=on_table)


async def update_erasures(owner_dsn: str, path: Path) -> ErasureList:
    """Bring a list of deletions up to date with the database.

    Raises:
        ConsiliumError: what is in the way; the file is as it was.
    """
    async with open_connection(owner_dsn, _STATEMENTS_DEADLINE) as connection:
        if not await connection.fetchval(_HAS_ERASURES):
            raise NothingToBackUp(describe_dsn(owner_dsn))
        return await export_erasures(connection, path)


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all files in a folder; empty when there is no such folder. Blocking."""
    if not folder.is_dir():
        return ""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{content} {path.relative_to(folder).as_posix()}\n".encode())
    return whole.hexdigest()


def _check_database_exists(settings: Settings) -> None:
    """Make no embedded database only to say that it is empty."""
    if not has_database(settings):
        raise NothingToBackUp(str(settings.data_dir / DATABASE_FOLDER))
