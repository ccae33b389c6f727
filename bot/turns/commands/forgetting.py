"""/forget: one memory, all of them, or the person altogether."""

from __future__ import annotations

from typing import Final

import structlog

from bot.turns.commands.context import COMMANDS, CommandContext
from bot.turns.commands.registry import CommandResult
from bot.turns.counters import rate_limit_keys
from bot.turns.errors import BadArgument, NothingRemembered
from consilium.errors import N_
from db import holdings

_ALL_WORDS: Final = ("all", "everything", "всё", "все")
_ME_WORDS: Final = ("me", "меня")
_YES_WORDS: Final = ("yes", "да")

log = structlog.get_logger(__name__)


@COMMANDS.command(
    "forget",
    N_("delete what I remember about you: one thing by its number, everything, or you altogether"),
    "N|all|me",
    private_only=True,
)
async def forget(context: CommandContext, argument: str) -> CommandResult:
    """Delete for good."""
    say = context.say
    words = argument.casefold().split()
    if len(words) == 1 and words[0] in _ALL_WORDS:
        count = await context.memory.forget_all(context.connection)
        return CommandResult(say("Forgotten for good: {count}.", count=count))
    if words and words[0] in _ME_WORDS:
        return await _forget_person(context, confirmed=len(words) == 2 and words[1] in _YES_WORDS)
    memories = await context.memory.list_visible(context.connection)
    if not memories:
        raise NothingRemembered
    number = int(argument) if len(argument) < 10 and argument.isascii() and argument.isdigit() else 0
    if not 1 <= number <= len(memories):
        usage = say("/forget N with N from /memory (1 to {last}), /forget all or /forget me", last=len(memories))
        raise BadArgument("forget", argument[:40], usage)
    chosen = memories[number - 1]
    await context.memory.forget(context.connection, chosen.id)
    told = chosen.title if chosen.kind == "document" else chosen.content
    return CommandResult(say("Forgotten for good: {content}", content=told), is_ephemeral=True)


async def _forget_person(context: CommandContext, *, confirmed: bool) -> CommandResult:
    say, connection = context.say, context.connection
    if not confirmed:
        return CommandResult(
            say(
                "This deletes everything I have of you, on every platform you are joined with: all conversations, all I"
                " remember, your mode and language, and your name here. It cannot be taken back; /export gives you a"
                " copy first. If you want it, write:\n/forget me yes"
            )
        )
    stopped = await holdings.erase(connection, context.turn.id, await rate_limit_keys(connection))
    for turn_id in stopped:
        context.running_answers.stop(turn_id)
    log.info("person.erased", person=str(connection.user_id), stopped=len(stopped))
    return CommandResult(
        say("You are forgotten: nothing of you is left here. If you write again, we begin anew."), erases_person=True
    )
