"""What has been deleted at people's wishes: the list outside the database, and how it is applied to a restored one.

The list holds ids and nothing of what anybody said. Triggers write it into the table `erasures`, in the transaction
that deletes. An entry that is in the list and not in a restored database tells of something that was deleted after the
backup, and is in the backup.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, get_args
from uuid import UUID

from db.backup.errors import ErasuresDamaged, ErasuresDoNotFit, FileNotRead
from db.backup.private_file import write_private_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import asyncpg

Kind = Literal["memory", "turn", "question", "answer", "quotations", "person", "link"]
_FORMAT: Final = "consilium-erasures 1"

LIST: Final = "SELECT id, at, kind, subject, kept, clock_timestamp() AS now FROM erasures ORDER BY at, id"
NOW: Final = "SELECT clock_timestamp()"
COUNT_UNKNOWN: Final = "SELECT count(*) FROM erasures WHERE id <> ALL ($1::uuid[])"
INSERT: Final = """
    INSERT INTO erasures (id, at, kind, subject, kept)
    SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::uuid[], $5::uuid[])
    ON CONFLICT (id) DO NOTHING
    RETURNING id
"""
_MARKS: Final = {
    # Whoever was linked to a person who is deleted was a part of them.
    "@persons": """
        WITH RECURSIVE gone AS (
            SELECT subject AS id FROM erasures WHERE id = ANY ($1::uuid[]) AND kind = 'person'
            UNION
            SELECT e.subject FROM erasures AS e JOIN gone ON e.kind = 'link' AND e.kept = gone.id
        )
    """,
    "@memories": "(SELECT subject FROM erasures WHERE id = ANY ($1::uuid[]) AND kind = 'memory')",
    "@questions": "(SELECT subject FROM erasures WHERE id = ANY ($1::uuid[]) AND kind = 'question')",
    "@answers": "(SELECT subject FROM erasures WHERE id = ANY ($1::uuid[]) AND kind IN ('question', 'answer'))",
    "@quotations": "(SELECT subject FROM erasures WHERE id = ANY ($1::uuid[]) AND kind = 'quotations')",
    "@turns": """(
        SELECT subject FROM erasures
        WHERE id = ANY ($1::uuid[]) AND kind IN ('turn', 'question', 'answer', 'quotations')
    )""",
    "@open": "state IN ('accepted', 'thinking', 'answering')",
}
"""What the marks in the statements stand for; `$1` are the ids of the entries that are new."""
_STATEMENTS: Final = (
    """
    @persons DELETE FROM allowances USING gone LEFT JOIN identities AS i ON i.user_id = gone.id
    WHERE key IN (
        'person:' || gone.id, 'own:' || gone.id, 'link:' || gone.id, 'told:' || i.platform || ':' || i.external_id
    )
    """,
    """
    @persons DELETE FROM consilium_pgqueuer USING turns AS t JOIN gone ON t.user_id = gone.id
    WHERE dedupe_key = t.id::text
    """,
    "@persons DELETE FROM users USING gone WHERE users.id = gone.id",
    "DELETE FROM memories WHERE id IN @memories",
    # A question that is still to be answered in the backup must not be answered without its words.
    """
    DELETE FROM consilium_pgqueuer USING turns AS t
    WHERE dedupe_key = t.id::text AND t.id IN @questions AND @open
    """,
    "DELETE FROM turns WHERE id IN @questions AND @open",
    "DELETE FROM said_files WHERE turn_id IN @answers",
    # Of a question that was shortened nobody knows any more which words stayed: all of it goes.
    "UPDATE turns SET question = '', files = NULL, taken = NULL, quotations = NULL WHERE id IN @questions",
    """
    UPDATE turns SET answer = NULL, said = NULL, voices = NULL, sources = '[]', error = NULL, routing = NULL
    WHERE id IN @answers
    """,
    "UPDATE turns SET quotations = NULL WHERE id IN @quotations",
    "UPDATE turns SET forgotten = true, remembered = true, recalled = '[]' WHERE id IN @turns",
)


def _fill_in(statement: str) -> str:
    for mark, meaning in _MARKS.items():
        statement = statement.replace(mark, meaning)
    return statement


APPLY: Final = tuple(_fill_in(statement) for statement in _STATEMENTS)
"""Deletes, in this order, what the new entries tell of."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """Something was deleted."""

    id: UUID
    at: datetime
    kind: Kind
    subject: UUID
    """What was deleted; nothing in the database has this id any more, or a turn without its text."""
    kept: UUID | None = None
    """Of a `link`: the person that the subject has become a part of."""


@dataclass(frozen=True, slots=True)
class ErasureList:
    """A list as it lies in a file."""

    exported_at: datetime
    """By the database's clock: what was deleted later is not in it."""
    entries: Sequence[Erasure]


