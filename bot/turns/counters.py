"""What is counted for a person, and under which keys: all of it is his, and goes with him."""

from __future__ import annotations

from bot.turns.access import told_key
from bot.turns.admission import person_key
from db import linking
from db.connection import PersonConnection


def link_key(user_id: object) -> str:
    """What it is counted under how often a person enters a code."""
    return f"link:{user_id}"


async def counters_of(connection: PersonConnection) -> list[str]:
    """The keys of all that is counted for a person."""
    told = [told_key(one.platform, None, one.external_id) for one in await linking.identities(connection)]
    return [person_key(connection.user_id), link_key(connection.user_id), *told]
