"""Who is let in, and with which roles: looked at before anything else is done with a message."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from bot.core.errors import MessageRefused
from bot.core.messages import Incoming
from consilium.errors import N_
from db.infra.connection import Connection
from db.people import access_rules, token_buckets
from db.people.access_rules import ApplicableRules, Rule, Subject
from db.people.token_buckets import TokenBucket

ADMIN: Final = "admin"
"""The role of those who may change who is let in."""
ANYONE: Final = "*"
"""In the place of a person's id among the owners: everybody who writes on that platform."""
DENIAL_NOTICE_LIMIT: Final = TokenBucket(burst=1, per_minute=1 / 60)
"""Who is kept out is told so once an hour."""


class AccessDenied(MessageRefused):
    """Root of why somebody is not let in. He is told once; after that nothing is said for a while."""


class AccessBlocked(AccessDenied):
    """The operator keeps out the person, the chat, or what they belong to."""

    sentence = N_("I am not allowed to answer here.")
    remedy = N_("If you think that is a mistake, ask the operator.")


class NotInvited(AccessDenied):
    """The operator lets in those he has invited, and this person is none of them."""

    sentence = N_("I only answer those whom the operator has invited.")
    remedy = N_("Send the operator this to be let in: {name}")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


@dataclass(frozen=True, slots=True)
class Permissions:
    """What one who writes may do."""

    roles: frozenset[str] = frozenset()
    """Those the platform gives him, and those he has been granted."""
    is_owner: bool = False
    """Whether the settings name him: nobody can keep him out, and he says who the admins are."""
    identities: frozenset[tuple[str, str]] = frozenset()
    """Platform and id of all the names that he is known by."""

    @property
    def is_admin(self) -> bool:
        return self.is_owner or ADMIN in self.roles


class AccessPolicy:
    """Looks at who writes, and where."""

    def __init__(self, mind: str, owners: Collection[str] = ()) -> None:
        self.mind = mind
        self._owners = frozenset(owners)

    def is_owner(self, identities: Collection[tuple[str, str]]) -> bool:
        """Whether one of these names, each a platform and an id, is an owner's."""
        return any(f"{platform}:{one}" in self._owners for platform, name in identities for one in (name, ANYONE))

    async def check(self, connection: Connection, incoming: Incoming) -> Permissions | AccessDenied:
        """The standing of one who writes, or why he is not let in. Makes no row of his, whoever he is."""
        found = await access_rules.find_applicable(
            connection,
            self.mind,
            platform=incoming.platform,
            external_id=incoming.person,
            context=_subjects_of(incoming),
        )
        granted = frozenset(rule.role for rule in found.rules if rule.effect == "role")
        # A role on the platform may be called anything; what this service calls roles is given by its rules alone.
        own = frozenset(role for role in incoming.roles if role != ADMIN)
        standing = Permissions(own | granted, self.is_owner(found.identities), found.identities)
        return standing if standing.is_owner else self._decide(standing, found, incoming)

    def _decide(
        self, permissions: Permissions, found: ApplicableRules, incoming: Incoming
    ) -> Permissions | AccessDenied:
        effects = {rule.effect for rule in found.rules}
        if "deny" in effects:
            return AccessBlocked()
        if found.invite_only and "allow" not in effects and not permissions.is_admin:
            return NotInvited(f"{incoming.platform}:{incoming.person}")
        return permissions

    async def should_send_denial(self, connection: Connection, incoming: Incoming) -> bool:
        """Whether one who is not let in is to be told so now; counts that he has been.

        Where several people share a chat it is counted for the chat, so that it stays quiet too.
        """
        key = denial_notice_key(incoming.platform, incoming.chat, incoming.person)
        return await token_buckets.consume(connection, key, DENIAL_NOTICE_LIMIT) is None


def denial_notice_key(platform: str, chat: str | None, person: str) -> str:
    """What it is counted under that somebody has been told that he is not let in."""
    return f"told:{platform}:{chat or person}"


def with_granted_roles(incoming: Incoming, permissions: Permissions) -> Incoming:
    """The message, with all the roles of who wrote it."""
    return replace(incoming, roles=permissions.roles)


def make_rule(subject: Subject, effect: access_rules.Effect, role: str = "") -> Rule:
    """A rule about a subject."""
    return Rule(effect, subject.kind, subject.platform, subject.subject, role)


def _subjects_of(incoming: Incoming) -> list[Subject]:
    platform = incoming.platform
    around = [Subject("role", platform, role) for role in incoming.roles]
    if incoming.chat is not None:
        around.append(Subject("chat", platform, incoming.chat))
    if incoming.guild is not None:
        around.append(Subject("guild", platform, incoming.guild))
    return around
