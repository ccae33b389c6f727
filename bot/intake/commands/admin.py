"""/admin: who may talk to the bot and with which roles, and the parser of its arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

import structlog

from bot.core.errors import BadArgument, MessageRefused
from bot.core.messages import Table
from bot.intake.access import ADMIN, make_rule
from bot.intake.commands.context import COMMANDS, CommandContext
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.people import access_rules
from db.people.access_rules import Rule, Subject, SubjectKind

MAX_RULES_SHOWN: Final = 200
"""Rules that a list has at most."""
log = structlog.get_logger(__name__)


class OwnerOnly(MessageRefused):
    """An admin tries what is an owner's."""

    sentence = N_("Who is an admin, and whether one is let in, is for the owner to say.")


class OwnerCannotBeDenied(MessageRefused):
    """Somebody tries to keep an owner out."""

    sentence = N_("{name} is an owner, and nobody keeps an owner out.")
    remedy = N_("Owners are named in the setting CONSILIUM_OWNERS.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


@COMMANDS.command(
    "admin", N_("who is let in, kept out, or given a role"), "[list|…]", private_only=True, admin_only=True
)
async def administer(context: CommandContext, argument: str) -> CommandResult:
    """Change the rules of access, or list them."""
    say = context.say
    if not argument:
        return CommandResult(say(_USAGE))
    order = parse_admin_command(argument)
    if order is None:
        raise BadArgument("admin", argument[:40], say("what /admin alone shows"))
    if order.verb == "list":
        return await _list_rules(context)
    await _check_permission(context, order)
    changed = await _apply(context, order)
    log.info("access.rule_changed", order=str(order), changed=changed, by=str(context.conversation.user.id))
    return CommandResult(
        say("Done: {order}", order=str(order)) if changed else say("It is so already: {order}", order=str(order))
    )


_USAGE = N_(
    "/admin list\n"
    "/admin deny telegram:123 · keep somebody out\n"
    "/admin allow telegram:123 · let somebody in; from the first one on, nobody else is\n"
    "/admin lift telegram:123 · take back both\n"
    "/admin grant ROLE telegram:123 · give a role; the role admin makes an admin\n"
    "/admin revoke ROLE telegram:123 · take it back\n"
    "Before the id you can write chat, guild or role: /admin deny chat telegram:-100123"
)


async def _list_rules(context: CommandContext) -> CommandResult:
    say = context.say
    rules = await access_rules.list_all(context.connection, context.access_policy.mind, MAX_RULES_SHOWN)
    if not rules:
        return CommandResult(say("There are no rules: everybody is let in."))
    rows = [(rule.effect, rule.role, rule.kind, f"{rule.platform}:{rule.subject}") for rule in rules]
    return CommandResult(say("Rules of access:"), Table((say("rule"), say("role"), say("for"), say("who")), rows))


async def _check_permission(context: CommandContext, command: AdminCommand) -> None:
    """Owners stay in, and only they say who else is over others."""
    if command.subject.kind == "user" and context.access_policy.is_owner(
        [(command.subject.platform, command.subject.subject)]
    ):
        if command.verb == "deny":
            raise OwnerCannotBeDenied(f"{command.subject.platform}:{command.subject.subject}")
        return
    if context.permissions.is_owner:
        return
    if command.role == ADMIN:
        raise OwnerOnly
    rules = await access_rules.list_for_subject(context.connection, context.access_policy.mind, command.subject)
    if command.verb not in ROLE_VERBS and make_rule(command.subject, "role", ADMIN) in rules:
        raise OwnerOnly


async def _apply(context: CommandContext, command: AdminCommand) -> bool:
    connection, mind = context.connection, context.access_policy.mind
    if command.verb == "grant":
        return await access_rules.add(connection, mind, make_rule(command.subject, "role", command.role))
    if command.verb == "revoke":
        return await access_rules.remove(connection, mind, make_rule(command.subject, "role", command.role))
    denied, allowed = make_rule(command.subject, "deny"), make_rule(command.subject, "allow")
    if command.verb == "lift":
        lifted: list[Rule] = [rule for rule in (denied, allowed) if await access_rules.remove(connection, mind, rule)]
        return bool(lifted)
    new, opposite = (denied, allowed) if command.verb == "deny" else (allowed, denied)
    await access_rules.remove(connection, mind, opposite)
    return await access_rules.add(connection, mind, new)


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
_ROLE: Final = re.compile(r"[a-z][a-z_-]{0,31}")
"""As minds write roles (`bot.minds.schema.Role`)."""
_PLATFORM: Final = re.compile(r"[a-z]{1,32}")
_ID: Final = re.compile(r"\S{1,200}")
NO_SUBJECT: Final = Subject("user", "", "")


@dataclass(frozen=True, slots=True)
class AdminCommand:
    """One order; `str` writes it so that it is read the same."""

    verb: Verb
    subject: Subject = NO_SUBJECT
    """Whom it is about; nobody in `list`."""
    role: str = ""
    """The role to give or take back; empty in the others."""

    def __str__(self) -> str:
        if self.verb == "list":
            return self.verb
        kind = () if self.subject.kind == "user" else (self.subject.kind,)
        role = (self.role,) if self.role else ()
        return " ".join((self.verb, *role, *kind, f"{self.subject.platform}:{self.subject.subject}"))


def parse_admin_command(text: str) -> AdminCommand | None:
    """The order in a text; None when it is none."""
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
    kind: SubjectKind = (
        KINDS.get(rest.pop(0).casefold(), "user") if len(rest) == 2 and rest[0].casefold() in KINDS else "user"
    )
    if len(rest) != 1:
        return None
    platform, colon, name = rest[0].partition(":")
    platform = platform.casefold()
    if not (colon and _PLATFORM.fullmatch(platform) and _ID.fullmatch(name)):
        return None
    return AdminCommand(verb, Subject(kind, platform, name), role)
