"""The pool, and the transactions in which people's rows are seen."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import asyncpg
import structlog
from pgvector.asyncpg import register_vector

from db.errors import DatabaseError, DatabaseReadOnly, DatabaseUnreachable, ServiceRoleDenied
from db.infra.connection import PLAN_ONCE, SET_CURRENT_PERSON, Connection, PersonConnection
from db.infra.driver_errors import DRIVER_ERRORS, describe_dsn, open_connection, translate_driver_errors
from db.infra.login_role import find_login, is_service_login, provide_login
from db.infra.migrate import check_schema, migrate_for_start
from db.infra.migrations.revisions import EXTENSION_SCHEMA, REVISIONS
from db.infra.service_role import SERVICE_ROLE, verify_row_level_security

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType
    from typing import Self
    from uuid import UUID

    from db.infra.migrations.schema_version import SchemaVersion

log = structlog.get_logger(__name__)


class Access(Enum):
    """What opening a database may do to its schema."""

    MIGRATE = "bring it to this release, as far as older programs that are running allow"
    CHECK = "leave it as it is, and refuse one that this release does not run on"
    READ = "the same, and in no transaction change anything at all"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long the database may take, in seconds."""

    connect: float = 10.0
    acquire: float = 10.0
    """Until a connection of the pool is free."""
    statement: float = 15.0
    idle: float = 60.0
    """The server ends a transaction that is idle for so long, so that its locks block no one."""
    migrate: float = 300.0
    close: float = 10.0
    """Until connections still in use are cut off on closing."""


