"""/start, /help, /new, /retry, /stop and /lang."""

from __future__ import annotations

from bot.core.errors import BadArgument, NothingToRetry
from bot.core.i18n import LANGUAGES
from bot.core.messages import Menu, Table
from bot.intake.commands.context import COMMANDS, CommandContext
from bot.intake.commands.registry import AskQuestion
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.people import sessions, users
from db.turns import states, turns

_LANGUAGE_NAMES = {"ru": "русский", "en": "English"}
AUTO_LANGUAGE = "auto"


@COMMANDS.command("start", N_("who I am, and what you can try"))
async def greet(context: CommandContext, _argument: str) -> CommandResult:
    """Greet; what a link to the bot may have put behind the command says nothing here."""
    mind = context.mind
    name = mind.title.text(context.conversation.language) or mind.name
    return CommandResult(
        context.say(
            "Hello! I am {name}: I answer as my author thinks. Three things to try:\n"
            "1. Ask me anything in your own words.\n"
            "2. /modes shows the ways I can think, and /mode chooses one of them or mixes several.\n"
            "3. /remember and something about you: I will keep it in mind.\n"
            "/help lists the rest, /privacy says what I keep of you.",
            name=name,
        )
    )


@COMMANDS.command("help", N_("what you can ask for"))
async def show_help(context: CommandContext, _argument: str) -> CommandResult:
    """List every command there is for this person."""
    say = context.say
    commands = COMMANDS.visible(include_admin=context.permissions.is_admin)
    rows = [(command.usage, say(command.summary)) for command in commands]
    text = say("Ask anything in your own words. You can also say “switch to sport + core”.")
    return CommandResult(text, Table((say("command"), say("what it does")), rows))


@COMMANDS.command("new", N_("start afresh: what was said so far is no longer part of the conversation"))
async def start_new_conversation(context: CommandContext, _argument: str) -> CommandResult:
    """Begin a new window; memories and history stay."""
    conversation = context.conversation
    conversation.session = await sessions.start_window(context.connection, conversation.session.id)
    return CommandResult(context.say("We start afresh. What I remember about you stays."))


@COMMANDS.command("retry", N_("ask your last question again"))
async def retry_question(context: CommandContext, _argument: str) -> CommandResult | AskQuestion:
    """Ask the session's last question once more, in the mode it was asked in."""
    last = await turns.last_question(context.connection, context.conversation.session.id)
    if last is None:
        raise NothingToRetry
    if not (last.ended or last.is_answered):
        return CommandResult(context.say("Your last question is still being answered; /stop stops it."))
    mode = last.asked_mode or last.mode or context.conversation.session.mode
    return AskQuestion(last.question, mode, last.consilium, last.files)


@COMMANDS.command("stop", N_("stop the answer that is being written"))
async def stop(context: CommandContext, _argument: str) -> CommandResult:
    """Stop this session's answer."""
    stopped = await states.request_stop(context.connection, context.conversation.session.id)
    if stopped is None:
        return CommandResult(context.say("Nothing is being answered right now."))
    context.running_answers.stop(stopped)
    return CommandResult(context.say("Stopped."))


@COMMANDS.command("lang", N_("the language I speak with you"), "ru|en|auto")
async def choose_language(context: CommandContext, argument: str) -> CommandResult:
    """Set the person's language, or follow the one he writes in."""
    asked = argument.casefold()
    conversation = context.conversation
    if asked and asked not in (*LANGUAGES, AUTO_LANGUAGE):
        raise BadArgument("lang", argument[:40], "/lang ru|en|auto")
    if asked:
        chosen = None if asked == AUTO_LANGUAGE else asked
        conversation.user = await users.set_locale(context.connection, chosen)
    name = _LANGUAGE_NAMES[conversation.language]
    menu: Menu | None = None if asked else "languages"
    if conversation.user.locale is None:
        return CommandResult(context.say("Language: the one you write in; right now {name}.", name=name), menu=menu)
    return CommandResult(context.say("Language: {name}.", name=name), menu=menu)
