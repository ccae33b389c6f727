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


def turn_with(said: dict[str, Any] | None) -> Turn:
    values: dict[str, Any] = dict.fromkeys(Turn.__dataclass_fields__)
    values |= {"id": UUID(int=1), "answer": "text", "mode": "core", "kind": "command", "said": said}
    return Turn(**values)


@pytest.mark.parametrize(
    "said",
    [
        CommandResult("text"),
        CommandResult("text", Table(("a", "b"), (("1", "2"), ("3", "")))),
        CommandResult("text", menu="modes"),
        CommandResult("text", Table((), ()), "languages", (File("a.md", b"x"),)),
    ],
)
def test_what_is_kept_is_said_again(said: CommandResult) -> None:
    import json

    kept = result_to_json(said)
    through_json = None if kept is None else json.loads(to_jsonb(kept))
    outcome = command_outcome(turn_with(through_json), [(file.name, file.content) for file in said.files])
    shown = None if outcome.table is None else (tuple(outcome.table.columns), tuple(map(tuple, outcome.table.rows)))
    meant = None if said.table is None else (tuple(said.table.columns), tuple(map(tuple, said.table.rows)))
    assert (outcome.answer, shown, outcome.menu, outcome.files) == ("text", meant, said.menu, said.files)


def test_a_farewell_is_known_as_one() -> None:
    farewell = replace(CommandResult("text"), erases_person=True)
    assert erases_person(turn_with(result_to_json(farewell)))
    assert not erases_person(turn_with(result_to_json(CommandResult("text"))))
    assert not erases_person(turn_with(result_to_json(CommandResult("text", menu="modes"))))
