"""Everything that is held about a person: handed out whole, and deleted whole.

Rows are handed out with all their columns, whichever release has added them; left out is what nobody can read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from db.people import token_buckets
from db.turns import jobs
from db.turns.states import STOP_CHANNEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from db.infra.connection import Connection, PersonConnection

TABLES: Final[Mapping[str, str]] = {
    "users": "id",
    "identities": "created_at",
    "sessions": "created_at",
    "turns": "created_at, seq",
    "parts": "created_at, n",
    "memories": "created_at",
    "said_files": "turn_id, n",
    "link_codes": "expires_at",
    "record_lists": "offered_at",
    "audit_log": "id",
}
"""Tables with a person's rows, and the order they are handed out in."""
HIDDEN_COLUMNS: Final = ("embedding", "words", "digest")
"""Columns that hold vectors, indexes and digests of what stands beside them, or of what is worth nothing any more."""
OWNER_COLUMNS: Final[Mapping[str, str]] = {"users": "id", "audit_log": "actor"}
"""The column that names the owner, where it is not `user_id`."""
_CONTENT_COLUMNS: Final[Mapping[str, str]] = {"said_files": "content"}
"""Files waiting to be sent to the person: they get them anyway, so the names are enough."""

ALLOWANCES: Final = "SELECT to_jsonb(t) AS row FROM allowances AS t WHERE key = ANY ($1::text[]) ORDER BY key"
ACCESS: Final = """
    SELECT to_jsonb(t) AS row FROM access_rules AS t JOIN identities AS i
        ON t.kind = 'user' AND t.platform = i.platform AND t.subject = i.external_id
    WHERE i.user_id = $1
    ORDER BY t.created_at
"""
LOCK_SESSIONS: Final = "SELECT FROM sessions WHERE user_id = $1 ORDER BY id FOR UPDATE"
OPEN_TURNS: Final = """
    SELECT id FROM turns
    WHERE user_id = $1 AND id <> $2 AND state IN ('accepted', 'thinking', 'answering')
"""
ERASE: Final = (
    "DELETE FROM memories WHERE user_id = $1",
    "DELETE FROM record_lists WHERE user_id = $1",
    "DELETE FROM link_codes WHERE user_id = $1 OR joiner_id = $1",
    "DELETE FROM identities WHERE user_id = $1",
)
ERASE_EXCEPT_TURN: Final = (
    "DELETE FROM turns WHERE user_id = $1 AND id <> $2",
    "DELETE FROM sessions WHERE user_id = $1 AND id <> (SELECT session_id FROM turns WHERE id = $2)",
    """
    UPDATE turns
    SET question = '', update_id = NULL, joined_updates = '{}', roles = '{}', files = NULL, quotations = NULL
    WHERE user_id = $1 AND id = $2
    """,
)
# The place says which mind it belongs to, and that is all that is left of it.
BLANK_SESSION: Final = """
    UPDATE sessions
    SET place = left(place, strpos(place, '/')) || id, chat = NULL, mode = 'auto', created_at = now()
    WHERE user_id = $1
"""
DELETE_PERSON: Final = "DELETE FROM users WHERE id = $1 AND NOT EXISTS (SELECT FROM identities WHERE user_id = $1)"


async def export(connection: PersonConnection, bucket_keys: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """All rows of the person, by table, and those about them: how much they asked, and what they are allowed.

    Args:
        bucket_keys: keys of the token buckets that are counted for them.
    """
    found = {name: await _select_rows(connection, name) for name in TABLES}
    found["allowances"] = _decode_rows(await connection.fetch(ALLOWANCES, list(bucket_keys)))
    found["access_rules"] = _decode_rows(await connection.fetch(ACCESS, connection.user_id))
    return found


async def erase(connection: PersonConnection, kept_turn: UUID, bucket_keys: Sequence[str]) -> list[UUID]:
    """Delete everything of the person but the turn that confirms it, without its text; return their open turns.

    Their accounts identify no one any more: a message from one starts a new person. `vanish` deletes the rest.

    Args:
        bucket_keys: keys of the token buckets that are counted for them.
    """
    user_id = connection.user_id
    await connection.execute(LOCK_SESSIONS, user_id)
    stopped = [row["id"] for row in await connection.fetch(OPEN_TURNS, user_id, kept_turn)]
    for statement in ERASE:
        await connection.execute(statement, user_id)
    for statement in ERASE_EXCEPT_TURN:
        await connection.execute(statement, user_id, kept_turn)
    await connection.execute(BLANK_SESSION, user_id)
    for key in bucket_keys:
        await token_buckets.delete(connection, key)
    await jobs.delete_by_turns(connection, stopped)
    for turn_id in stopped:
        await connection.notify(STOP_CHANNEL, str(turn_id))
    return stopped


async def delete_person(connection: PersonConnection) -> None:
    """Delete a person without accounts, and everything that is left of them."""
    await connection.execute(DELETE_PERSON, connection.user_id)


async def _select_rows(connection: Connection, table: str) -> list[dict[str, Any]]:
    hidden = [*HIDDEN_COLUMNS, *(column for name, column in _CONTENT_COLUMNS.items() if name == table)]
    owner = OWNER_COLUMNS.get(table, "user_id")
    statement = f"""
        SELECT to_jsonb(t) - $1::text[] AS row FROM {table} AS t
        WHERE {owner} = current_person()
        ORDER BY {TABLES[table]}
    """  # noqa: S608  # built of constants
    return _decode_rows(await connection.fetch(statement, hidden))


def _decode_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [json.loads(row["row"]) for row in rows]
