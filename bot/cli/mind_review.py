"""`consilium mind review`: look through what an import has kept, page by page, and keep, drop or edit it."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import click
import typer
from rich.text import Text

from bot.app.settings import Settings
from bot.authoring.candidates import Turn
from bot.authoring.errors import EditNotUsable
from bot.authoring.outcome import Choice, Fate
from bot.authoring.reasons import REASON_TEXTS, Reason
from bot.authoring.review import ReviewPage, apply_review, decide, read_page
from bot.cli.common import stdout_console
from bot.cli.import_report import print_report
from bot.core.errors import describe_error
from bot.core.i18n import Translator, system_language

_ROLE_LINE: Final = re.compile(r"^\[(user|assistant)\][ \t]*$", re.MULTILINE)
_COMMAND: Final = re.compile(r"([kde])\s*((?:\d+[\s,]*)+)|([npq])|(\d+)")


def review(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the mind.")],
    page: Annotated[int, typer.Option(min=1, help="The page to begin with.")] = 1,
    dropped: Annotated[
        Reason | None, typer.Option("--dropped", help="Look through what was left out for this reason instead.")
    ] = None,
    size: Annotated[int, typer.Option(min=1, max=100, help="Dialogues of a page.")] = 5,
) -> None:
    """Look through the imported dialogues page by page; keep, drop or edit each.

    With standard input not a terminal, one page is printed and nothing is asked.
    """
    settings: Settings = context.obj
    say = Translator(settings.language or system_language())
    while True:
        shown = read_page(folder, page, reason=dropped, size=size)
        _show(shown, say)
        if not sys.stdin.isatty():
            return
        answer = typer.prompt(
            say("n next, p previous, d 1 3 drop, k 2 keep, e 2 edit, q finish"), default="n", show_default=False
        )
        command = _COMMAND.fullmatch(answer.strip().lower())
        if command is None:
            continue
        if command[3] == "q" or (command[3] == "n" and shown.page == shown.pages):
            break
        if command[1]:
            _decide(folder, shown, command[1], [int(number) for number in re.findall(r"\d+", command[2])], say)
        page = int(command[4]) if command[4] else shown.page + {"n": 1, "p": -1}.get(command[3] or "", 0)
    print_report(apply_review(folder), say)


def _show(page: ReviewPage, say: Translator) -> None:
    console = stdout_console()
    console.print(
        Text(
            say("Page {page} of {pages}, {total} dialogues", page=page.page, pages=page.pages, total=page.total), "bold"
        )
    )
    for number, fate in enumerate(page.items, 1):
        candidate = fate.candidate
        state = say(REASON_TEXTS[fate.reason]) if fate.reason else fate.part
        head = " · ".join(filter(None, (f"{number}", candidate.source, candidate.first[:10], state, candidate.id)))
        console.print(Text(f"\n{head}", "dim"), soft_wrap=True)
        for turn in candidate.turns:
            console.print(
                Text("← " if turn.role == "user" else "→ ", "bold").append(Text(turn.text, "none")), soft_wrap=True
            )
    console.print()


def _decide(folder: Path, page: ReviewPage, command: str, numbers: Sequence[int], say: Translator) -> None:
    for number in numbers:
        if not 0 < number <= len(page.items):
            continue
        fate = page.items[number - 1]
        if command != "e":
            decide(folder, fate.candidate.id, Choice.KEEP if command == "k" else Choice.DROP)
            continue
        try:
            if turns := _edit(fate):
                decide(folder, fate.candidate.id, Choice.EDIT, turns)
        except EditNotUsable as error:
            stdout_console().print(Text(describe_error(error, say.language, say.translate), "red"), soft_wrap=True)


def _edit(fate: Fate) -> list[Turn]:
    """The turns as they are after the creator's editor has closed; none where nothing was saved."""
    before = fate.candidate.turns
    text = click.edit("\n".join(f"[{turn.role}]\n{turn.text}\n" for turn in before), extension=".txt")
    if text is None:
        return []
    parts = _ROLE_LINE.split(text)[1:]
    turns = [
        Turn("user" if role == "user" else "assistant", said.strip())
        for role, said in zip(parts[::2], parts[1::2], strict=True)
    ]
    # Whether an answer is learnt is no part of what was edited.
    if len(turns) == len(before):
        turns = [replace(turn, learn=old.learn) for turn, old in zip(turns, before, strict=True)]
    return turns
