"""/help, /new, /stop and /lang."""

from __future__ import annotations

from bot.channels.port import Table
from bot.locales import LANGUAGES
from bot.turns.commands.context import COMMANDS, CommandContext
from bot.turns.commands.registry import Said
from bot.turns.errors import BadArgument
from consilium.errors import N_
from db import sessions, turn_states, users

_LANGUAGE_NAMES = {"ru": "русский", "en": "English"}
AUTOMATIC = "auto"


@COMMANDS.command("help", N_("what you can ask for"))
async def show_help(context: CommandContext, _argument: str) -> Said:
    """List every command."""
    say = context.say
    rows = [(command.usage, say(command.summary)) for command in COMMANDS]
    text = say("Ask anything in your own words. You can also say “switch to sport + core”.")
    return Said(text, Table((say("command"), say("what it does")), rows))


@COMMANDS.command("new", N_("start afresh: what was said so far is no longer part of the conversation"))
async def start_afresh(context: CommandContext, _argument: str) -> Said:
    """Begin a new window; memories and history stay."""
    conversation = context.conversation
    conversation.session = await sessions.start_window(context.connection, conversation.session.id)
    return Said(context.say("We start afresh. What I remember about you stays."))


@COMMANDS.command("stop", N_("stop the answer that is being written"))
async def stop(context: CommandContext, _argument: str) -> Said:
    """Stop this session's answer."""
    stopped = await turn_states.ask_stop(context.connection, context.conversation.session.id)
    if stopped is None:
        return Said(context.say("Nothing is being answered right now."))
    context.running.stop(stopped)
    return Said(context.say("Stopped."))


@COMMANDS.command("lang", N_("the language I speak with you"), "ru|en|auto")
async def choose_language(context: CommandContext, argument: str) -> Said:
    """Set the person's language, or follow the one he writes in."""
    asked = argument.casefold()
    conversation = context.conversation
    if asked and asked not in (*LANGUAGES, AUTOMATIC):
        raise BadArgument("lang", argument, COMMANDS["lang"].usage)
    if asked:
        chosen = None if asked == AUTOMATIC else asked
        conversation.user = await users.set_locale(context.connection, chosen)
    name = _LANGUAGE_NAMES[conversation.language]
    if conversation.user.locale is None:
        return Said(context.say("Language: the one you write in; right now {name}.", name=name))
    return Said(context.say("Language: {name}.", name=name))