class Database:
    """A pool of connections to one database, all of them running as the service's role.

    Made by :meth:`open`. What a person owns is visible only inside :meth:`person`.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        service_dsn: str,
        deadlines: Deadlines,
        *,
        schema: SchemaVersion,
        logs_in_as_owner: bool = False,
    ) -> None:
        self._pool = pool
        self._server = describe_dsn(service_dsn)
        self._deadlines = deadlines
        self.service_dsn = service_dsn
        """DSN that its connections log in with, for connections beside the pool."""
        self.schema = schema
        """How far the schema was when the database was opened."""
        self.logs_in_as_owner = logs_in_as_owner
        """Whether no login of the service's own could be had. A statement can become the owner then."""

    @classmethod
    async def open(
        cls,
        dsn: str,
        *,
        service_dsn: str | None = None,
        access: Access = Access.MIGRATE,
        pool_size: int = 10,
        deadlines: Deadlines = Deadlines(),
    ) -> Self:
        """Migrate or check the database's schema as the DSN's own role, then open the pool as the service's.

        The pool logs in with a role of its own (`db.infra.login_role`). Where the owner may not make one, it logs in
        as the owner and changes its role, unless the owner is a superuser.

        Args:
            dsn: the owner's, ``postgresql://…``, over TCP or a unix socket; Postgres 16 or newer with pgvector. Where
                nothing is left to migrate, the service's own is enough.
            service_dsn: the service's own, of a role that is a member of `consilium_app` and of no other.
            access: what may be changed.
            pool_size: connections at most.
            deadlines: how long everything may take.

        Raises:
            DatabaseUnreachable, DatabaseRefused: no connection.
            MigrationFailed, MigrationBlocked, OlderProgramRunning: it could not be migrated.
            SchemaMissing, SchemaTooOld, SchemaTooNew, SchemaUnreadable: this release does not run on the schema.
            ServiceRoleDenied, UnsafeRole: not as the service's role, or row-level security would not hold.
        """
        if access is Access.MIGRATE:
            version = await migrate_for_start(dsn, deadline=deadlines.migrate)
        else:
            version = await check_schema(dsn, deadline=deadlines.connect)
        if not version.is_current:
            log.info("schema.neighbour_found", revision=version.revision, own=REVISIONS[-1])
        async with open_connection(dsn, deadlines.connect) as connection:
            schema = await connection.fetchval(EXTENSION_SCHEMA)
            if service_dsn is None and await is_service_login(connection):
                service_dsn = dsn
            if service_dsn is None:
                log_in = find_login if access is Access.READ else provide_login
                service_dsn = await log_in(connection, dsn, deadlines.connect)
        logs_in_as_owner = service_dsn is None
        if service_dsn is None:
            if access is not Access.READ:
                log.warning("database.login_shared", server=describe_dsn(dsn))
            service_dsn = dsn

        async def prepare(connection: asyncpg.Connection) -> None:
            await register_vector(connection, schema=schema)

        server = describe_dsn(service_dsn)
        read_only = {"default_transaction_read_only": "on"} if access is Access.READ else {}
        with translate_driver_errors(server):
            try:
                pool = await asyncpg.create_pool(
                    service_dsn,
                    min_size=1,
                    max_size=pool_size,
                    init=prepare,
                    reset=_skip_reset,
                    timeout=deadlines.connect,
                    command_timeout=deadlines.statement,
                    server_settings={
                        "application_name": "consilium",
                        "role": SERVICE_ROLE,
                        "search_path": f'public, "{schema}"',
                        "idle_in_transaction_session_timeout": str(int(deadlines.idle * 1000)),
                        **read_only,
                    },
                )
            except asyncpg.InsufficientPrivilegeError as error:
                raise ServiceRoleDenied(server=server, reason=str(error)) from error
        database = cls(pool, service_dsn, deadlines, schema=version, logs_in_as_owner=logs_in_as_owner)
        try:
            with translate_driver_errors(server):
                if access is Access.READ and logs_in_as_owner:
                    return database  # the service's own login is made when the service starts
                async with pool.acquire(timeout=deadlines.acquire) as connection:
                    await verify_row_level_security(connection, logs_in_as_owner=logs_in_as_owner)
        except BaseException:
            await database.close()
            raise
        return database

    @asynccontextmanager
    async def person_transaction(
        self, user_id: UUID, *, chat: str | None = None, by_key: bool = False
    ) -> AsyncIterator[PersonConnection]:
        """A transaction that sees what this person owns; committed at its end, rolled back by any exception.

        Args:
            chat: the chat with others that it is for, as in `telegram:-100123`: nothing private is visible then.
            by_key: see `anonymous_transaction`.

        Inside it, open no second one: of all that wait for a second connection none may ever get it.

        Raises:
            DatabaseUnreachable: also when the commit's fate is unknown.
        """
        async with self._transaction(user_id, by_key=by_key) as raw:
            person = PersonConnection(raw, self._server, user_id)
            if chat is not None:
                await person.enter_chat(chat)
            yield person

    @asynccontextmanager
    async def anonymous_transaction(self, *, by_key: bool = False) -> AsyncIterator[Connection]:
        """A transaction before the person is known: nothing that anyone owns is visible in it.

        Args:
            by_key: its statements find their rows by a key, whatever its value: each is planned once for a connection,
                which otherwise takes longer than running it, every time.
        """
        async with self._transaction(None, by_key=by_key) as raw:
            yield Connection(raw, self._server)

    async def ping(self) -> None:
        """Ask the server for a sign of life.

        Raises:
            DatabaseUnreachable: it gave none.
        """
        async with self.anonymous_transaction() as connection:
            await connection.fetchval("SELECT 1")

    async def check_writable(self) -> None:
        """Return when the server answers and takes changes.

        Raises:
            DatabaseUnavailable: it does not, and why.
        """
        async with self.anonymous_transaction() as connection:
            if await connection.fetchval("SELECT current_setting('transaction_read_only')") == "on":
                raise DatabaseReadOnly(server=self._server, reason="its transactions are read only")

    async def close(self) -> None:
        """Close the pool, cutting off what has not ended by the deadline. Idempotent."""
        try:
            async with asyncio.timeout(self._deadlines.close):
                await self._pool.close()
        except (OSError, *DRIVER_ERRORS):
            self._pool.terminate()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @asynccontextmanager
    async def _transaction(self, user_id: UUID | None, *, by_key: bool) -> AsyncIterator[asyncpg.Connection]:
        raw = await self._begin(_begin_statements(user_id, by_key=by_key))
        # `reaching` stands around our own awaits only: an OSError of the caller's is none of the database's.
        try:
            try:
                yield raw
            except BaseException:
                with suppress(DatabaseError), translate_driver_errors(self._server):
                    await raw.execute("ROLLBACK")
                raise
            with translate_driver_errors(self._server):
                await raw.execute("COMMIT")
        except DatabaseReadOnly:
            # After a failover the address may lead to another server than the one these connections go to.
            await self._pool.expire_connections()
            raise
        finally:
            await self._release(raw)

    async def _begin(self, statements: str) -> asyncpg.Connection:
        """A connection of the pool with its transaction begun by these statements."""
        replaced = False
        while True:
            with translate_driver_errors(self._server):
                raw = await self._pool.acquire(timeout=self._deadlines.acquire)
            try:
                with translate_driver_errors(self._server):
                    await raw.execute(f"{raw.get_reset_query()}; {statements}")
                return raw
            except DatabaseUnreachable as error:
                lost = not isinstance(error.__cause__, TimeoutError)
                await self._release(raw)
                if not lost or replaced:
                    raise
                # It died unnoticed while it lay in the pool, as after a restart of the server. So may have the others.
                replaced = True
                await self._pool.expire_connections()
            except BaseException:
                await self._release(raw)
                raise

    async def _release(self, raw: asyncpg.Connection) -> None:
        # Whatever befalls the connection now, the transaction's outcome is known, and the pool replaces it.
        with suppress(OSError, *DRIVER_ERRORS):
            await self._pool.release(raw, timeout=self._deadlines.statement)


async def _skip_reset(connection: asyncpg.Connection) -> None:
    """Nothing: what was left behind on a connection is wiped off when the next transaction begins on it."""


def _begin_statements(user_id: UUID | None, *, by_key: bool) -> str:
    """What a transaction begins with, sent in one go after the driver's reset, which leaves a changed role in force."""
    statements = ["RESET ROLE", "BEGIN"]
    if by_key:
        statements.append(PLAN_ONCE)
    if user_id is not None:
        # Several statements at once take no arguments: the id is written out, and is nothing but hexadecimal digits.
        statements.append(SET_CURRENT_PERSON.replace("$1", _quote_uuid(user_id)))
    return "; ".join(statements)


def _quote_uuid(user_id: UUID) -> str:
    return f"'{user_id.hex}'::uuid::text"
