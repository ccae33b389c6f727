"""Who is allowed, denied, or given a role. The rules belong to the operator; they hold nothing that people said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from db.infra.rows import from_row, with_columns

if TYPE_CHECKING:
    from collections.abc import Collection

    from db.infra.connection import Connection

Effect = Literal["allow", "deny", "role"]
SubjectKind = Literal["user", "chat", "guild", "role"]


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """Whom a rule is about, by the platform's own id."""

    kind: SubjectKind
    platform: str
    subject: str


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One rule."""

    effect: Effect
    kind: SubjectKind
    platform: str
    subject: str
    role: str = ""
    """The role that is given; empty when none is."""


@dataclass(frozen=True, slots=True)
class ApplicableRules:
    """What the rules say of one message."""

    identities: frozenset[tuple[str, str]]
    """Platform and id of all the names that the person is known by."""
    rules: tuple[Rule, ...]
    """Those that apply."""
    invite_only: bool
    """Whether only those are let in who are allowed to."""


# A person's rules hold for all their accounts.
APPLICABLE: Final = """
    WITH names AS (SELECT platform, external_id FROM names_of($2, $3)),
    subjects AS (
        SELECT 'user' AS kind, platform, external_id AS subject FROM names
        UNION SELECT * FROM unnest($4::text[], $5::text[], $6::text[])
    )
    SELECT ARRAY(SELECT ARRAY[platform, external_id] FROM names) AS names,
        EXISTS (SELECT FROM access_rules WHERE mind = $1 AND effect = 'allow') AS invite_only,
        ARRAY(
            SELECT ARRAY[effect, kind, platform, subject, role] FROM access_rules
            WHERE mind = $1 AND (kind, platform, subject) IN (SELECT * FROM subjects)
        ) AS rules
"""
RULES_FOR_SUBJECT: Final = with_columns(
    Rule,
    "SELECT @columns FROM access_rules WHERE mind = $1 AND kind = $2 AND platform = $3 AND subject = $4",
)
ALL: Final = with_columns(
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


async def find_applicable(
    connection: Connection, mind: str, *, platform: str, external_id: str, context: Collection[Subject]
) -> ApplicableRules:
    """The rules that apply to a person, by any of their accounts. Works in an anonymous transaction.

    Args:
        context: where they are and what they are there: a chat, a guild, roles.
    """
    row = await connection.fetchrow(
        APPLICABLE,
        mind,
        platform,
        external_id,
        [subject.kind for subject in context],
        [subject.platform for subject in context],
        [subject.subject for subject in context],
    )
    assert row is not None
    names = frozenset((named_on, name) for named_on, name in row["names"])
    return ApplicableRules(names, tuple(sorted(Rule(*columns) for columns in row["rules"])), row["invite_only"])


async def list_for_subject(connection: Connection, mind: str, subject: Subject) -> list[Rule]:
    """The rules about one subject."""
    rows = await connection.fetch(RULES_FOR_SUBJECT, mind, subject.kind, subject.platform, subject.subject)
    return [from_row(Rule, row) for row in rows]


async def list_all(connection: Connection, mind: str, limit: int) -> list[Rule]:
    """Every rule of a mind, `most` of them at most."""
    return [from_row(Rule, row) for row in await connection.fetch(ALL, mind, limit)]


async def add(connection: Connection, mind: str, rule: Rule) -> bool:
    """Make a rule; False when it is there already."""
    return await connection.execute(ADD, mind, *_columns(rule)) == 1


async def remove(connection: Connection, mind: str, rule: Rule) -> bool:
    """Take a rule back; False when there is none."""
    return await connection.execute(REMOVE, mind, *_columns(rule)) == 1


def _columns(rule: Rule) -> tuple[str, str, str, str, str]:
    return rule.effect, rule.kind, rule.platform, rule.subject, rule.role
