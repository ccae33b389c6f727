"""/admin: who may use the bot and with which roles, and the parser of its arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

import structlog

from bot.core.errors import BadArgument, MessageRefused
from bot.core.messages import Table
from bot.intake.access import ADMIN, make_rule
from bot.intake.commands.context import CommandContext
from bot.intake.commands.registry import CommandRegistry
from bot.intake.parsing import shorten_argument
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.people import access_rules, audit
from db.people.access_rules import Subject, SubjectKind

Verb = Literal["list", "allow", "deny", "lift", "grant", "revoke"]

VERBS: Final[dict[str, Verb]] = {
    "list": "list", "allow": "allow", "deny": "deny", "lift": "lift", "grant": "grant", "revoke": "revoke",
    "список": "list", "впустить": "allow", "запретить": "deny", "снять": "lift", "дать": "grant", "отобрать": "revoke",
}  # fmt: skip
KINDS: Final[dict[str, SubjectKind]] = {
    "user": "user", "chat": "chat", "guild": "guild", "role": "role",
    "человек": "user", "чат": "chat", "сервер": "guild", "роль": "role",
}  # fmt: skip
ROLE_VERBS: Final = ("grant", "revoke")
NO_SUBJECT: Final = Subject("user", "", "")
MAX_RULES_SHOWN: Final = 200
"""Rules that a list has at most."""
_ROLE: Final = re.compile(r"[a-z][a-z_-]{0,31}")
"""As minds write roles (`bot.minds.schema.Role`)."""
_PLATFORM: Final = re.compile(r"[a-z]{1,32}")
_ID: Final = re.compile(r"\S{1,200}")
_USAGE: Final = N_(
    "/admin list\n"
    "/admin deny telegram:123 · deny access\n"
    "/admin allow telegram:123 · allow access; once there is such a rule, nobody else has access\n"
    "/admin lift telegram:123 · remove both rules\n"
    "/admin grant ROLE telegram:123 · give a role; the role admin makes an admin\n"
    "/admin revoke ROLE telegram:123 · take the role away\n"
    "Before the id you can write chat, guild or role: /admin deny chat telegram:-100123"
)

commands: CommandRegistry[CommandContext] = CommandRegistry()
log = structlog.get_logger(__name__)


class OwnerOnly(MessageRefused):
    """An admin tries something that only an owner may do."""

    sentence = N_("Only an owner can appoint admins and change their access.")


class OwnerCannotBeDenied(MessageRefused):
    """Somebody tries to deny access to an owner."""

    sentence = N_("{name} is an owner, and an owner cannot be denied access.")
    remedy = N_("Owners are named in the setting CONSILIUM_OWNERS.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


@dataclass(frozen=True, slots=True)
class AdminCommand:
    """A parsed argument of /admin; `str` writes it so that it is parsed to the same."""

    verb: Verb
    subject: Subject = NO_SUBJECT
    """Whom it is about; `NO_SUBJECT` with the verb `list`."""
    role: str = ""
    """The role to grant or revoke; empty with other verbs."""

    def __str__(self) -> str:
        if self.verb == "list":
            return self.verb
        kind = () if self.subject.kind == "user" else (self.subject.kind,)
        role = (self.role,) if self.role else ()
        return " ".join((self.verb, *role, *kind, f"{self.subject.platform}:{self.subject.subject}"))


def parse_admin_command(text: str) -> AdminCommand | None:
    """Parse the argument of /admin, in English or Russian; None when it is not valid."""
    words = text.split()
    verb = VERBS.get(words[0].casefold()) if words else None
    if verb is None:
        return None
    rest = words[1:]
    if verb == "list":
        return None if rest else AdminCommand("list")
    role = ""
    if verb in ROLE_VERBS:
        role = rest.pop(0).casefold() if rest else ""
        if not _ROLE.fullmatch(role):
            return None
    kind: SubjectKind = "user"
    if len(rest) == 2 and rest[0].casefold() in KINDS:
        kind = KINDS[rest.pop(0).casefold()]
    if len(rest) != 1:
        return None
    platform, colon, subject_id = rest[0].partition(":")
    platform = platform.casefold()
    if not (colon and _PLATFORM.fullmatch(platform) and _ID.fullmatch(subject_id)):
        return None
    return AdminCommand(verb, Subject(kind, platform, subject_id), role)


@commands.command(
    "admin", N_("who has access, and who has which role"), N_("[list|…]"), private_only=True, admin_only=True
)
async def administer(context: CommandContext, argument: str) -> CommandResult:
    """Change the access rules, or list them."""
    say = context.say
    if not argument:
        return CommandResult(say(_USAGE))
    command = parse_admin_command(argument)
    if command is None:
        raise BadArgument("admin", shorten_argument(argument), say("one of the lines that /admin shows"))
    if command.verb == "list":
        return await _list_rules(context)
    await _check_permission(context, command)
    changed = await _apply(context, command)
    log.info("access.rule_changed", command=str(command), changed=changed, changed_by=str(context.conversation.user.id))
    if changed:
        await audit.record(context.connection, "access.changed", str(command))
    return CommandResult(
        say("Done: {command}", command=str(command))
        if changed
        else say("It is so already: {command}", command=str(command))
    )


async def _list_rules(context: CommandContext) -> CommandResult:
    say = context.say
    rules = await access_rules.list_all(context.connection, context.access_policy.mind, MAX_RULES_SHOWN)
    if not rules:
        return CommandResult(say("There are no rules: everybody has access."))
    rows = [(rule.effect, rule.role, rule.kind, f"{rule.platform}:{rule.subject}") for rule in rules]
    return CommandResult(say("Access rules:"), Table((say("rule"), say("role"), say("for"), say("who")), rows))


async def _check_permission(context: CommandContext, command: AdminCommand) -> None:
    """Check that nobody denies an owner access, and that only owners change who is an admin and what rules admins have.

    Raises:
        OwnerCannotBeDenied, OwnerOnly: the command is not allowed.
    """
    subject = command.subject
    if subject.kind == "user" and context.access_policy.is_owner([(subject.platform, subject.subject)]):
        if command.verb == "deny":
            raise OwnerCannotBeDenied(f"{subject.platform}:{subject.subject}")
        return
    if context.permissions.is_owner:
        return
    if command.role == ADMIN:
        raise OwnerOnly
    rules = await access_rules.list_for_subject(context.connection, context.access_policy.mind, subject)
    if command.verb not in ROLE_VERBS and make_rule(subject, "role", ADMIN) in rules:
        raise OwnerOnly


async def _apply(context: CommandContext, command: AdminCommand) -> bool:
    """Change the rules; False when they were so already."""
    connection, mind = context.connection, context.access_policy.mind
    if command.verb == "grant":
        return await access_rules.add(connection, mind, make_rule(command.subject, "role", command.role))
    if command.verb == "revoke":
        return await access_rules.remove(connection, mind, make_rule(command.subject, "role", command.role))
    deny, allow = make_rule(command.subject, "deny"), make_rule(command.subject, "allow")
    if command.verb == "lift":
        removed = [await access_rules.remove(connection, mind, rule) for rule in (deny, allow)]
        return any(removed)
    new, opposite = (deny, allow) if command.verb == "deny" else (allow, deny)
    await access_rules.remove(connection, mind, opposite)
    return await access_rules.add(connection, mind, new)
