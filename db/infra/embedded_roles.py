"""The roles of an embedded server: its superuser makes them once, and then nothing runs as it any more."""

from __future__ import annotations

from functools import partial
from typing import Final

from consilium.retry import BackoffConfig, retry
from db.errors import TransactionConflict
from db.infra.cluster import SUPERUSER
from db.infra.driver_errors import open_connection
from db.infra.login_role import login_name
from db.infra.service_role import SERVICE_ROLE

OWNER_ROLE: Final = "consilium_owner"
"""Owns the embedded database, and migrates it; no superuser."""

_BACKOFF: Final = BackoffConfig(initial=0.2, maximum=2.0, jitter=0.2)
_FOREIGN_OBJECTS: Final = f"""
    SELECT format('ALTER TABLE %s OWNER TO {OWNER_ROLE}', oid::regclass) AS statement
    FROM pg_class AS c
    WHERE relnamespace = 'public'::regnamespace AND relowner = '{SUPERUSER}'::regrole
        AND relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT EXISTS (
            -- Sequences of columns go with their tables, and what is an extension's stays its own.
            SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype IN ('a', 'e', 'i')
        )
    UNION ALL
    SELECT format('ALTER ROUTINE %s OWNER TO {OWNER_ROLE}', oid::regprocedure)
    FROM pg_proc AS p
    WHERE pronamespace = 'public'::regnamespace AND proowner = '{SUPERUSER}'::regrole AND NOT EXISTS (
        SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e'
    )
    UNION ALL
    SELECT format('ALTER TYPE %s OWNER TO {OWNER_ROLE}', oid::regtype)
    FROM pg_type AS t
    WHERE typnamespace = 'public'::regnamespace AND typowner = '{SUPERUSER}'::regrole AND typtype IN ('e', 'd')
        AND NOT EXISTS (
            SELECT FROM pg_depend WHERE classid = 'pg_type'::regclass AND objid = t.oid AND deptype = 'e'
        )
    UNION ALL
    -- Policies for the functions that run as the owner.
    SELECT format('ALTER POLICY %I ON %s TO {OWNER_ROLE}', polname, polrelid::regclass)
    FROM pg_policy WHERE polroles = ARRAY['{SUPERUSER}'::regrole::oid]
"""  # noqa: S608 - names of our own
_ROLES: Final = f"""
    DO $$
    BEGIN
        IF to_regrole('{SERVICE_ROLE}') IS NULL THEN
            CREATE ROLE {SERVICE_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
        END IF;
        IF to_regrole('{OWNER_ROLE}') IS NULL THEN
            CREATE ROLE {OWNER_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
            -- What the first migration asks for; it gives the owner nothing that it could not do itself.
            GRANT {SERVICE_ROLE} TO {OWNER_ROLE} WITH INHERIT FALSE, SET TRUE;
        END IF;
        IF to_regrole('{login_name(OWNER_ROLE)}') IS NULL THEN
            CREATE ROLE {login_name(OWNER_ROLE)} LOGIN INHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
            GRANT {SERVICE_ROLE} TO {login_name(OWNER_ROLE)} WITH INHERIT TRUE, SET TRUE;
        END IF;
    END
    $$
"""
_IS_OWNED: Final = f"""
    SELECT EXISTS (SELECT FROM pg_database WHERE datname = current_database() AND datdba = to_regrole('{OWNER_ROLE}'))
        AND to_regrole('{login_name(OWNER_ROLE)}') IS NOT NULL
"""  # noqa: S608 - names of our own


async def are_roles_prepared(superuser_dsn: str, deadline: float) -> bool:
    """Whether `prepare_roles` has been here; changes nothing.

    Raises:
        DatabaseError: the server does not answer.
    """
    async with open_connection(superuser_dsn, deadline) as connection:
        return bool(await connection.fetchval(_IS_OWNED))


async def prepare_roles(superuser_dsn: str, deadline: float) -> None:
    """Make the owner's and the service's roles, and give the owner what an earlier release made as the superuser.

    A process of an earlier release that uses a table at this moment is waited for a little, time after time, and not
    held up.

    Raises:
        DatabaseError: the server does not answer, or a table has been in use all the time.
    """
    await retry(
        partial(_prepare_roles, superuser_dsn, deadline),
        on=TransactionConflict,
        backoff=_BACKOFF,
        give_up_after=deadline,
    )


async def _prepare_roles(superuser_dsn: str, deadline: float) -> None:
    async with open_connection(superuser_dsn, deadline) as connection, connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '1s'")
        if not await connection.fetchval(_IS_OWNED):
            await connection.execute(_ROLES)
            await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            database = await connection.fetchval("SELECT quote_ident(current_database())")
            await connection.execute(f"ALTER DATABASE {database} OWNER TO {OWNER_ROLE}")
        for row in await connection.fetch(_FOREIGN_OBJECTS):
            await connection.execute(row["statement"])
