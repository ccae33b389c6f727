"""/mode, /modes and /consilium: which adapters answer, and whether two voices do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from bot.answering.composition_gate import GateResult, GateVerdict
from bot.answering.draft import ARCHIVIST, AUTHOR, sources_of
from bot.core.messages import Table
from bot.intake.commands.context import CommandContext
from bot.intake.commands.library import format_source
from bot.intake.commands.registry import AskQuestion, CommandRegistry
from bot.minds.grammar import parse_expression
from bot.minds.resolve import ResolvedMode, check_access, resolve_mode
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.people import sessions
from db.turns import turns

_ON_WORDS: Final = ("on", "вкл", "включить", "да")
_OFF_WORDS: Final = ("off", "выкл", "выключить", "нет")
_SHOW_WORDS: Final = ("show", "показать", "покажи")

commands: CommandRegistry[CommandContext] = CommandRegistry()


@commands.command("mode", N_("show or choose who answers, such as sport+core, physics*0.7, auto or base"), N_("MODE"))
async def choose_mode(context: CommandContext, argument: str) -> CommandResult:
    """Switch the session's mode; without an argument, show it."""
    conversation = context.conversation
    if not argument:
        current = resolve_mode(parse_expression(conversation.session.mode), context.mind)
        return CommandResult(_describe(context, current), menu="modes")
    mode = resolve_mode(parse_expression(argument), context.mind)
    check_access(mode, context.mind, context.roles)
    context.composer.validate(mode)
    verdict = await asyncio.to_thread(context.composer.judge, mode)
    conversation.session = await sessions.set_mode(context.connection, conversation.session.id, mode.text)
    lines = [_describe(context, mode), *([] if verdict is None else _tell_verdict(context, verdict))]
    return CommandResult("\n".join(lines))


@commands.command("modes", N_("every mode you can choose"))
async def show_modes(context: CommandContext, _argument: str) -> CommandResult:
    """List the adapters, the named modes, and the two modes that every mind has."""
    say, mind, language = context.say, context.mind, context.conversation.language
    rows = [
        (name, str(adapter.kind), _about(context, name, adapter.description.text(language)), ", ".join(adapter.aliases))
        for name, adapter in mind.adapters.items()
    ]
    rows += [
        (name, named.mode, _about(context, name, named.title.text(language)), ", ".join(named.aliases))
        for name, named in mind.modes.items()
    ]
    rows.append(("auto", "", say("the nearest adapter, chosen for each message by its meaning"), ""))
    rows.append(("base", "", say("the base model, with nobody's thoughts added"), ""))
    text = say("Join adapters with “+”, weigh them with “*”: /mode sport*0.7+core.")
    return CommandResult(text, Table((say("mode"), say("kind"), say("about"), say("also called")), rows), menu="modes")


def _about(context: CommandContext, name: str, text: str) -> str:
    """What a mode is about; for one that cannot be chosen now, that it is out of service."""
    mode = resolve_mode(parse_expression(name), context.mind)
    if context.composer.is_in_service(mode):
        return text
    return context.say("out of service") + (f"; {text}" if text else "")


def _tell_verdict(context: CommandContext, verdict: GateVerdict) -> Iterator[str]:
    """What became of a mode that costs more than the mind allows."""
    say, core = context.say, context.mind.core
    kept = max(verdict.core_kept, 0.0)
    match verdict.result:
        case GateResult.WARNED:
            yield say("In this mode, {core} keeps about {kept:.0%} of what it has learnt.", core=core, kept=kept)
        case GateResult.SCALED:
            yield say(
                "So that {core} keeps its own, the others weigh {share:.0%} of that here.",
                core=core,
                share=verdict.share or 1.0,
            )
        case GateResult.PROJECTED:
            yield say("So that {core} keeps its own, what the others share with it is taken out of them.", core=core)


def _describe(context: CommandContext, mode: ResolvedMode) -> str:
    say = context.say
    if mode.is_auto and context.mind.policies.auto_mix is not None:
        return say(
            "Mode: auto. Each message is answered by the nearest adapter, or by the two nearest ones together where it "
            "lies between them."
        )
    if mode.is_auto:
        return say("Mode: auto. Each message is answered by the nearest adapter.")
    if not mode.terms:
        return say("Mode: base. The base model answers, with nobody's thoughts added.")
    weights = context.composer.weights(mode)
    parts = ", ".join(f"{name} × {weight:.2f}" for name, weight in weights.items())
    return say("Mode: {mode} ({parts}).", mode=mode.text, parts=parts)


@commands.command(
    "consilium",
    N_("an answer by two voices: one thinks like the author, the other recalls the author's texts"),
    N_("QUESTION|on|off|show"),
)
async def answer_with_consilium(context: CommandContext, argument: str) -> CommandResult | AskQuestion:
    """Ask both voices once, switch to two voices or back, or show what each voice said last."""
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
        return CommandResult(context.say("Both voices answer every question. /consilium off ends this."))
    return CommandResult(
        context.say("One voice answers. /consilium QUESTION asks both this once, /consilium on asks both every time.")
    )


async def _show_voices(context: CommandContext) -> CommandResult:
    say = context.say
    last = await turns.last_answered(context.connection, context.conversation.session.id, by_two_voices=True)
    if last is None:
        return CommandResult(say("Two voices have not answered here yet: /consilium QUESTION asks both."))
    voices = last.voices or {}
    nothing = say("(nothing)")
    parts = [
        say("The author, in {mode}:", mode=last.mode) + f"\n{voices.get(AUTHOR) or nothing}",
        say("The archivist, from the library alone:") + f"\n{voices.get(ARCHIVIST) or nothing}",
        say("Together:") + f"\n{last.answer}",
        *(format_source(source, say) for source in sources_of(last)),
    ]
    return CommandResult("\n\n".join(parts))
