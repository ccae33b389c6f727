"""`consilium mind versions`, `promote`, `rollback`: which adapters a mind answers with, and exchanging them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import mean
from typing import Annotated, Final

import typer
from rich.text import Text

from bot.app.audit import record_done
from bot.app.settings import Settings
from bot.authoring.evaluation import Evaluation
from bot.authoring.gate import find_evaluation, find_obstacle
from bot.authoring.promotion import live_version, promote, roll_back
from bot.cli.common import format_time, new_table, stdout_console
from bot.core.errors import describe_error
from bot.core.i18n import Translator, system_language
from bot.minds import Mind, load_mind
from bot.minds.versions import (
    Digests,
    candidate_folder,
    candidate_folders,
    list_versions,
    live_folders,
    read_digests,
    to_be_retrained,
)

MindArgument = Annotated[Path | None, typer.Argument(help="Folder of the mind.", show_default="the demo mind")]
_SHOWN_DIGITS: Final = 8


def versions(context: typer.Context, folder: MindArgument = None) -> None:
    """List the sets of adapters that the mind has had, which one is in use, and what the candidate still needs."""
    settings: Settings = context.obj
    say = Translator(settings.language or system_language())
    mind = load_mind(folder or settings.mind, require_adapters=False)
    table = new_table("version", "made", "adapters", "figures", "", wrapped=["adapters", "figures"])
    live, in_use = live_version(mind), say("in use")
    for version in list_versions(mind.folder):
        marks = [in_use] if live and version.number == live.number else []
        table.add_row(*_row(mind, str(version.number), version.made, version.adapters, [*marks, version.note]))
    digests = read_digests(live_folders(mind))
    if live is None and digests:
        table.add_row(*_row(mind, "–", None, digests, [in_use]))
    trained = [name for name in mind.adapters if candidate_folder(mind, name).is_dir()]
    candidate = read_digests(candidate_folders(mind))
    if trained:
        new = say("new: {names}", names=", ".join(trained))
        table.add_row(*_row(mind, say("candidate"), None, candidate, [new]))
    stdout_console().print(table)
    if retrain := to_be_retrained(mind):
        _print(
            say(
                "To be retrained, because people have had their words deleted that it was trained with: {names}",
                names=", ".join(retrain),
            )
        )
    if trained:
        obstacle = find_obstacle(mind, candidate)
        text = (
            describe_error(obstacle, say.language, say.translate)
            if obstacle
            else say("The candidate may be promoted: consilium mind promote {folder}", folder=mind.folder)
        )
        _print(text)


def promote_(
    context: typer.Context,
    folder: MindArgument = None,
    note: Annotated[str, typer.Option("--note", help="A line about it, for `mind versions`.")] = "",
) -> None:
    """Put the candidate into use, if it is within the limits of mind.yaml and no worse than what is in use.

    A running service takes it with the next question. Conversations in progress go on with what they began with, until
    they begin anew or have been silent for a day.
    """
    settings: Settings = context.obj
    mind = load_mind(folder or settings.mind, require_adapters=False)
    version = promote(mind, note)
    asyncio.run(record_done(settings, "version.promoted", f"{mind.name} {version.number}"))
    say = Translator(settings.language or system_language())
    _print(say("Version {number} of {mind} is in use.", number=version.number, mind=mind.name))


def roll_back_(
    context: typer.Context,
    folder: MindArgument = None,
    number: Annotated[
        int | None, typer.Argument(help="The version.", show_default="the one that was in use before")
    ] = None,
) -> None:
    """Put an earlier version into use again; its answers are the very same as before."""
    settings: Settings = context.obj
    mind = load_mind(folder or settings.mind, require_adapters=False)
    version = roll_back(mind, number)
    asyncio.run(record_done(settings, "version.rolled_back", f"{mind.name} {version.number}"))
    say = Translator(settings.language or system_language())
    _print(say("Version {number} of {mind} is in use again.", number=version.number, mind=mind.name))


def _row(
    mind: Mind, number: str, made: datetime | None, digests: Digests, about: Sequence[str]
) -> tuple[str | Text, ...]:
    adapters = ", ".join(f"{name} {digest[:_SHOWN_DIGITS]}" for name, digest in digests.items())
    evaluation = find_evaluation(mind, digests)
    figures = describe_evaluation(evaluation) if evaluation else "–"
    notes = "; ".join(each for each in about if each)
    return number, format_time(made) if made else "", Text(adapters), Text(figures), Text(notes)


def describe_evaluation(evaluation: Evaluation) -> str:
    """The figures of an evaluation in a line: the mean over its modes of each that was measured."""
    modes = evaluation.modes.values()
    learnt = [each for mode in modes for each in mode.learnt.values()]
    figures = {
        "gain": [each.gain for each in learnt],
        "kept": [each.kept for each in learnt if each.kept is not None],
        "drift": [mode.drift.share for mode in modes if mode.drift and mode.drift.share is not None],
        "sense": [mode.sense.score for mode in modes if mode.sense],
        "voice": [mode.voice.auc for mode in modes if mode.voice],
    }
    return ", ".join(f"{name} {mean(values):.2f}" for name, values in figures.items() if values)


def _print(text: str) -> None:
    stdout_console().print(Text(text), soft_wrap=True)
