"""The role the service runs as, and the proof that row-level security holds for it: by its rights, and by trying."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg

from db.errors import UnsafeRole

if TYPE_CHECKING:
    from collections.abc import Sequence

SERVICE_ROLE: Final = "consilium_app"
"""Made by the first migration; owns nothing, cannot bypass row-level security."""

_AUDIT_ROLE: Final = """
    SELECT
        current_user AS role,
        session_user AS login,
        EXISTS (
            SELECT FROM pg_roles
            WHERE (rolsuper OR rolbypassrls) AND pg_has_role(member, oid, 'MEMBER')
        ) AS bypasses,
        EXISTS (
            SELECT FROM pg_shdepend
            WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o'
                AND refobjid IN (SELECT oid FROM pg_roles WHERE pg_has_role(member, oid, 'MEMBER'))
        ) AS owns,
        (
            SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
            WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
                AND pg_has_role(member, relowner, 'MEMBER')
        ) AS ruled,
        (
            SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
            WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
                AND NOT (relrowsecurity AND relforcerowsecurity)
                AND has_table_privilege(member, pg_class.oid, 'SELECT')
                AND (relname = 'users' OR EXISTS (
                    SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'user_id' AND NOT attisdropped
                ))
        ) AS unprotected
    FROM (SELECT CASE WHEN $1 THEN current_user ELSE session_user END AS member) AS asked
"""
ESCAPES: Final = (
    # Leaves the role.
    "SET SESSION AUTHORIZATION postgres",
    "SET ROLE postgres",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "CREATE ROLE consilium_escape",
    # Switches the security off.
    "ALTER TABLE turns DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE memories NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY own ON turns",
    "CREATE POLICY all_of_it ON memories USING (true)",
    "ALTER FUNCTION current_person() RENAME TO nobody",
    "CREATE FUNCTION public.escape() RETURNS int LANGUAGE sql RETURN 1",
    "CREATE TABLE public.escape (it int)",
    # Reaches the machine.
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/consilium-escape'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT lo_export(0, '/tmp/consilium-escape')",
    "ALTER SYSTEM SET log_statement = 'all'",
)
"""Statements that the service's role must be refused, each tried when the database is opened."""


async def verify_row_level_security(connection: asyncpg.Connection, *, logs_in_as_owner: bool = False) -> None:
    """Check that this connection sees a person's rows only as that person, whatever role a statement changes to.

    Args:
        logs_in_as_owner: the login is known to be the owner's, so that only the role is checked and not the login.

    Raises:
        UnsafeRole: it could see more.
    """
    audit = await connection.fetchrow(_AUDIT_ROLE, logs_in_as_owner)
    reason = None
    if audit["role"] != SERVICE_ROLE:
        reason = f"the service runs as it and not as {SERVICE_ROLE}"
    elif audit["bypasses"]:
        reason = "it is, or can become, a superuser or a role with BYPASSRLS"
    elif audit["ruled"]:
        reason = f"it can become the owner of {audit['ruled']}"
    elif audit["owns"]:
        reason = "it owns objects on this server"
    elif audit["unprotected"]:
        reason = f"row-level security is off on {audit['unprotected']}"
    elif allowed := await _allowed(connection, [] if logs_in_as_owner else ["SET ROLE NONE"]):
        reason = f"it may run: {allowed}"
    if reason is not None:
        raise UnsafeRole(role=audit["role"] if logs_in_as_owner else audit["login"], reason=reason)


async def _allowed(connection: asyncpg.Connection, prelude: Sequence[str]) -> str | None:
    """The first of `ESCAPES` that is not refused; everything is rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    # Read only, everything would be refused. It is rolled back all the same.
    await connection.execute("SET TRANSACTION READ WRITE")
    try:
        for statement in ESCAPES:
            try:
                async with connection.transaction():
                    for before in prelude:
                        await connection.execute(before)
                    await connection.execute(statement)
            except _REFUSALS:
                continue
            except _FAILURES:
                return statement
            else:
                return statement
    finally:
        await transaction.rollback()
    return None


_FAILURES: Final = (asyncpg.InternalServerError, asyncpg.ExternalRoutineError, asyncpg.PostgresSystemError)
"""What a program or a file may end with that the server has run or opened: the statement was not refused."""
_REFUSALS: Final = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidParameterValueError,  # a role that is not there
    asyncpg.UndefinedObjectError,
    asyncpg.ActiveSQLTransactionError,  # of what is refused inside any transaction
)
