"""The revisions this release knows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from db.errors import SchemaTooNew

REVISIONS: Final = ("base", *sorted(p.name[:4] for p in (Path(__file__).parent / "versions").glob("*.up.sql")))
"""Oldest first; "base" is the empty database."""

MIGRATION_LOCK: Final = "x'636F6E73696C6975'::bigint"
"""The advisory lock of whoever migrates; a backup shares it. The number is "consiliu" in ASCII."""
VERSION_TABLE_EXISTS: Final = "SELECT to_regclass('public.alembic_version') IS NOT NULL"
CURRENT_VERSION: Final = "SELECT version_num FROM public.alembic_version"
EXTENSION_SCHEMA: Final = """
    SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'vector'
"""
"""Where pgvector's types are: a server may keep its extensions in a schema of their own."""


def preceding(revision: str) -> str:
    """The revision before this one."""
    return REVISIONS[REVISIONS.index(revision) - 1]


def validate_revision(version: str | None, server: str) -> str:
    """The revision a database says it is at; "base" when it says nothing.

    Raises:
        SchemaTooNew: this release does not know it.
    """
    revision = version or "base"
    if revision not in REVISIONS:
        raise SchemaTooNew(server=server, revision=revision)
    return revision
