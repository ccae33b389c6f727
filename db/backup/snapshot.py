"""Makes a backup: everything in the database as it was at one moment, copied while people go on writing."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import asyncpg
import structlog

from db.backup.errors import BackupIncomplete, NothingToBackUp, RowsHidden
from db.backup.file_format import PIECE, BackupWriter, Contents, Header, TableEnd, check_backup
from db.backup.private_file import write_private_file
from db.backup.session import STALL, Watchdog, copying_transaction, open_copying
from db.backup.tables import TableShape, list_sequences, list_tables
from db.infra.driver_errors import describe_dsn
from db.infra.migrations.revisions import MIGRATION_LOCK
from db.infra.migrations.schema_version import read_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

_ROLE: Final = "SELECT rolname, rolsuper OR rolbypassrls AS sees_all FROM pg_roles WHERE rolname = current_user"
_UNREADABLE: Final = """
    SELECT string_agg(name, ', ') FROM unnest($1::text[]) AS name
    WHERE NOT has_table_privilege('public.' || quote_ident(name), 'SELECT')
"""
_VERSIONS: Final = """
    SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') AS made_at,
        current_setting('server_version') AS postgres,
        (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector
"""

log = structlog.get_logger(__name__)


async def make_backup(
    dsn: str,
    path: Path,
    *,
    program: str,
    mind: str = "",
    mind_digest: str = "",
    on_table: Callable[[str, int], None] = lambda _table, _rows: None,
) -> Contents:
    """Write everything in the database into a new file; the file as it was read back.

    It is one transaction that sees what was committed when it began, and takes no lock that others wait for. Rows are
    streamed. Those of each table are counted by a statement of its own in the same snapshot, and the file is read back
    before it gets its name.

    Args:
        dsn: of a role that row-level security hides nothing from: a superuser, or one with BYPASSRLS.
        program: the version of the program.
        mind, mind_digest: the name of the mind, and a digest of its folder.
        on_table: called after each table, with its name and its number of rows.

    Raises:
        RowsHidden: the role does not see everything, and nothing was written.
        NothingToBackUp: the database has no tables of ours.
        FileExists, FileNotWritten: the file.
        BackupIncomplete: not as many rows were copied as are there.
        DatabaseUnavailable: no connection, or it was lost.
    """
    with write_private_file(path) as file:
        async with open_copying(dsn) as connection:
            await _check_role(connection)
            # Held while it lasts: a migration waits here, and not in the queue for a table, which others would join.
            await connection.execute(f"SELECT pg_advisory_lock_shared({MIGRATION_LOCK})", timeout=STALL)
            if (await read_version(connection)).revision == "base":
                raise NothingToBackUp(server=describe_dsn(dsn))
            with _translate_hidden(await connection.fetchval("SELECT current_user::text")):
                async with copying_transaction(connection, isolation="repeatable_read", readonly=True):
                    await _copy_all(connection, file, program, mind, mind_digest, on_table)
        contents = await asyncio.to_thread(check_backup, path, file)
    log.info("backup.created", rows=contents.total, bytes=contents.bytes, revision=contents.header.revision)
    return contents


async def _check_role(connection: asyncpg.Connection) -> None:
    role = await connection.fetchrow(_ROLE)
    if not role["sees_all"]:
        raise RowsHidden(role["rolname"], "row-level security applies to it")
    names = [table.name for table in await list_tables(connection)]
    if unreadable := await connection.fetchval(_UNREADABLE, names):
        raise RowsHidden(role["rolname"], f"it may not read {unreadable}")


async def _copy_all(
    connection: asyncpg.Connection,
    file: BinaryIO,
    program: str,
    mind: str,
    mind_digest: str,
    on_table: Callable[[str, int], None],
) -> None:
    versions = await connection.fetchrow(_VERSIONS)
    header = Header(
        id=str(uuid4()),
        made_at=versions["made_at"],
        program=program,
        revision=(await read_version(connection)).revision,
        postgres=versions["postgres"],
        pgvector=versions["pgvector"],
        mind=mind,
        mind_digest=mind_digest,
    )
    writer = BackupWriter(file, header)
    tables = await list_tables(connection)
    for table in tables:
        counted = await connection.fetchval(f"SELECT count(*) FROM public.{table.name}")  # noqa: S608  # ours
        copied = await _copy_table(connection, table, writer)
        if copied.rows != counted:
            raise BackupIncomplete(table.name, copied.rows, counted)
        on_table(table.name, counted)
    # They are of no transaction: read last, they stand no lower than any id that was copied.
    sequences = {}
    for name in await list_sequences(connection, tables):
        row = await connection.fetchrow(f"SELECT last_value, is_called FROM public.{name}")  # noqa: S608  # ours
        sequences[name] = (row["last_value"], row["is_called"])
    await asyncio.to_thread(writer.finish, sequences)


async def _copy_table(connection: asyncpg.Connection, table: TableShape, writer: BackupWriter) -> TableEnd:
    pending = bytearray()
    writer.begin_table(table.name, table.columns)
    async with Watchdog() as watchdog:

        async def take(data: bytes) -> None:
            watchdog.feed()
            pending.extend(data)
            if len(pending) >= PIECE:
                await asyncio.to_thread(writer.add_rows, bytes(pending))
                pending.clear()

        await connection.copy_from_table(
            table.name, output=take, columns=table.columns, schema_name="public", format="text"
        )
    await asyncio.to_thread(writer.add_rows, bytes(pending))
    return await asyncio.to_thread(writer.end_table)


@contextmanager
def _translate_hidden(role: str) -> Iterator[None]:
    try:
        yield
    except asyncpg.InsufficientPrivilegeError as error:
        raise RowsHidden(role, str(error)) from error
