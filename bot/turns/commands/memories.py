"""/remember and /memory."""

from __future__ import annotations

from bot.channels.port import Table
from bot.turns.commands.context import COMMANDS, CommandContext
from bot.turns.commands.registry import Said
from bot.turns.errors import BadArgument
from consilium.errors import N_

MAX_CHARACTERS = 2000
"""Of one memory: what an embedder can take in, and a prompt can hold beside others."""


@COMMANDS.command("remember", N_("keep something about you, for this and later conversations"), "TEXT")
async def remember(context: CommandContext, argument: str) -> Said:
    """Keep a fact about the person."""
    if not argument or len(argument) > MAX_CHARACTERS:
        shown = argument if len(argument) <= 40 else f"{argument[:40]}…"
        usage = context.say("/remember TEXT, up to {limit} characters", limit=MAX_CHARACTERS)
        raise BadArgument("remember", shown, usage)
    conversation = context.conversation
    memory = await context.memory.remember(context.connection, argument, conversation.session.id, context.turn.id)
    return Said(context.say("I will remember: {content}", content=memory.content))


@COMMANDS.command("memory", N_("what I remember about you"), in_private=True)
async def show_memory(context: CommandContext, _argument: str) -> Said:
    """Number everything remembered, oldest first."""
    memories = await context.memory.all(context.connection)
    say = context.say
    if not memories:
        return Said(say("I remember nothing about you yet. Tell me with /remember."))
    rows = [(str(n), memory.content, f"{memory.created_at:%Y-%m-%d}") for n, memory in enumerate(memories, 1)]
    text = say("This is what I remember about you; /forget N deletes one, /forget all deletes everything.")
    return Said(text, Table(("N", say("what"), say("since")), rows))
