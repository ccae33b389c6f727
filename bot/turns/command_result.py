"""The result of a command, and how it is stored with its turn until it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.messages import Choice, File, Menu, Outcome, Table
from db.turns.turns import Turn


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command answers."""

    text: str
    table: Table | None = None
    menu: Menu | None = None
    files: Sequence[File] = ()
    choices: Sequence[Choice] = ()
    erases_person: bool = False
    """Whether the command has erased the person's data, and this turn goes as well once it has been shown."""
    is_ephemeral: bool = False
    """Whether the text is deleted once it has been shown."""


def result_to_json(result: CommandResult) -> dict[str, Any] | None:
    """Everything but the text and the files, as plain JSON; None when there is nothing else."""
    extras: dict[str, Any] = {}
    if result.table is not None:
        extras["table"] = {"columns": list(result.table.columns), "rows": [list(row) for row in result.table.rows]}
    if result.menu is not None:
        extras["menu"] = result.menu
    if result.choices:
        extras["choices"] = [[choice.label, choice.command] for choice in result.choices]
    if result.erases_person:
        extras["farewell"] = True
    if result.is_ephemeral:
        extras["fleeting"] = True
    return extras or None


def command_outcome(turn: Turn, files: Sequence[tuple[str, bytes]] = ()) -> Outcome:
    """The outcome of a command, from its stored result.

    Args:
        files: names and contents of the files it hands over.
    """
    extras = turn.said or {}
    table = extras.get("table")
    return Outcome(
        mode=turn.mode or "",
        answer=turn.answer or "",
        table=None if table is None else Table(table["columns"], table["rows"]),
        error=turn.error,
        menu=extras.get("menu"),
        choices=[Choice(label, command) for label, command in extras.get("choices", ())],
        files=tuple(File(name, content) for name, content in files),
    )


def erases_person(turn: Turn) -> bool:
    """Whether this is the last answer to a person whose data has been erased."""
    return bool((turn.said or {}).get("farewell"))


def is_ephemeral(turn: Turn) -> bool:
    """Whether the answer is deleted once it has been shown."""
    return bool((turn.said or {}).get("fleeting"))