async def export_erasures(connection: asyncpg.Connection, path: Path) -> ErasureList:
    """Bring a file up to date with the table; what the file holds beside it, as of an earlier database, stays in it.

    Raises:
        ErasuresDamaged: the file is there and is no such list.
        FileNotWritten: it cannot be written.
    """
    rows = await connection.fetch(LIST)
    now = rows[0]["now"] if rows else await connection.fetchval(NOW)
    entries = [Erasure(row["id"], row["at"], row["kind"], row["subject"], row["kept"]) for row in rows]
    return await asyncio.to_thread(_update, path, now, entries)


def _update(path: Path, now: datetime, entries: Sequence[Erasure]) -> ErasureList:
    known = read_erasures(path).entries if path.exists() else ()
    merged = {entry.id: entry for entry in (*known, *entries)}
    exported = ErasureList(now, sorted(merged.values(), key=lambda entry: (entry.at, entry.id)))
    write_erasures(path, exported)
    return exported


def write_erasures(path: Path, exported: ErasureList) -> None:
    """Write a list, in the place of one that is there; blocking."""
    head = {"format": _FORMAT, "exported_at": exported.exported_at.isoformat(), "entries": len(exported.entries)}
    body = "".join(f"{json.dumps(line)}\n" for line in (head, *map(_as_json, exported.entries))).encode()
    with write_private_file(path, replace=True) as file:
        file.write(body)
        file.write(f"{json.dumps({'sha256': hashlib.sha256(body).hexdigest()})}\n".encode())


def read_erasures(path: Path) -> ErasureList:
    """Read a list; blocking.

    Raises:
        FileNotRead: it is not there, or may not be read.
        ErasuresDamaged: it is not as it was written.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileNotRead(path, error.strerror or str(error)) from error
    lines = content.splitlines(keepends=True)
    try:
        if len(lines) < 2 or json.loads(lines[-1]) != {"sha256": hashlib.sha256(b"".join(lines[:-1])).hexdigest()}:
            raise ErasuresDamaged(path, "its checksum is wrong")
        head = json.loads(lines[0])
        if head["format"] != _FORMAT or head["entries"] != len(lines) - 2:
            raise ErasuresDamaged(path, "it is of another form")
        return ErasureList(datetime.fromisoformat(head["exported_at"]), [_from_json(line) for line in lines[1:-1]])
    except (ValueError, TypeError, LookupError):
        raise ErasuresDamaged(path, "it cannot be read") from None


async def apply_erasures(connection: asyncpg.Connection, path: Path, exported: ErasureList, made_at: datetime) -> int:
    """Delete from a database that has just been restored what was deleted after its backup; how many entries were new.

    Args:
        connection: in the transaction of the restore, as the owner, with no row-level security and no triggers of ours.
        path: of the list, for errors.
        made_at: when the backup was made.

    Raises:
        ErasuresDoNotFit: the list is older than the backup, or another service's.
    """
    if exported.exported_at < made_at:
        raise ErasuresDoNotFit(path, "it was written before the backup")
    if missing := await connection.fetchval(COUNT_UNKNOWN, [entry.id for entry in exported.entries]):
        raise ErasuresDoNotFit(path, f"it lacks {missing} deletions that the backup knows")
    rows = await connection.fetch(INSERT, *_columns(exported.entries))
    new = [row["id"] for row in rows]
    for statement in APPLY:
        await connection.execute(statement, new)
    return len(new)


def _columns(entries: Iterable[Erasure]) -> list[list[Any]]:
    rows = [(entry.id, entry.at, entry.kind, entry.subject, entry.kept) for entry in entries]
    return [list(column) for column in zip(*rows, strict=True)] or [[], [], [], [], []]


def _as_json(entry: Erasure) -> dict[str, str]:
    fields = {"id": str(entry.id), "at": entry.at.isoformat(), "kind": entry.kind, "subject": str(entry.subject)}
    return {**fields, "kept": str(entry.kept)} if entry.kept is not None else fields


def _from_json(line: bytes) -> Erasure:
    found = json.loads(line)
    if found["kind"] not in get_args(Kind):
        raise ValueError("a kind that this version does not know")
    kept = UUID(found["kept"]) if "kept" in found else None
    return Erasure(UUID(found["id"]), datetime.fromisoformat(found["at"]), found["kind"], UUID(found["subject"]), kept)
