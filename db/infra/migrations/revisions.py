"""The revisions this release knows, and when each may run beside an older program."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

_VERSIONS: Final = Path(__file__).parent / "versions"
REVISIONS: Final = ("base", *sorted(p.name[:4] for p in _VERSIONS.glob("*.up.sql")))
"""Oldest first; "base" is the empty database."""
_MARK: Final = re.compile(r"-- stage: (before|after)")

MIGRATION_LOCK: Final = "x'636F6E73696C6975'::bigint"
"""The advisory lock of whoever migrates; a backup shares it. The number is "consiliu" in ASCII."""
EXTENSION_SCHEMA: Final = """
    SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'vector'
"""
"""Where pgvector's types are: a server may keep its extensions in a schema of their own."""


class Stage(StrEnum):
    """When a migration runs in an upgrade."""

    BEFORE = "before"
    """Before the new program starts, while the old one runs: it only adds (expands)."""
    AFTER = "after"
    """After the last old program has ended: it takes away or changes what that one uses (contracts)."""


class UnmarkedMigration(ValueError):
    """A migration does not say in its first line when it runs."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    revision: str
    stage: Stage
    summary: str
    """What it is for, in a sentence."""


def read_migration(script: Path) -> Migration:
    """Read a migration's mark from the first line of its ``.up.sql``, and its sentence from the ``.py`` beside it.

    Raises:
        UnmarkedMigration: there is no mark.
    """
    with script.open(encoding="utf-8") as lines:
        mark = _MARK.fullmatch(lines.readline().rstrip())
    if mark is None:
        raise UnmarkedMigration(f"{script.name} must begin with “-- stage: before” or “-- stage: after”")
    module = ast.parse(script.with_name(script.name.replace(".up.sql", ".py")).read_text(encoding="utf-8"))
    return Migration(script.name[:4], Stage(mark[1]), ast.get_docstring(module) or "")


@cache
def migrations() -> tuple[Migration, ...]:
    """All of them, oldest first."""
    return tuple(read_migration(script) for script in sorted(_VERSIONS.glob("*.up.sql")))


def preceding(revision: str) -> str:
    """The revision before this one."""
    return REVISIONS[REVISIONS.index(revision) - 1]


def newest_contraction(revision: str) -> str:
    """The newest contracting migration up to a revision that this release knows; "base" when there is none."""
    position = REVISIONS.index(revision)
    contracting = [m.revision for m in migrations()[:position] if m.stage is Stage.AFTER]
    return contracting[-1] if contracting else "base"


def required_revision() -> str:
    """The revision that a schema must have at least for this program: everything that expands."""
    return next((m.revision for m in reversed(migrations()) if m.stage is Stage.BEFORE), "base")
