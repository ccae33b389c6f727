"""/why: how the mode of the last answer came about."""

from __future__ import annotations

from typing import Final

from bot.answering.router import StoredRouting, routing_of
from bot.core.i18n import Translator
from bot.intake.commands.context import CommandContext
from bot.intake.commands.registry import CommandRegistry
from bot.minds.grammar import Auto
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.turns import turns

AUTO_MODE: Final = str(Auto())
MAX_SHARES_SHOWN: Final = 4
"""Adapters whose shares are shown."""
MAX_NEAREST_CHARACTERS: Final = 300
"""Of the nearest example."""

commands: CommandRegistry[CommandContext] = CommandRegistry()


@commands.command("why", N_("why the last answer came from the adapter it did"))
async def explain_routing(context: CommandContext, _argument: str) -> CommandResult:
    """Say what `auto` compared when it chose the mode of the session's last answer."""
    say = context.say
    last = await turns.last_answered(context.connection, context.conversation.session.id)
    if last is None:
        return CommandResult(say("I have not answered anything here yet."))
    routing = routing_of(last)
    if routing is None and last.asked_mode == AUTO_MODE:
        return CommandResult(say("I answered as {mode}. There was nothing to compare.", mode=last.mode or ""))
    if routing is None:
        return CommandResult(say("I answered as {mode}, because this mode was chosen.", mode=last.mode or ""))
    parts = [_describe_choice(routing, last.mode or "", context.mind.core, say), _describe_shares(routing, say)]
    if routing.comparison.nearest:
        parts.append(_describe_nearest(routing, say))
    return CommandResult("\n".join(parts))


def _describe_choice(routing: StoredRouting, mode: str, core: str, say: Translator) -> str:
    found = routing.comparison
    percent = {"sureness": _percent(found.sureness), "threshold": _percent(routing.threshold)}
    if found.adapter is None:
        return say(
            "I answered as {mode}: the message belongs to no adapter clearly enough. I was {sureness} sure of the "
            "nearest one, and need {threshold}.",
            mode=mode,
            **percent,
        )
    if found.stayed:
        return say(
            "I answered as {mode}: the message follows up on what we spoke of, so I stayed with “{adapter}”.",
            mode=mode,
            adapter=found.adapter,
        )
    if found.mixed_with is not None:
        return say(
            "I answered as {mode}: the message lies between “{adapter}” and “{other}”, so both answered. I was "
            "{sureness} sure that it is not the core's, and need {threshold}.",
            mode=mode,
            adapter=found.adapter,
            other=found.mixed_with,
            **percent,
        )
    if found.adapter == core:
        return say("I answered as {mode}: the message is closest to the core itself.", mode=mode)
    return say(
        "I answered as {mode}: the message is closest to “{adapter}”. I was {sureness} sure of that, and need "
        "{threshold}.",
        mode=mode,
        adapter=found.adapter,
        **percent,
    )


def _describe_shares(routing: StoredRouting, say: Translator) -> str:
    shares = routing.comparison.shares
    shown = [(name, share) for name, share in list(shares.items())[:MAX_SHARES_SHOWN]]
    listed = ", ".join(f"{name} {_percent(share)}" for name, share in shown)
    rest = max(1 - sum(shares.values()), 0.0)
    return say("Compared: {shares}; none of them {rest}.", shares=listed, rest=_percent(rest))


def _describe_nearest(routing: StoredRouting, say: Translator) -> str:
    nearest = routing.comparison.nearest
    if len(nearest) > MAX_NEAREST_CHARACTERS:
        nearest = f"{nearest[:MAX_NEAREST_CHARACTERS]}…"
    return say(
        "The nearest example, with a similarity of {similarity}: “{example}”",
        similarity=f"{routing.comparison.similarity:.2f}",
        example=nearest,
    )


def _percent(share: float) -> str:
    return f"{share:.0%}"
