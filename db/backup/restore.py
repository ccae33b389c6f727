"""Restores a backup into an empty database: all of it in one transaction, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg
import structlog

from db.backup.erasures import apply_erasures, read_erasures
from db.backup.errors import (
    BackupDoesNotFit,
    BackupTooNew,
    DatabaseAhead,
    DatabaseNotEmpty,
    ErasuresDoNotFit,
    RestoreDenied,
)
from db.backup.file_format import (
    Contents,
    Event,
    Header,
    Rows,
    Sequences,
    TableEnd,
    TableStart,
    check_backup,
    read_backup,
)
from db.backup.row_digest import RowDigest
from db.backup.session import Watchdog, copying_transaction, open_copying
from db.backup.tables import TableShape, list_tables
from db.infra.connection import Connection
from db.infra.driver_errors import describe_dsn, open_connection
from db.infra.migrate import current_version, migrate
from db.infra.migrations.revisions import EXTENSION_SCHEMA, REVISIONS
from db.infra.migrations.schema_version import read_version
from db.people import audit

_ALWAYS_VISIBLE: Final = "users"
"""The owner sees every row of it, although row-level security is forced."""
_CHECK_DEADLINE: Final = 60.0
_MIGRATE_DEADLINE: Final = 600.0
_INDEXED: Final = "SELECT id, dimensions FROM embedders WHERE indexed ORDER BY id"
_INDEX: Final = """
    CREATE INDEX vectors_of_{id} ON public.vectors
    USING hnsw ((embedding::"{schema}".halfvec({dimensions})) "{schema}".halfvec_cosine_ops) WHERE embedder = {id}
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Restored:
    """What a database holds now."""

    contents: Contents
    erased: int | None
    """Deletions after the backup that were applied; None when no list of them was given."""


async def restore_backup(
    owner_dsn: str,
    path: Path,
    *,
    erasures: Path | None = None,
    on_table: Callable[[str, int], None] = lambda _table, _rows: None,
) -> Restored:
    """Fill an empty database with a backup, and migrate it to this release's schema.

    The file is checked before the database is touched. The schema is made as it was; all rows come in one transaction,
    in which each table is read back and compared with its checksum, and what was deleted after the backup is deleted
    again. A process that is killed before its end leaves a database without rows, into which it can be restored again;
    after it, a database that is whole, and that the service migrates when it starts.

    Args:
        owner_dsn: of the role that owns the tables, or is to own them.
        erasures: the list of deletions that `export_erasures` wrote.
        on_table: called after each table, with its name and its number of rows.

    Raises:
        FileNotRead, BackupDamaged, BackupTooNew, ErasuresDamaged, ErasuresDoNotFit: the files.
        DatabaseNotEmpty, DatabaseAhead, RestoreDenied, BackupDoesNotFit: the database; it is as it was.
        MigrationFailed: the schema could not be made, or, when everything is restored, not be migrated.
        DatabaseUnavailable: no connection, or it was lost.
    """
    contents = await asyncio.to_thread(check_backup, path)
    header = contents.header
    if header.revision not in REVISIONS:
        raise BackupTooNew(path, header.program, header.revision)
    known = None if erasures is None else await asyncio.to_thread(read_erasures, erasures)
    if erasures is not None and "erasures" not in contents.rows:
        raise ErasuresDoNotFit(erasures, "the backup is older than such lists")
    await _prepare_schema(owner_dsn, header)
    async with open_copying(owner_dsn) as connection:
        try:
            async with copying_transaction(connection):
                restoring = _Restoring(connection, describe_dsn(owner_dsn), path, on_table)
                await restoring.fill(contents)
                erased = None
                if erasures is not None and known is not None:
                    erased = await apply_erasures(connection, erasures, known, datetime.fromisoformat(header.made_at))
                if "audit_log" in contents.rows:
                    person = await Connection(connection, describe_dsn(owner_dsn)).become_person(audit.OPERATOR)
                    await audit.record(person, "backup.restored", f"as of {header.made_at[:19]}Z")
                await restoring.finish()
        except asyncpg.InsufficientPrivilegeError as error:
            raise RestoreDenied(describe_dsn(owner_dsn), str(error).splitlines()[0].rstrip(".")) from error
    await migrate(owner_dsn, deadline=_MIGRATE_DEADLINE)
    log.info("backup.restored", rows=contents.total, revision=header.revision, erased=erased)
    return Restored(contents, erased)


async def _prepare_schema(owner_dsn: str, header: Header) -> None:
    """Bring an empty database to the backup's revision."""
    current = (await current_version(owner_dsn)).revision
    if current != "base":
        # The other tables are looked at in the transaction that fills them.
        async with open_connection(owner_dsn, _CHECK_DEADLINE) as connection:
            if await connection.fetchval("SELECT EXISTS (SELECT FROM users)"):
                raise DatabaseNotEmpty(describe_dsn(owner_dsn), _ALWAYS_VISIBLE)
    if REVISIONS.index(current) > REVISIONS.index(header.revision):
        raise DatabaseAhead(describe_dsn(owner_dsn), current, header.revision)
    await migrate(owner_dsn, header.revision, deadline=_MIGRATE_DEADLINE)


