"""/start, /help, /new, /retry, /stop and /lang."""

from __future__ import annotations

from typing import Final

from bot.core.errors import BadArgument, NothingToRetry
from bot.core.i18n import LANGUAGES, Language
from bot.core.messages import Menu, Table
from bot.intake.commands.context import CommandContext
from bot.intake.commands.registry import AskQuestion, CommandRegistry
from bot.intake.parsing import shorten_argument
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.people import sessions, users
from db.turns import states, turns

AUTO_LANGUAGE: Final = "auto"
"""The choice to be answered in the language of each message."""
_LANGUAGE_NAMES: Final[dict[Language, str]] = {"ru": "русский", "en": "English"}

commands: CommandRegistry[CommandContext] = CommandRegistry()


@commands.command("start", N_("who I am, and what you can try"))
async def greet(context: CommandContext, _argument: str) -> CommandResult:
    """Greet. The argument, which a link to the bot may add, is ignored."""
    mind = context.mind
    name = mind.title.text(context.conversation.language) or mind.name
    return CommandResult(
        context.say(
            "Hello! I am {name}: I answer as my author thinks. Three things to try:\n"
            "1. Ask me anything in your own words.\n"
            "2. /modes shows the ways I can think, and /mode chooses one of them or mixes several.\n"
            "3. /remember and something about you: I will keep it in mind.\n"
            "/help lists the rest, /privacy says what I keep about you.",
            name=name,
        )
    )


@commands.command("help", N_("what you can ask for"))
async def show_help(context: CommandContext, _argument: str) -> CommandResult:
    """List the commands that this person has."""
    say = context.say
    visible = context.commands.visible(include_admin=context.permissions.is_admin)
    rows = [(command.localized_usage(say), say(command.summary)) for command in visible]
    text = say("Ask anything in your own words. You can also say “switch to sport + core”.")
    return CommandResult(text, Table((say("command"), say("what it does")), rows))


@commands.command("new", N_("start a new conversation, without what was said so far"))
async def start_new_conversation(context: CommandContext, _argument: str) -> CommandResult:
    """Start a new window; memories and history stay."""
    conversation = context.conversation
    conversation.session = await sessions.start_window(context.connection, conversation.session.id)
    return CommandResult(context.say("This is a new conversation. What I remember about you stays."))


@commands.command("retry", N_("ask your last question again"))
async def retry_question(context: CommandContext, _argument: str) -> CommandResult | AskQuestion:
    """Ask the session's last question again, in the mode it was asked in."""
    last = await turns.last_question(context.connection, context.conversation.session.id)
    if last is None:
        raise NothingToRetry
    if not (last.ended or last.is_answered):
        return CommandResult(context.say("Your last question is still being answered; /stop stops it."))
    mode = last.asked_mode or last.mode or context.conversation.session.mode
    return AskQuestion(last.question, mode, last.consilium, last.files, last.quotations)


@commands.command("stop", N_("stop the answer that is being written"))
async def stop(context: CommandContext, _argument: str) -> CommandResult:
    """Stop this session's answer."""
    stopped = await states.request_stop(context.connection, context.conversation.session.id)
    if stopped is None:
        return CommandResult(context.say("Nothing is being answered right now."))
    context.running_answers.stop(stopped)
    return CommandResult(context.say("Stopped."))


@commands.command("lang", N_("the language I speak with you"), "ru|en|auto")
async def choose_language(context: CommandContext, argument: str) -> CommandResult:
    """Set the person's language, or follow the language that they write in."""
    choice = argument.casefold()
    conversation = context.conversation
    if choice and choice not in (*LANGUAGES, AUTO_LANGUAGE):
        raise BadArgument("lang", shorten_argument(argument), "/lang ru|en|auto")
    if choice:
        locale = None if choice == AUTO_LANGUAGE else choice
        conversation.user = await users.set_locale(context.connection, locale)
    name = _LANGUAGE_NAMES[conversation.language]
    menu: Menu | None = None if choice else "languages"
    if conversation.user.locale is None:
        return CommandResult(context.say("Language: the one you write in; right now {name}.", name=name), menu=menu)
    return CommandResult(context.say("Language: {name}.", name=name), menu=menu)
