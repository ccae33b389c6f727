"""/admin: who is let in, kept out, or given a role."""

from __future__ import annotations

from typing import Final

import structlog

from bot.channels.port import Table
from bot.turns.access import ADMIN, make_rule
from bot.turns.commands.context import COMMANDS, CommandContext
from bot.turns.commands.orders import ROLE_VERBS, AdminCommand, parse_admin_command
from bot.turns.commands.registry import CommandResult
from bot.turns.errors import BadArgument, MessageRefused
from consilium.errors import N_
from db import access
from db.access import Rule

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
    rules = await access.list_all(context.connection, context.access_policy.mind, MAX_RULES_SHOWN)
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
    rules = await access.list_for_subject(context.connection, context.access_policy.mind, command.subject)
    if command.verb not in ROLE_VERBS and make_rule(command.subject, "role", ADMIN) in rules:
        raise OwnerOnly


async def _apply(context: CommandContext, command: AdminCommand) -> bool:
    connection, mind = context.connection, context.access_policy.mind
    if command.verb == "grant":
        return await access.add(connection, mind, make_rule(command.subject, "role", command.role))
    if command.verb == "revoke":
        return await access.remove(connection, mind, make_rule(command.subject, "role", command.role))
    denied, allowed = make_rule(command.subject, "deny"), make_rule(command.subject, "allow")
    if command.verb == "lift":
        lifted: list[Rule] = [rule for rule in (denied, allowed) if await access.remove(connection, mind, rule)]
        return bool(lifted)
    new, opposite = (denied, allowed) if command.verb == "deny" else (allowed, denied)
    await access.remove(connection, mind, opposite)
    return await access.add(connection, mind, new)
