"""What a command has said, as it is kept with its turn until it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.messages import File, Menu, Outcome, Table
from db.turns.turns import Turn


def result_to_json(result: CommandResult) -> dict[str, Any] | None:
    """All of it beside its text and its files, as plain JSON; None when there is nothing else."""
    kept: dict[str, Any] = {}
    if result.table is not None:
        kept["table"] = {"columns": list(result.table.columns), "rows": [list(row) for row in result.table.rows]}
    if result.menu is not None:
        kept["menu"] = result.menu
    if result.erases_person:
        kept["farewell"] = True
    if result.is_ephemeral:
        kept["fleeting"] = True
    return kept or None


def command_outcome(turn: Turn, files: Sequence[tuple[str, bytes]] = ()) -> Outcome:
    """What a command has said, as it was kept.

    Args:
        files: names and contents of what it hands over.
    """
    kept = turn.said or {}
    return Outcome(
        mode=turn.mode or "",
        answer=turn.answer or "",
        table=_table(kept.get("table")),
        error=turn.error,
        menu=kept.get("menu"),
        files=tuple(File(name, content) for name, content in files),
    )


def erases_person(turn: Turn) -> bool:
    """Whether it is the last thing that is said to a person who has been forgotten."""
    return bool((turn.said or {}).get("farewell"))


def is_ephemeral(turn: Turn) -> bool:
    """Whether what is said is not to be kept once it has been shown."""
    return bool((turn.said or {}).get("fleeting"))


def _table(shown: dict[str, Any] | None) -> Table | None:
    return None if shown is None else Table(shown["columns"], shown["rows"])


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command answers."""

    text: str
    table: Table | None = None
    menu: Menu | None = None
    files: Sequence[File] = ()
    erases_person: bool = False
    """Whether the person has been forgotten, and the last of him is to go once this has been shown."""
    is_ephemeral: bool = False
    """Whether it is not to be kept once it has been shown."""
