"""Who is let in, and with which roles: looked at before anything else is done with a message."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from bot.channels.port import Incoming
from bot.turns.errors import MessageRefused
from consilium.errors import N_
from db import access, allowances
from db.access import Access, Rule, Subject
from db.allowances import Allowance
from db.connection import Connection

ADMIN: Final = "admin"
"""The role of those who may change who is let in."""
ANYBODY: Final = "*"
"""In the place of a person's id among the owners: everybody who writes on that platform."""
ONE_SENTENCE: Final = Allowance(at_once=1, per_minute=1 / 60)
"""Who is kept out is told so once an hour."""


class NotLetIn(MessageRefused):
    """Root of why somebody is not let in. He is told once; after that nothing is said for a while."""


class KeptOut(NotLetIn):
    """The operator keeps out the person, the chat, or what they belong to."""

    sentence = N_("I am not allowed to answer here.")
    remedy = N_("If you think that is a mistake, ask the operator.")


class NotInvited(NotLetIn):
    """The operator lets in those he has invited, and this person is none of them."""

    sentence = N_("I only answer those whom the operator has invited.")
    remedy = N_("Send the operator this to be let in: {name}")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


@dataclass(frozen=True, slots=True)
class Standing:
    """What one who writes may do."""

    roles: frozenset[str] = frozenset()
    """Those the platform gives him, and those he has been granted."""
    is_owner: bool = False
    """Whether the settings name him: nobody can keep him out, and he says who the admins are."""
    names: frozenset[tuple[str, str]] = frozenset()
    """Platform and id of all the names that he is known by."""

    @property
    def is_admin(self) -> bool:
        return self.is_owner or ADMIN in self.roles


class Doorkeeper:
    """Looks at who writes, and where."""

    def __init__(self, mind: str, owners: Collection[str] = ()) -> None:
        self.mind = mind
        self._owners = frozenset(owners)

    def is_owner(self, names: Collection[tuple[str, str]]) -> bool:
        """Whether one of these names, each a platform and an id, is an owner's."""
        return any(f"{platform}:{one}" in self._owners for platform, name in names for one in (name, ANYBODY))

    async def look(self, connection: Connection, incoming: Incoming) -> Standing | NotLetIn:
        """The standing of one who writes, or why he is not let in. Makes no row of his, whoever he is."""
        found = await access.of(
            connection,
            self.mind,
            platform=incoming.platform,
            external_id=incoming.person,
            around=_around(incoming),
        )
        granted = frozenset(rule.role for rule in found.rules if rule.effect == "role")
        # A role on the platform may be called anything; what this service calls roles is given by its rules alone.
        own = frozenset(role for role in incoming.roles if role != ADMIN)
        standing = Standing(own | granted, self.is_owner(found.names), found.names)
        return standing if standing.is_owner else self._judge(standing, found, incoming)

    def _judge(self, standing: Standing, found: Access, incoming: Incoming) -> Standing | NotLetIn:
        effects = {rule.effect for rule in found.rules}
        if "deny" in effects:
            return KeptOut()
        if found.by_invitation and "allow" not in effects and not standing.is_admin:
            return NotInvited(f"{incoming.platform}:{incoming.person}")
        return standing

    async def may_tell(self, connection: Connection, incoming: Incoming) -> bool:
        """Whether one who is not let in is to be told so now; counts that he has been.

        Where several people share a chat it is counted for the chat, so that it stays quiet too.
        """
        key = told_key(incoming.platform, incoming.chat, incoming.person)
        return await allowances.take(connection, key, ONE_SENTENCE) is None


def told_key(platform: str, chat: str | None, person: str) -> str:
    """What it is counted under that somebody has been told that he is not let in."""
    return f"told:{platform}:{chat or person}"


def admitted(incoming: Incoming, standing: Standing) -> Incoming:
    """The message, with all the roles of who wrote it."""
    return replace(incoming, roles=standing.roles)


def rule_of(subject: Subject, effect: access.Effect, role: str = "") -> Rule:
    """A rule about a subject."""
    return Rule(effect, subject.kind, subject.platform, subject.subject, role)


def _around(incoming: Incoming) -> list[Subject]:
    platform = incoming.platform
    around = [Subject("role", platform, role) for role in incoming.roles]
    if incoming.chat is not None:
        around.append(Subject("chat", platform, incoming.chat))
    if incoming.guild is not None:
        around.append(Subject("guild", platform, incoming.guild))
    return around
