"""Who may use the bot, and with which roles: checked before anything else is done with a message."""

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
"""The role of people who may change the access rules."""
ANYONE: Final = "*"
"""Stands for a person's id in the list of owners: everybody who writes on that platform is an owner."""
DENIAL_NOTICE_LIMIT: Final = TokenBucket(burst=1, per_minute=1 / 60)
"""A person without access is told so once an hour."""


class AccessDenied(MessageRefused):
    """Root of the reasons why a person has no access. They are told once; further messages get no reply for a while."""


class AccessBlocked(AccessDenied):
    """The operator denies access to the person, the chat, or something that they belong to."""

    sentence = N_("I am not allowed to answer here.")
    remedy = N_("If you think that is a mistake, ask the operator.")


class NotInvited(AccessDenied):
    """Only invited people have access, and this person is not invited."""

    sentence = N_("I only answer people whom the operator has invited.")
    remedy = N_("To get access, send the operator this: {name}")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


@dataclass(frozen=True, slots=True)
class Permissions:
    """What the sender of a message may do."""

    roles: frozenset[str] = frozenset()
    """The roles they have on the platform, and those granted by rules."""
    is_owner: bool = False
    """Whether the settings name them as an owner: an owner always has access and appoints the admins."""
    identities: frozenset[tuple[str, str]] = frozenset()
    """Platform and id of each of their accounts."""

    @property
    def is_admin(self) -> bool:
        return self.is_owner or ADMIN in self.roles


class AccessPolicy:
    """Decides who may use one mind, by the owners in the settings and the access rules in the database.

    Args:
        mind: the name of the mind whose rules apply.
        owners: `platform:id` of each owner; `*` as the id stands for everybody on the platform.
    """

    def __init__(self, mind: str, owners: Collection[str] = ()) -> None:
        self.mind = mind
        self._owners = frozenset(owners)

    def is_owner(self, identities: Collection[tuple[str, str]]) -> bool:
        """Whether one of these accounts, each a platform and an id, is an owner's."""
        return any(
            f"{platform}:{owner_id}" in self._owners
            for platform, external_id in identities
            for owner_id in (external_id, ANYONE)
        )

    async def check(self, connection: Connection, incoming: Incoming) -> Permissions | AccessDenied:
        """The permissions of a message's sender, or why they have no access. Creates no rows for them."""
        applicable = await access_rules.find_applicable(
            connection,
            self.mind,
            platform=incoming.platform,
            external_id=incoming.person,
            context=_context_subjects(incoming),
        )
        granted = frozenset(rule.role for rule in applicable.rules if rule.effect == "role")
        if incoming.sender_is_chat:
            # Nobody knows who writes in a chat's name, so it never has the rights of a person.
            return self._apply_rules(Permissions(), applicable, incoming)
        # A platform's role may have any name; only our own rules make an admin.
        platform_roles = frozenset(role for role in incoming.roles if role != ADMIN)
        permissions = Permissions(platform_roles | granted, self.is_owner(applicable.identities), applicable.identities)
        return permissions if permissions.is_owner else self._apply_rules(permissions, applicable, incoming)

    def _apply_rules(
        self, permissions: Permissions, applicable: ApplicableRules, incoming: Incoming
    ) -> Permissions | AccessDenied:
        effects = {rule.effect for rule in applicable.rules}
        if "deny" in effects:
            return AccessBlocked()
        if applicable.invite_only and "allow" not in effects and not permissions.is_admin:
            return NotInvited(f"{incoming.platform}:{incoming.person}")
        return permissions

    async def should_send_denial(self, connection: Connection, incoming: Incoming) -> bool:
        """Whether the sender is to be told now that they have no access; counts the notice if so.

        In a chat that several people share, notices are counted for the chat, so that it stays quiet too.
        """
        key = denial_notice_key(incoming.platform, incoming.chat, incoming.person)
        return await token_buckets.consume(connection, key, DENIAL_NOTICE_LIMIT) is None


def denial_notice_key(platform: str, chat: str | None, person: str) -> str:
    """The rate limit key of notices to a person, or a chat, without access."""
    return f"told:{platform}:{chat or person}"


def with_granted_roles(incoming: Incoming, permissions: Permissions) -> Incoming:
    """The message with all roles of its sender."""
    return replace(incoming, roles=permissions.roles)


def make_rule(subject: Subject, effect: access_rules.Effect, role: str = "") -> Rule:
    """A rule about a subject."""
    return Rule(effect, subject.kind, subject.platform, subject.subject, role)


def _context_subjects(incoming: Incoming) -> list[Subject]:
    """What the sender belongs to: their platform roles, the chat and the guild."""
    platform = incoming.platform
    subjects = [Subject("role", platform, role) for role in incoming.roles]
    if incoming.chat is not None:
        subjects.append(Subject("chat", platform, incoming.chat))
    if incoming.guild is not None:
        subjects.append(Subject("guild", platform, incoming.guild))
    return subjects
