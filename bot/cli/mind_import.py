"""`consilium mind import`: dialogues to train on from exports of chats, questions and answers, and articles."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bot.app.settings import Settings
from bot.authoring.errors import NoMind
from bot.authoring.filters import Rules
from bot.authoring.importing import ImportOptions, ImportResult, no_author, run_import
from bot.authoring.report import report_to_record
from bot.authoring.speakers import Speaker, Speakers
from bot.cli.common import JsonFileOption, new_table, stdout_console
from bot.cli.import_report import print_next_steps, print_report
from bot.core.errors import describe_error
from bot.core.i18n import Translator, system_language
from bot.minds import Mind, load_mind
from consilium.errors import N_

_OFFERED = 8
"""Speakers that are offered as the author."""
_STAGES = {
    "read": N_("Reading files"),
    "stitch": N_("Making dialogues"),
    "judge": N_("Replacing personal data, choosing"),
}
Sources = Annotated[
    list[Path] | None,
    typer.Argument(help="Exports of chats, questions and answers, articles: files or folders.", exists=True),
]
MoreSources = Annotated[
    list[Path] | None, typer.Option("--from", help="The same; may stand before further files.", exists=True)
]
AuthorOption = Annotated[
    list[str] | None,
    typer.Option("--author", help="The author's name or id in the chats; may be repeated.", show_default="asked"),
]
OthersWordsOption = Annotated[
    bool | None,
    typer.Option(
        "--others-words/--no-others-words",
        help="Use what others have written, as what the author answers to. Ask them first.",
        show_default="asked; no where nobody can be asked",
    ),
]


def import_(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the mind; `consilium init` makes one.")],
    sources: Sources = None,
    more_sources: MoreSources = None,
    author: AuthorOption = None,
    others_words: OthersWordsOption = None,
    heldout: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of the dialogues to measure with, not to train on.")
    ] = 0.1,
    min_words: Annotated[int, typer.Option(min=1, help="Words of the author that a dialogue needs.")] = 3,
    max_personal: Annotated[
        int, typer.Option(min=0, help="Pieces of personal data in a dialogue; one with more is left out.")
    ] = 4,
    json_file: JsonFileOption = None,
) -> None:
    """Make dialogues to train on from what an author has written, without personal data; tell what was kept and why.

    If it is interrupted, the same command goes on.
    """
    settings: Settings = context.obj
    say = Translator(settings.language or system_language())
    paths = [*(more_sources or ()), *(sources or ())]
    if not paths:
        raise typer.BadParameter(say("name at least one file or folder"), param_hint="SOURCES")
    if not (folder / "mind.yaml").is_file():
        raise NoMind(folder)
    mind = load_mind(folder, require_adapters=False)
    if others_words is None:
        others_words = can_ask() and ask_for_others_words(say)
    rules = rules_of(mind, others_words, min_words=min_words, max_personal=max_personal, heldout=heldout)
    result = import_sources(mind, paths, rules, author or (), say)
    print_report(result.report, say)
    print_next_steps(mind, result, say)
    if json_file is not None:
        json_file.write_text(json.dumps(report_to_record(result.report), ensure_ascii=False, indent=1), "utf-8")


def can_ask() -> bool:
    """Whether there is somebody at a terminal to answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def rules_of(mind: Mind, others_words: bool, **rules: Any) -> Rules:
    """What an import into a mind keeps.

    Args:
        rules: further fields of `Rules`.
    """
    return Rules(mind.languages, others_words, quoted=tuple(sorted(mind.quoted_languages)), **rules)


def import_sources(
    mind: Mind, paths: Sequence[Path], rules: Rules, authors: Sequence[str], say: Translator
) -> ImportResult:
    """Import files with progress on standard error; in a terminal the author is asked for if nobody has named them."""
    with _progress() as progress:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(say(_STAGES[stage]), total=total)
            progress.update(tasks[stage], completed=done, total=total)

        def choose(speakers: Speakers) -> Sequence[str]:
            progress.stop()
            names = _ask_for_author(speakers, say)
            progress.start()
            return names

        options = ImportOptions(
            rules,
            tuple(authors),
            choose if can_ask() else no_author,
            show,
            lambda error: describe_error(error, say.language, say.translate),
        )
        return run_import(mind, paths, options)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def ask_for_others_words(say: Translator) -> bool:
    """Ask whether what others have written may be used."""
    return typer.confirm(
        say("May the words of others be used, as what the author answers to? Have they agreed?"), default=False
    )


def _ask_for_author(speakers: Speakers, say: Translator) -> Sequence[str]:
    """Ask who the author is; the likeliest stands first."""
    offered = speakers.ranked()[:_OFFERED]
    table = new_table("#", say("who"), "id", say("chats"), say("words"))
    for number, speaker in enumerate(offered, 1):
        table.add_row(str(number), speaker.name, speaker.key, str(len(speaker.chats)), str(speaker.words))
    stdout_console().print(table)
    answer = typer.prompt(say("Who is the author? Numbers, with commas if there are several"), default="1")
    return [_named(part.strip(), offered) for part in answer.split(",") if part.strip()]


def _named(answer: str, offered: Sequence[Speaker]) -> str:
    """The id that a number stands for; anything else is a name or an id itself."""
    if answer.isdigit() and 0 < int(answer) <= len(offered):
        return offered[int(answer) - 1].key
    return answer
