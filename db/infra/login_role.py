"""The role that the service logs in as: its own, a member of the service's role and of no other.

With the owner's connection and `SET ROLE` alone, `SET ROLE NONE` would lead a statement back to the owner. From a
login of its own there is no way back.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import asyncpg

from db.infra.service_role import SERVICE_ROLE

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCRAM_ITERATIONS: Final = 4096
_IS_LOGIN: Final = f"""
    SELECT rolcanlogin AND pg_has_role(rolname, '{SERVICE_ROLE}', 'USAGE') FROM pg_roles WHERE rolname = $1
"""  # noqa: S608 - names of our own
_IS_SERVICE: Final = f"""
    SELECT coalesce(bool_and(
        pg_has_role(session_user, '{SERVICE_ROLE}', 'USAGE') AND NOT pg_has_role(session_user, relowner, 'MEMBER')
    ), false)
    FROM pg_class WHERE oid = to_regclass('public.users')
"""  # noqa: S608 - names of our own
_REFUSED: Final = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)


async def is_service_login(connection: asyncpg.Connection) -> bool:
    """Whether a connection's own login is the service's: it can act as the service and not become the owner.

    Such a login needs no other beside it. Whether it is safe is checked apart (`db.infra.service_role`).
    """
    answer: bool = await connection.fetchval(_IS_SERVICE)
    return answer


def login_name(owner: str) -> str:
    """The name of the login role that belongs to an owner's role."""
    return f"consilium_login_{hashlib.sha256(owner.encode()).hexdigest()[:12]}"


async def find_login(owner: asyncpg.Connection, dsn: str, deadline: float) -> str | None:
    """The DSN of the login role; None when there is none yet, or it cannot log in.

    Args:
        owner: a connection as the DSN's own role, outside a transaction.
        deadline: seconds to connect.
    """
    name = login_name(await owner.fetchval("SELECT session_user::text"))
    candidate = _replace_user(
        dsn, name, _derive_password(dsn, name), await owner.fetchval("SELECT current_database()::text")
    )
    if await owner.fetchval(_IS_LOGIN, name) and await _can_connect(candidate, deadline):
        return candidate
    return None


async def provide_login(owner: asyncpg.Connection, dsn: str, deadline: float) -> str | None:
    """Make the login role if there is none, and return its DSN; None when it cannot be made or cannot log in.

    Its password is derived from the owner's, so that every process that has the owner's DSN knows it. An owner without
    a password in its DSN has a login role without one: the server lets it in only where it trusts local users.

    Args:
        owner: a connection as the DSN's own role, outside a transaction.
        deadline: seconds to connect.
    """
    if (found := await find_login(owner, dsn, deadline)) is not None:
        return found
    name = login_name(await owner.fetchval("SELECT session_user::text"))
    # An internal error: another database's process has changed the role at the same moment.
    with suppress(asyncpg.InsufficientPrivilegeError, asyncpg.InternalServerError):
        await _make(owner, name, _derive_password(dsn, name))
    return await find_login(owner, dsn, deadline)


async def _make(owner: asyncpg.Connection, name: str, password: str | None) -> None:
    secret = "" if password is None else f" PASSWORD '{_scram_verifier(password)}'"
    rights = f"LOGIN INHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION{secret}"
    async with owner.transaction():
        await owner.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name)
        if await owner.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name):
            await owner.execute(f"ALTER ROLE {name} {rights}")
        else:
            # Roles belong to the whole server: another database's process may be making it right now.
            with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                async with owner.transaction():
                    await owner.execute(f"CREATE ROLE {name} {rights}")
        await owner.execute(f"GRANT {SERVICE_ROLE} TO {name} WITH INHERIT TRUE, SET TRUE")


async def _can_connect(dsn: str, deadline: float) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=deadline, server_settings={"role": SERVICE_ROLE})
    except _REFUSED:
        return False
    except asyncpg.InterfaceError:  # the server wants a password, and there is none
        return False
    await connection.close()
    return True


def _derive_password(dsn: str, name: str) -> str | None:
    known = next(_passwords(dsn), None)
    return hmac.new(known.encode(), f"consilium {name}".encode(), hashlib.sha256).hexdigest() if known else None


def _passwords(dsn: str) -> Iterator[str]:
    parts = urlsplit(dsn)
    written = parts.netloc.rpartition("@")[0].partition(":")[2]
    if written:
        yield unquote(written)
    yield from (value for key, value in parse_qsl(parts.query) if key == "password")


def _replace_user(dsn: str, user: str, password: str | None, database: str) -> str:
    parts = urlsplit(dsn)
    credentials = user if password is None else f"{user}:{password}"
    query = [(key, value) for key, value in parse_qsl(parts.query) if key not in ("user", "password", "dbname")]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        (parts.scheme, f"{credentials}@{host}", f"/{quote(database, safe='')}", urlencode(query, safe="/"), "")
    )


def _scram_verifier(password: str) -> str:
    """What Postgres stores of a password: so the password itself is in no statement, and in no log of statements."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored_key, server_key))
    return f"SCRAM-SHA-256${_SCRAM_ITERATIONS}:{salt64}${stored64}:{server64}"
