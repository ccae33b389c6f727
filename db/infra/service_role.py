"""The role the service runs as, and the proof that row-level security holds for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db.errors import UnsafeRole

if TYPE_CHECKING:
    import asyncpg

SERVICE_ROLE: Final = "consilium_app"
"""Made by the first migration; cannot log in, owns nothing, cannot bypass row-level security."""

_AUDIT_ROLE: Final = """
    SELECT
        current_user AS role,
        EXISTS (
            SELECT FROM pg_roles
            WHERE (rolsuper OR rolbypassrls) AND pg_has_role(current_user, oid, 'MEMBER')
        ) AS bypasses,
        EXISTS (
            SELECT FROM pg_shdepend
            WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o'
                AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = current_user)
        ) AS owns,
        (
            SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
            WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
                AND pg_has_role(current_user, relowner, 'MEMBER')
        ) AS ruled,
        (
            SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
            WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
                AND NOT (relrowsecurity AND relforcerowsecurity)
                AND has_table_privilege(current_user, pg_class.oid, 'SELECT')
                AND (relname = 'users' OR EXISTS (
                    SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'user_id' AND NOT attisdropped
                ))
        ) AS unprotected
"""


async def verify_row_level_security(connection: asyncpg.Connection) -> None:
    """Check that this connection's role sees a person's rows only as that person.

    Raises:
        UnsafeRole: it could see more.
    """
    audit = await connection.fetchrow(_AUDIT_ROLE)
    reason = None
    if audit["role"] != SERVICE_ROLE:
        reason = f"the service runs as it and not as {SERVICE_ROLE}"
    elif audit["bypasses"]:
        reason = "it is, or can become, a superuser or a role with BYPASSRLS"
    elif audit["owns"]:
        reason = "it owns objects on this server"
    elif audit["ruled"]:
        reason = f"it can become the owner of {audit['ruled']}"
    elif audit["unprotected"]:
        reason = f"row-level security is off on {audit['unprotected']}"
    if reason is not None:
        raise UnsafeRole(role=audit["role"], reason=reason)
