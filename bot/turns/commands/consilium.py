"""/consilium: answers by two voices."""

from __future__ import annotations

from typing import Final

from bot.turns.commands.context import COMMANDS, CommandContext
from bot.turns.commands.library import format_source
from bot.turns.commands.registry import AskQuestion, CommandResult
from bot.turns.draft import ARCHIVIST, AUTHOR, sources_of
from consilium.errors import N_
from db import sessions, turns

_ON_WORDS: Final = ("on", "вкл", "включить", "да")
_OFF_WORDS: Final = ("off", "выкл", "выключить", "нет")
_SHOW_WORDS: Final = ("show", "показать", "покажи")


@COMMANDS.command(
    "consilium",
    N_("an answer by two voices: one thinks like the author, one recalls what he wrote"),
    "QUESTION|on|off|show",
)
async def answer_with_consilium(context: CommandContext, argument: str) -> CommandResult | AskQuestion:
    """Ask both voices, switch to asking both, or show what each of them said last."""
    word = argument.casefold()
    session = context.conversation.session
    if word in (*_ON_WORDS, *_OFF_WORDS):
        session = await sessions.set_consilium(context.connection, session.id, word in _ON_WORDS)
        context.conversation.session = session
    elif word in _SHOW_WORDS:
        return await _show_voices(context)
    elif argument:
        return AskQuestion(argument, session.mode, consilium=True)
    if session.consilium:
        return CommandResult(context.say("Every question is answered by both voices. /consilium off ends it."))
    return CommandResult(
        context.say("One voice answers. /consilium QUESTION asks both this once, /consilium on asks both every time.")
    )


async def _show_voices(context: CommandContext) -> CommandResult:
    say = context.say
    last = await turns.last_answered(context.connection, context.conversation.session.id, by_two_voices=True)
    if last is None:
        return CommandResult(say("No answer here was given by both voices yet: /consilium QUESTION asks for one."))
    voices = last.voices or {}
    nothing = say("(nothing)")
    parts = [
        say("The author, in {mode}:", mode=last.mode) + f"\n{voices.get(AUTHOR) or nothing}",
        say("The archivist, from the library alone:") + f"\n{voices.get(ARCHIVIST) or nothing}",
        say("Together:") + f"\n{last.answer}",
        *(format_source(source, say) for source in sources_of(last)),
    ]
    return CommandResult("\n\n".join(parts))