class _Restoring:
    """The transaction that fills the tables."""

    def __init__(
        self, connection: asyncpg.Connection, server: str, path: Path, on_table: Callable[[str, int], None]
    ) -> None:
        self._connection = connection
        self._server = server
        self._path = path
        self._on_table = on_table
        self._tables: Sequence[TableShape] = ()

    async def fill(self, contents: Contents) -> None:
        """Copy every table in, and read it back."""
        self._tables = await list_tables(self._connection)
        shapes = {table.name: table for table in self._tables}
        await self._take_over(contents)
        events = read_backup(self._path)
        advance: Callable[[], Event | None] = partial(next, events, None)
        while (event := await asyncio.to_thread(advance)) is not None:
            if isinstance(event, TableStart):
                end = await self._copy_table(event, shapes[event.name], advance)
                self._on_table(end.name, end.rows)
            elif isinstance(event, Sequences):
                await self._set_sequences(event)
            elif isinstance(event, Header) and event != contents.header:
                raise BackupDoesNotFit(self._path, "the file has changed meanwhile")

    async def finish(self) -> None:
        """Put back what stood in the way of filling, and make what is made of the rows."""
        if "embedders" in {table.name for table in self._tables}:
            await self._make_vector_indexes()
        for table in self._tables:
            await self._connection.execute(f"ALTER TABLE public.{table.name} ENABLE TRIGGER USER")
            if table.forced:
                await self._connection.execute(f"ALTER TABLE public.{table.name} FORCE ROW LEVEL SECURITY")
            await self._connection.execute(f"ANALYZE public.{table.name}")

    async def _take_over(self, contents: Contents) -> None:
        """Have the tables to ourselves, with nothing hidden and no trigger; make sure that they are empty, and fit."""
        names = ", ".join(f"public.{table.name}" for table in self._tables)
        await self._connection.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
        for table in self._tables:
            await self._connection.execute(f"ALTER TABLE public.{table.name} DISABLE TRIGGER USER")
            if table.forced:
                await self._connection.execute(f"ALTER TABLE public.{table.name} NO FORCE ROW LEVEL SECURITY")
        for table in self._tables:
            if await self._connection.fetchval(f"SELECT EXISTS (SELECT FROM public.{table.name})"):  # noqa: S608  # ours
                raise DatabaseNotEmpty(self._server, table.name)
        revision = (await read_version(self._connection)).revision
        if revision != contents.header.revision:
            raise DatabaseAhead(self._server, revision, contents.header.revision)
        if differing := {table.name for table in self._tables} ^ contents.rows.keys():
            raise BackupDoesNotFit(self._path, f"tables that only one of both has: {', '.join(sorted(differing))}")
        # Constraints that may wait until the end would be in the way of the changes above being taken back.
        await self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")

    async def _copy_table(self, start: TableStart, shape: TableShape, advance: Callable[[], Event | None]) -> TableEnd:
        if differing := set(start.columns) ^ set(shape.columns):
            reason = f"columns of {shape.name} that only one of both has: {', '.join(sorted(differing))}"
            raise BackupDoesNotFit(self._path, reason)
        ends: list[TableEnd] = []
        read = RowDigest()
        async with Watchdog() as watchdog:

            async def rows() -> AsyncIterator[bytes]:
                while isinstance(event := await asyncio.to_thread(advance), Rows):
                    watchdog.feed()
                    read.feed(event.data)
                    yield event.data
                assert isinstance(event, TableEnd)
                ends.append(event)

            try:
                await self._connection.copy_to_table(
                    shape.name, source=rows(), columns=start.columns, schema_name="public", format="text"
                )
            except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
                # The message may quote the row.
                reason = f"Postgres refuses its rows of {shape.name} (SQLSTATE {error.sqlstate})"
                raise BackupDoesNotFit(self._path, reason) from None
        [end] = ends
        await self._compare(start, end, read)
        return end

    async def _compare(self, start: TableStart, end: TableEnd, read: RowDigest) -> None:
        """Read a table back: written out, each row must be what was read, byte by byte."""
        written = RowDigest()
        async with Watchdog() as watchdog:

            async def take(data: bytes) -> None:
                watchdog.feed()
                written.feed(data)

            await self._connection.copy_from_table(
                start.name, output=take, columns=start.columns, schema_name="public", format="text"
            )
        counted = await self._connection.fetchval(f"SELECT count(*) FROM public.{start.name}")  # noqa: S608  # ours
        if written.value != read.value or counted != end.rows:
            raise BackupDoesNotFit(self._path, f"the rows of {start.name} came out otherwise than they went in")

    async def _set_sequences(self, event: Sequences) -> None:
        for name, (value, called) in event.values.items():
            await self._connection.execute("SELECT setval('public.' || quote_ident($1), $2, $3)", name, value, called)

    async def _make_vector_indexes(self) -> None:
        """The library's indexes, of which only the rows say that they are there."""
        schema = await self._connection.fetchval(EXTENSION_SCHEMA)
        await self._connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
        # Workers share memory through /dev/shm, of which a container has little.
        await self._connection.execute("SET LOCAL max_parallel_maintenance_workers = 0")
        for row in await self._connection.fetch(_INDEXED):
            await self._connection.execute(
                _INDEX.format(id=row["id"], schema=schema, dimensions=row["dimensions"]), timeout=None
            )
