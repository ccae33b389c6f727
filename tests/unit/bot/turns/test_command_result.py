import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from bot.core.messages import File, Table
from bot.intake.commands import CommandResult
from bot.turns.command_result import command_outcome, erases_person, result_to_json
from db.infra.rows import to_jsonb
from db.turns.turns import Turn

MOMENT = datetime(2026, 11, 25, tzinfo=UTC)


def turn_with(stored: dict[str, Any] | None) -> Turn:
    values: dict[str, Any] = dict.fromkeys(Turn.__dataclass_fields__)
    values |= {"id": UUID(int=1), "answer": "text", "mode": "core", "kind": "command", "said": stored}
    return Turn(**values)


def cells(table: Table | None) -> object:
    return None if table is None else (tuple(table.columns), tuple(map(tuple, table.rows)))


@pytest.mark.parametrize(
    "result",
    [
        CommandResult("text"),
        CommandResult("text", Table(("a", "b"), (("1", "2"), ("3", "")))),
        CommandResult("text", menu="modes"),
        CommandResult("text", Table((), ()), "languages", (File("a.md", b"x"),)),
    ],
)
def test_result_survives_storage(result: CommandResult) -> None:
    extras = result_to_json(result)
    stored = None if extras is None else json.loads(to_jsonb(extras))
    outcome = command_outcome(turn_with(stored), [(file.name, file.content) for file in result.files])
    assert cells(outcome.table) == cells(result.table)
    assert (outcome.answer, outcome.menu, outcome.files) == ("text", result.menu, result.files)


def test_erasing_result_is_recognised() -> None:
    erasing = replace(CommandResult("text"), erases_person=True)
    assert erases_person(turn_with(result_to_json(erasing)))
    assert not erases_person(turn_with(result_to_json(CommandResult("text"))))
    assert not erases_person(turn_with(result_to_json(CommandResult("text", menu="modes"))))
