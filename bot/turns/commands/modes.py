"""/mode and /modes."""

from __future__ import annotations

from bot.channels.port import Table
from bot.modes.access import check_access
from bot.modes.expression import parse_expression
from bot.modes.resolve import ResolvedMode, resolve_mode
from bot.turns.commands.context import COMMANDS, CommandContext
from bot.turns.commands.registry import CommandResult
from consilium.errors import N_
from db import sessions


@COMMANDS.command("mode", N_("show or choose who answers, such as sport+core, physics*0.7, auto or base"), "MODE")
async def choose_mode(context: CommandContext, argument: str) -> CommandResult:
    """Switch the session's mode; with no argument, tell it."""
    conversation = context.conversation
    if not argument:
        return CommandResult(
            _describe(context, resolve_mode(parse_expression(conversation.session.mode), context.mind)), menu="modes"
        )
    mode = resolve_mode(parse_expression(argument), context.mind)
    check_access(mode, context.mind, context.roles)
    context.composer.validate(mode)
    conversation.session = await sessions.set_mode(context.connection, conversation.session.id, mode.text)
    return CommandResult(_describe(context, mode))


@COMMANDS.command("modes", N_("every mode you can choose"))
async def show_modes(context: CommandContext, _argument: str) -> CommandResult:
    """Adapters, named modes, and the two that every mind has."""
    say, mind, language = context.say, context.mind, context.conversation.language
    rows = [
        (name, str(adapter.kind), adapter.description.text(language), ", ".join(adapter.aliases))
        for name, adapter in mind.adapters.items()
    ]
    rows += [
        (name, named.mode, named.title.text(language), ", ".join(named.aliases)) for name, named in mind.modes.items()
    ]
    rows.append(("auto", "", say("the nearest adapter, chosen for each message by its meaning"), ""))
    rows.append(("base", "", say("the base model, with nobody's thoughts added"), ""))
    text = say("Join adapters with “+”, weigh them with “*”: /mode sport*0.7+core.")
    return CommandResult(text, Table((say("mode"), say("kind"), say("about"), say("also called")), rows), menu="modes")


def _describe(context: CommandContext, mode: ResolvedMode) -> str:
    say = context.say
    if mode.is_auto:
        return say("Mode: auto. Each message is answered by the nearest adapter.")
    if not mode.terms:
        return say("Mode: base. The base model answers, with nobody's thoughts added.")
    weights = context.composer.weights(mode)
    parts = ", ".join(f"{name} × {weight:.2f}" for name, weight in weights.items())
    return say("Mode: {mode} ({parts}).", mode=mode.text, parts=parts)
