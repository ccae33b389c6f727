"""Which tables make up a backup, asked of the database itself, so that none is forgotten."""

from __future__ import annotations

import re
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from db.infra import migrations

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

_CREATE_TABLE: Final = re.compile(r"^CREATE (?:UNLOGGED )?TABLE (\w+)", re.MULTILINE)
_VERSIONS: Final = Path(migrations.__file__).parent / "versions"

_TABLES: Final = """
    SELECT c.relname AS name, c.relforcerowsecurity AS forced, array_agg(a.attname::text ORDER BY a.attnum) AS columns
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname = ANY ($1::text[])
        -- What is computed from other columns is computed again.
        AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    GROUP BY c.oid
    ORDER BY c.relname
"""
_REFERENCES: Final = """
    SELECT conrelid::regclass::text AS table, confrelid::regclass::text AS referenced FROM pg_constraint
    WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conrelid <> confrelid
"""
_SEQUENCES: Final = """
    SELECT s.relname FROM pg_class AS s JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid
    WHERE s.relkind = 'S' AND s.relnamespace = 'public'::regnamespace AND d.deptype IN ('a', 'i')
        AND d.refclassid = 'pg_class'::regclass
        AND d.refobjid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY ($1))
    ORDER BY s.relname
"""


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table as it is in the database."""

    name: str
    columns: Sequence[str]
    """Without those that are computed from others."""
    forced: bool
    """Whether row-level security is forced on its owner too."""


def names_in_migrations() -> list[str]:
    """The names of all tables that a migration has ever made."""
    found = (_CREATE_TABLE.findall(path.read_text("utf-8")) for path in sorted(_VERSIONS.glob("*.up.sql")))
    return sorted({name for names in found for name in names})


async def list_tables(connection: asyncpg.Connection) -> list[TableShape]:
    """The tables of ours that are there, each after those that it refers to; without the one of the revision.

    Tables that somebody else has made in the same database are not among them.
    """
    rows = await connection.fetch(_TABLES, names_in_migrations())
    tables = {row["name"]: TableShape(row["name"], row["columns"], row["forced"]) for row in rows}
    graph: dict[str, set[str]] = {name: set() for name in tables}
    for row in await connection.fetch(_REFERENCES):
        if row["table"] in tables and row["referenced"] in tables:
            graph[row["table"]].add(row["referenced"])
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise AssertionError("tables that refer to each other need constraints that can be deferred") from error
    return [tables[name] for name in order]


async def list_sequences(connection: asyncpg.Connection, tables: Sequence[TableShape]) -> list[str]:
    """The sequences that belong to columns of these tables."""
    return [row["relname"] for row in await connection.fetch(_SEQUENCES, [table.name for table in tables])]
