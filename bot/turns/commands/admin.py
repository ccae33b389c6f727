"""/admin: who is let in, kept out, or given a role."""

from __future__ import annotations

from typing import Final

import structlog

from bot.channels.port import Table
from bot.turns.access import ADMIN, rule_of
from bot.turns.commands.context import COMMANDS, CommandContext
from bot.turns.commands.orders import ROLE_VERBS, Order, read_order
from bot.turns.commands.registry import Said
from bot.turns.errors import BadArgument, MessageRefused
from consilium.errors import N_
from db import access
from db.access import Rule

SHOWN: Final = 200
"""Rules that a list has at most."""

log = structlog.get_logger(__name__)


class OwnersOnly(MessageRefused):
    """An admin tries what is an owner's."""

    sentence = N_("Who is an admin, and whether one is let in, is for the owner to say.")


class OwnerStays(MessageRefused):
    """Somebody tries to keep an owner out."""

    sentence = N_("{name} is an owner, and nobody keeps an owner out.")
    remedy = N_("Owners are named in the setting CONSILIUM_OWNERS.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


@COMMANDS.command("admin", N_("who is let in, kept out, or given a role"), "[list|…]", in_private=True, for_admins=True)
async def administer(context: CommandContext, argument: str) -> Said:
    """Change the rules of access, or list them."""
    say = context.say
    if not argument:
        return Said(say(_USAGE))
    order = read_order(argument)
    if order is None:
        raise BadArgument("admin", argument[:40], say("what /admin alone shows"))
    if order.verb == "list":
        return await _list(context)
    await _check(context, order)
    changed = await _carry_out(context, order)
    log.info("access.changed", order=str(order), changed=changed, by=str(context.conversation.user.id))
    return Said(
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


async def _list(context: CommandContext) -> Said:
    say = context.say
    rules = await access.rules(context.connection, context.door.mind, SHOWN)
    if not rules:
        return Said(say("There are no rules: everybody is let in."))
    rows = [(rule.effect, rule.role, rule.kind, f"{rule.platform}:{rule.subject}") for rule in rules]
    return Said(say("Rules of access:"), Table((say("rule"), say("role"), say("for"), say("who")), rows))


async def _check(context: CommandContext, order: Order) -> None:
    """Owners stay in, and only they say who else is over others."""
    if order.subject.kind == "user" and context.door.is_owner([(order.subject.platform, order.subject.subject)]):
        if order.verb == "deny":
            raise OwnerStays(f"{order.subject.platform}:{order.subject.subject}")
        return
    if context.standing.is_owner:
        return
    if order.role == ADMIN:
        raise OwnersOnly
    rules = await access.about(context.connection, context.door.mind, order.subject)
    if order.verb not in ROLE_VERBS and rule_of(order.subject, "role", ADMIN) in rules:
        raise OwnersOnly


async def _carry_out(context: CommandContext, order: Order) -> bool:
    connection, mind = context.connection, context.door.mind
    if order.verb == "grant":
        return await access.add(connection, mind, rule_of(order.subject, "role", order.role))
    if order.verb == "revoke":
        return await access.remove(connection, mind, rule_of(order.subject, "role", order.role))
    denied, allowed = rule_of(order.subject, "deny"), rule_of(order.subject, "allow")
    if order.verb == "lift":
        lifted: list[Rule] = [rule for rule in (denied, allowed) if await access.remove(connection, mind, rule)]
        return bool(lifted)
    new, opposite = (denied, allowed) if order.verb == "deny" else (allowed, denied)
    await access.remove(connection, mind, opposite)
    return await access.add(connection, mind, new)
