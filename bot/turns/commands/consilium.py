"""/consilium: answers by two voices."""

from __future__ import annotations

from typing import Final

from bot.turns.commands.context import COMMANDS, CommandContext
from bot.turns.commands.library import as_text
from bot.turns.commands.registry import Ask, Said
from bot.turns.draft import ARCHIVIST, AUTHOR, sources_of
from consilium.errors import N_
from db import sessions, turns

_ON: Final = ("on", "вкл", "включить", "да")
_OFF: Final = ("off", "выкл", "выключить", "нет")
_SHOW: Final = ("show", "показать", "покажи")


@COMMANDS.command(
    "consilium",
    N_("an answer by two voices: one thinks like the author, one recalls what he wrote"),
    "QUESTION|on|off|show",
)
async def call_consilium(context: CommandContext, argument: str) -> Said | Ask:
    """Ask both voices, switch to asking both, or show what each of them said last."""
    word = argument.casefold()
    session = context.conversation.session
    if word in (*_ON, *_OFF):
        session = await sessions.set_consilium(context.connection, session.id, word in _ON)
        context.conversation.session = session
    elif word in _SHOW:
        return await _show(context)
    elif argument:
        return Ask(argument, session.mode, consilium=True)
    if session.consilium:
        return Said(context.say("Every question is answered by both voices. /consilium off ends it."))
    return Said(
        context.say("One voice answers. /consilium QUESTION asks both this once, /consilium on asks both every time.")
    )


async def _show(context: CommandContext) -> Said:
    say = context.say
    last = await turns.last_answered(context.connection, context.conversation.session.id, by_two_voices=True)
    if last is None:
        return Said(say("No answer here was given by both voices yet: /consilium QUESTION asks for one."))
    voices = last.voices or {}
    nothing = say("(nothing)")
    parts = [
        say("The author, in {mode}:", mode=last.mode) + f"\n{voices.get(AUTHOR) or nothing}",
        say("The archivist, from the library alone:") + f"\n{voices.get(ARCHIVIST) or nothing}",
        say("Together:") + f"\n{last.answer}",
        *(as_text(source, say) for source in sources_of(last)),
    ]
    return Said("\n\n".join(parts))
