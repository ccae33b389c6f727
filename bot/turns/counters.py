"""What is counted for a person, and under which keys: all of it is his, and goes with him."""

from __future__ import annotations

from bot.turns.access import denial_notice_key
from bot.turns.admission import own_data_key, person_key
from db import linking
from db.connection import PersonConnection


def link_attempts_key(user_id: object) -> str:
    """What it is counted under how often a person enters a code."""
    return f"link:{user_id}"


async def rate_limit_keys(connection: PersonConnection) -> list[str]:
    """The keys of all that is counted for a person."""
    told = [denial_notice_key(one.platform, None, one.external_id) for one in await linking.list_identities(connection)]
    person = connection.user_id
    return [person_key(person), own_data_key(person), link_attempts_key(person), *told]
