"""`consilium mind subjects`: what subjects the imported dialogues fall into, as topic adapters."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from bot.app.components import make_embedder
from bot.app.settings import Settings
from bot.authoring.errors import NoMind
from bot.authoring.outcome import TRAIN_FILE
from bot.authoring.review import apply_review, open_stages
from bot.authoring.stages import StageFolder
from bot.authoring.subjects.acceptance import Acceptance, accept, read_acceptance, remove_unfinished_trainings
from bot.authoring.subjects.finding import Found, find_subjects
from bot.authoring.subjects.proposal import MIN_TOPIC, Proposal
from bot.cli.common import new_table, stdout_console
from bot.core.errors import describe_error
from bot.core.i18n import Translator, system_language
from bot.minds import Mind, load_mind
from consilium.errors import ConsiliumError

if TYPE_CHECKING:
    from bot.authoring.subjects.clustering import Vectors

_COMMAND: Final = re.compile(r"([amdrq])\s*(\S+)?(?:\s+(\S+))?")


def subjects(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the mind.")],
    accepted: Annotated[
        bool,
        typer.Option("--accept", help="Accept without asking: write the topics into mind.yaml and their dialogues."),
    ] = False,
    rename: Annotated[
        list[str] | None, typer.Option("--rename", metavar="OLD=NEW", help="Give a subject another name.")
    ] = None,
    merge: Annotated[
        list[str] | None, typer.Option("--merge", metavar="ONE+OTHER", help="Make one subject of two.")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop", help="Leave a subject to the core.")] = None,
    min_size: Annotated[int, typer.Option(min=16, help="Dialogues that a subject needs.")] = MIN_TOPIC,
) -> None:
    """Propose topics for the imported dialogues: what of them is about one thing, and apart from the rest.

    Subjects are found by meaning, and there may be none. What belongs to no topic stays with the core. In a terminal it
    is asked what to do with them; elsewhere nothing is changed without --accept.
    """
    settings: Settings = context.obj
    say = Translator(settings.language or system_language())
    if not (folder / "mind.yaml").is_file():
        raise NoMind(folder)
    mind = load_mind(folder, require_adapters=False)
    stages = open_stages(mind.folder)
    found = look_for_subjects(settings, mind, stages, min_size)
    proposal = _changed(found, rename or (), merge or (), drop or ())
    print_proposal(proposal, say)
    if not accepted and sys.stdin.isatty() and sys.stdout.isatty():
        chosen = ask_for_subjects(proposal, found, say)
        if chosen is None:
            return
        proposal = chosen
    elif not accepted:
        _print(say("Nothing was changed. To accept this: consilium mind subjects {folder} --accept", folder=folder))
        return
    print_accepted(load_mind(folder, require_adapters=False), accept_subjects(mind, stages, found, proposal), say)


def look_for_subjects(settings: Settings, mind: Mind, stages: StageFolder, min_size: int = MIN_TOPIC) -> Found:
    """The subjects of an import, by the mind's embedder."""
    embedder = make_embedder(settings)

    async def embed(texts: Sequence[str]) -> Vectors:
        try:
            await embedder.start()
            return (await embedder.embed(texts)).astype("float64")
        finally:
            await embedder.close()

    return find_subjects(mind, stages, lambda texts: asyncio.run(embed(texts)), embedder.name, min_size=min_size)


def accept_subjects(mind: Mind, stages: StageFolder, found: Found, proposal: Proposal) -> Acceptance:
    """Put accepted subjects into the mind, unless they are there already."""
    before = read_acceptance(stages)
    made = accept(mind, stages, proposal, found.inputs, found.fates)
    if before is not None and before != made:
        remove_unfinished_trainings(mind)
    apply_review(mind.folder)
    return made


def ask_for_subjects(proposal: Proposal, found: Found, say: Translator) -> Proposal | None:
    """Have the creator change a proposal until they accept it; None if they leave it.

    What is asked ends with `a`, which is the default, or `q`.
    """
    while True:
        if not proposal.subjects:
            question = say("a accept, q leave everything as it is")
        else:
            question = say("a accept, r 1 NAME rename, m 1 2 merge, d 1 leave to the core, q leave everything as it is")
        answer = typer.prompt(question, default="a", show_default=False)
        command = _COMMAND.fullmatch(answer.strip())
        if command is None:
            continue
        letter, first, second = command[1], command[2] or "", command[3] or ""
        if letter in "aq":
            return proposal if letter == "a" else None
        try:
            if letter == "d":
                proposal = proposal.dropped(first)
            else:
                change = proposal.renamed(first, second, found.taken) if letter == "r" else None
                proposal = change or proposal.merged(first, second)
        except ConsiliumError as error:
            stdout_console().print(Text(describe_error(error, say.language, say.translate), "red"), soft_wrap=True)
            continue
        print_proposal(proposal, say)


def print_proposal(proposal: Proposal, say: Translator) -> None:
    """Print the subjects as a table, each with typical questions."""
    if not proposal.subjects:
        _print(
            say(
                "No subject of these {count} dialogues stands out from the others: all of them are for the core.",
                count=proposal.dialogues,
            )
        )
        return
    about = say("about")
    table = new_table("#", say("topic"), say("dialogues"), about, wrapped=(about,))
    for number, subject in enumerate(proposal.subjects, 1):
        name = ", ".join((subject.name, *subject.aliases))
        text = subject.description.get(say.language) or next(iter(subject.description.values()))
        table.add_row(str(number), name, str(len(subject.ids)), "\n".join((text, *(f"– {q}" for q in subject.samples))))
    table.add_row("", say("the core"), str(proposal.common), say("what is common, and what lies between"))
    stdout_console().print(table)


def print_accepted(mind: Mind, made: Acceptance, say: Translator) -> None:
    """Print what was written, and what the creator has to choose themselves."""
    _print(say("Written into mind.yaml: {names}.", names=", ".join(each.name for each in made.adapters)))
    for each in made.adapters:
        dialogues = mind.adapters[each.name].dialogues
        if dialogues not in (mind.folder / each.train, mind.folder / TRAIN_FILE):
            _print(
                say(
                    "! The adapter {name} keeps its own dialogues. To train it on the imported ones, write into"
                    " mind.yaml:",
                    name=each.name,
                )
            )
            _print(f"    dialogues: {each.train}")
            if (mind.folder / each.heldout).stat().st_size:
                _print(f"    heldout: {each.heldout}")
    names = " ".join(each.name for each in made.adapters)
    _print(say("Then train: consilium train {name} --mind {folder}", name=names, folder=mind.folder))


def _changed(found: Found, renames: Sequence[str], merges: Sequence[str], drops: Sequence[str]) -> Proposal:
    proposal = found.proposal
    for pair in merges:
        proposal = proposal.merged(*_two(pair, "+", "--merge"))
    for name in drops:
        proposal = proposal.dropped(name)
    for pair in renames:
        old, new = _two(pair, "=", "--rename")
        proposal = proposal.renamed(old, new, found.taken)
    return proposal


def _two(text: str, between: str, option: str) -> tuple[str, str]:
    first, found, second = text.partition(between)
    if not (found and first.strip() and second.strip()):
        raise typer.BadParameter(f"“{text}” is not ONE{between}OTHER.", param_hint=option)
    return first, second


def _print(text: str) -> None:
    stdout_console().print(Text(text), soft_wrap=True)
