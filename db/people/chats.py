"""Chats that get another id, as when a group on Telegram becomes a supergroup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db.people import token_buckets

if TYPE_CHECKING:
    from db.infra.connection import Connection

MOVE: Final = "SELECT move_chat($1, $2, $3)"
MOVE_RULES: Final = """
    WITH gone AS (
        DELETE FROM access_rules WHERE kind = 'chat' AND platform = $1 AND subject = $2 RETURNING *
    )
    INSERT INTO access_rules (mind, effect, kind, platform, subject, role, created_at)
    SELECT mind, effect, kind, platform, $3, role, created_at FROM gone
    ON CONFLICT DO NOTHING
"""


async def move(connection: Connection, platform: str, old: str, new: str) -> int:
    """Everything that is known under a chat's old id goes on under its new one; how many sessions that were.

    Sessions get their new place, turns the new address of their answers, the chat keeps its allowance and its rules.
    A place is taken to be the chat's id, alone or followed by that of a part of it (`-100`, `-100/7`, `-100:7`); in an
    address, what stands directly under any key and is the old id becomes the new one. It works for nobody, and may be
    called again: then there is nothing left to move.
    """
    if old == new:
        return 0
    moved: int = await connection.fetchval(MOVE, platform, old, new)
    await token_buckets.move(connection, chat_key(platform, old), chat_key(platform, new))
    await connection.execute(MOVE_RULES, platform, old, new)
    return moved


def chat_key(platform: str, chat: str) -> str:
    """What a chat's messages are counted under."""
    return f"chat:{platform}:{chat}"
