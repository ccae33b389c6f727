"""Who is let in, kept out, or given a role. The rules are the operator's: they say nothing of what anybody told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from db.rows import read, sql

if TYPE_CHECKING:
    from collections.abc import Collection

    from db.connection import Connection

Effect = Literal["allow", "deny", "role"]
Kind = Literal["user", "chat", "guild", "role"]


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """Whom a rule is about, by the platform's own id."""

    kind: Kind
    platform: str
    subject: str


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One rule."""

    effect: Effect
    kind: Kind
    platform: str
    subject: str
    role: str = ""
    """The role that is given; empty when none is."""


@dataclass(frozen=True, slots=True)
class Access:
    """What the rules say of one message."""

    names: frozenset[tuple[str, str]]
    """Platform and id of all the names that the person is known by."""
    rules: tuple[Rule, ...]
    """Those that apply."""
    by_invitation: bool
    """Whether only those are let in who are allowed to."""


# A person's rules hold under all his names: he is one person.
APPLYING: Final = sql(
    Rule,
    """
    SELECT @columns FROM access_rules
    WHERE mind = $1 AND (kind, platform, subject) IN (
        SELECT * FROM unnest($2::text[], $3::text[], $4::text[])
    )
    """,
)
NAMES: Final = "SELECT platform, external_id FROM names_of($1, $2)"
BY_INVITATION: Final = "SELECT EXISTS (SELECT FROM access_rules WHERE mind = $1 AND effect = 'allow')"
ALL: Final = sql(
    Rule,
    "SELECT @columns FROM access_rules WHERE mind = $1 ORDER BY effect, role, kind, platform, subject LIMIT $2",
)
ADD: Final = """
    INSERT INTO access_rules (mind, effect, kind, platform, subject, role) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING
"""
REMOVE: Final = """
    DELETE FROM access_rules
    WHERE mind = $1 AND effect = $2 AND kind = $3 AND platform = $4 AND subject = $5 AND role = $6
"""


async def of(
    connection: Connection, mind: str, *, platform: str, external_id: str, around: Collection[Subject]
) -> Access:
    """What the rules say of a person, known by any of his names, in the midst of others; works for nobody.

    Args:
        around: where he is and what he is there: a chat, a guild, roles.
    """
    named = await connection.fetch(NAMES, platform, external_id)
    names = frozenset((row["platform"], row["external_id"]) for row in named)
    subjects = {*around, *(Subject("user", *name) for name in names)}
    rows = await connection.fetch(
        APPLYING,
        mind,
        [subject.kind for subject in subjects],
        [subject.platform for subject in subjects],
        [subject.subject for subject in subjects],
    )
    return Access(names, tuple(sorted(read(Rule, row) for row in rows)), await connection.fetchval(BY_INVITATION, mind))


async def about(connection: Connection, mind: str, subject: Subject) -> list[Rule]:
    """The rules about one subject."""
    rows = await connection.fetch(APPLYING, mind, [subject.kind], [subject.platform], [subject.subject])
    return [read(Rule, row) for row in rows]


async def rules(connection: Connection, mind: str, most: int) -> list[Rule]:
    """Every rule of a mind, `most` of them at most."""
    return [read(Rule, row) for row in await connection.fetch(ALL, mind, most)]


async def add(connection: Connection, mind: str, rule: Rule) -> bool:
    """Make a rule; False when it is there already."""
    return await connection.execute(ADD, mind, *_columns(rule)) == 1


async def remove(connection: Connection, mind: str, rule: Rule) -> bool:
    """Take a rule back; False when there is none."""
    return await connection.execute(REMOVE, mind, *_columns(rule)) == 1


def _columns(rule: Rule) -> tuple[str, str, str, str, str]:
    return rule.effect, rule.kind, rule.platform, rule.subject, rule.role
