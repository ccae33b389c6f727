"""/privacy and /export: what is held about a person, and all of it in his hands."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from bot.turns.commands.context import COMMANDS, CommandContext
from bot.turns.commands.registry import CommandResult
from bot.turns.counters import rate_limit_keys
from bot.turns.export import export_files
from consilium.errors import N_
from db import holdings

_PRIVACY = N_(
    "What I keep: what you ask and what I answer, what I remember about you and the text of documents you send,"
    " the ids that the platforms know you by, your mode and language, and how many messages you send.\n"
    "Where: in the database of whoever runs this service. He can read it; other people cannot. Answers are made on"
    " servers he has chosen.\n"
    "How long: until you delete it. What you say in private is never used in a chat with others.\n"
    "/export gives you all of it. /memory shows what I remember; /forget N deletes one thing of it, and all I have"
    " kept that says it, /forget all everything I remember, /forget me deletes you altogether. What you and I have"
    " written stays in the chat itself until you delete it there, and whom the operator has let in or kept out stays in"
    " his list."
)


@COMMANDS.command("export", N_("get everything that is kept about you, as files"), private_only=True)
async def export(context: CommandContext, _argument: str) -> CommandResult:
    """Hand over everything that is held about the person."""
    held = await holdings.export(context.connection, await rate_limit_keys(context.connection))
    files = await asyncio.to_thread(export_files, held, datetime.now(UTC), context.say)
    return CommandResult(context.say("Everything that is kept about you is in here."), files=files)


@COMMANDS.command("privacy", N_("what is kept about you, where, and how to get or delete it"), private_only=True)
async def show_privacy(context: CommandContext, _argument: str) -> CommandResult:
    """Say what is kept."""
    return CommandResult(context.say(_PRIVACY))
