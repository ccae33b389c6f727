"""What a database says of its schema, and whether this program runs on it.

Two values: the revision, and the compatibility number: the newest contracting migration that has run. A program runs on
every schema whose compatibility number it knows and whose revision is at least what it requires. So the version before
runs on a schema that has only been expanded, and a schema that has been contracted under it is refused.

Programs from before the compatibility number look at Alembic's table alone, and start only if it names their own newest
revision. So in an upgrade that table keeps the revision that they left there for as long as they may run; how far the
schema really is stands in `schema_version`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.errors import SchemaMissing, SchemaTooNew, SchemaTooOld, SchemaUnreadable
from db.infra.migrations.revisions import REVISIONS, newest_contraction, required_revision

if TYPE_CHECKING:
    import asyncpg

TABLES_EXIST: Final = """
    SELECT to_regclass('public.schema_version') IS NOT NULL, to_regclass('public.alembic_version') IS NOT NULL
"""
CREATE_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS public.schema_version (
        revision text NOT NULL,
        -- The newest migration that takes something away from older programs; who does not know it does not start.
        compatibility text NOT NULL
    )
"""
READABLE: Final = """
    SELECT coalesce(bool_and(has_table_privilege(table_id, 'SELECT')), true)
    FROM unnest(ARRAY[to_regclass('public.schema_version'), to_regclass('public.alembic_version')]) AS table_id
    WHERE table_id IS NOT NULL
"""
READ: Final = "SELECT revision, compatibility FROM public.schema_version"
READ_MARK: Final = "SELECT version_num FROM public.alembic_version"


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """How far a database is."""

    revision: str
    """The newest migration that has run; "base" when there is no schema yet."""
    compatibility: str
    """The newest contracting one; "base" when there is none."""
    mark: str
    """What programs from before the compatibility number find, and start with if it is their own newest revision."""

    @property
    def is_known(self) -> bool:
        """Whether this release knows the revision."""
        return self.revision in REVISIONS

    @property
    def is_current(self) -> bool:
        """Whether nothing is left to run."""
        return self.revision == REVISIONS[-1]


def describe_version(recorded: tuple[str, str] | None, mark: str | None) -> SchemaVersion:
    """The version from what the two tables say; None for a table without a row.

    A database that only programs from before the compatibility number have migrated has no row of ours.
    """
    if recorded is not None:
        return SchemaVersion(*recorded, mark or "base")
    revision = mark or "base"
    compatibility = newest_contraction(revision) if revision in REVISIONS else revision
    return SchemaVersion(revision, compatibility, revision)


async def read_version(connection: asyncpg.Connection) -> SchemaVersion:
    """Read the version of a database.

    Raises:
        SchemaUnreadable: the login may not read it: it is not the owner's, and the schema is older than the right to.
    """
    if not await connection.fetchval(READABLE):
        raise SchemaUnreadable(required=required_revision())
    has_version, has_mark = await connection.fetchrow(TABLES_EXIST)
    row = await connection.fetchrow(READ) if has_version else None
    mark = await connection.fetchval(READ_MARK) if has_mark else None
    return describe_version(None if row is None else (row["revision"], row["compatibility"]), mark)


def require_known(version: SchemaVersion, server: str) -> None:
    """Return when the schema has nothing that this program must know and does not.

    Raises:
        SchemaTooNew: it has.
    """
    if version.compatibility not in REVISIONS:
        raise SchemaTooNew(server=server, revision=version.revision, compatibility=version.compatibility)


def require_usable(version: SchemaVersion, server: str) -> None:
    """Return when this program runs on the schema.

    Raises:
        SchemaMissing, SchemaTooOld: a migration of this program has to run first.
        SchemaTooNew: the schema has been changed in a way that this program does not know.
    """
    require_known(version, server)
    if version.revision == "base":
        raise SchemaMissing(server=server)
    required = required_revision()
    if version.is_known and REVISIONS.index(version.revision) < REVISIONS.index(required):
        raise SchemaTooOld(server=server, revision=version.revision, required=required)
