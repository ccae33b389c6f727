"""Outcomes as JSON and as plain lines."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.console.rendering import outcome_as_json, table_as_text
from bot.core.messages import Outcome, Source, Table

KEYS = ["turn", "mode", "adapter", "answer", "sources", "memories", "usage", "error"]


def test_json_has_every_key() -> None:
    parsed = json.loads(outcome_as_json(Outcome("base")))
    assert list(parsed) == KEYS
    assert parsed["turn"] is None
    assert parsed["sources"] == []
    assert parsed["usage"] == {}


@given(st.text(), st.text())
def test_json_is_one_line(answer: str, error: str) -> None:
    line = outcome_as_json(Outcome("core", answer, error=error, sources=[Source(1, "t", "w", answer)]))
    assert "\n" not in line
    assert json.loads(line)["answer"] == answer
    assert json.loads(line)["sources"][0]["quote"] == answer


def test_table_is_aligned_and_part_of_the_answer() -> None:
    table = Table(("N", "what"), [("1", "knee"), ("10", "sea")])
    assert table_as_text(table) == "N   what\n1   knee\n10  sea"
    assert (
        json.loads(outcome_as_json(Outcome("core", "So:", table=table)))["answer"] == "So:\nN   what\n1   knee\n10  sea"
    )
    assert table_as_text(None) == ""
