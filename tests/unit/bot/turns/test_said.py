from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from bot.channels.port import File, Table
from bot.turns.commands import Said
from bot.turns.said import document_of, is_farewell, said_by
from db.rows import document
from db.turns import Turn

MOMENT = datetime(2026, 11, 25, tzinfo=UTC)


def turn_with(said: dict[str, Any] | None) -> Turn:
    values: dict[str, Any] = dict.fromkeys(Turn.__dataclass_fields__)
    values |= {"id": UUID(int=1), "answer": "text", "mode": "core", "kind": "command", "said": said}
    return Turn(**values)


@pytest.mark.parametrize(
    "said",
    [
        Said("text"),
        Said("text", Table(("a", "b"), (("1", "2"), ("3", "")))),
        Said("text", menu="modes"),
        Said("text", Table((), ()), "languages", (File("a.md", b"x"),)),
    ],
)
def test_what_is_kept_is_said_again(said: Said) -> None:
    import json

    kept = document_of(said)
    through_json = None if kept is None else json.loads(document(kept))
    outcome = said_by(turn_with(through_json), [(file.name, file.content) for file in said.files])
    shown = None if outcome.table is None else (tuple(outcome.table.columns), tuple(map(tuple, outcome.table.rows)))
    meant = None if said.table is None else (tuple(said.table.columns), tuple(map(tuple, said.table.rows)))
    assert (outcome.answer, shown, outcome.menu, outcome.files) == ("text", meant, said.menu, said.files)


def test_a_farewell_is_known_as_one() -> None:
    farewell = replace(Said("text"), is_farewell=True)
    assert is_farewell(turn_with(document_of(farewell)))
    assert not is_farewell(turn_with(document_of(Said("text"))))
    assert not is_farewell(turn_with(document_of(Said("text", menu="modes"))))
