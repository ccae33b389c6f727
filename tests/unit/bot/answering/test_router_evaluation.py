"""Figures of the router, and cases read from a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.answering.router import PastQuestion
from bot.answering.routing.evaluation import Case, InvalidCases, KindFigures, held_out_cases, read_cases
from bot.app.settings import DEMO_MIND
from bot.minds import Mind, load_mind
from bot.minds.errors import UnknownAdapter
from inference.training.dialogues import read_dialogues


def test_cases_are_read_with_what_came_before(mind: Mind, tmp_path: Path) -> None:
    lines = [
        {"text": "How many sets?", "adapter": "спорт"},
        {"text": "and on Sundays?", "adapter": "sport", "after": [{"text": "How many sets?", "adapter": "sport"}]},
        {"text": "hi", "adapter": None, "kind": "small talk"},
    ]
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n\n", encoding="utf-8")
    assert read_cases(path, mind) == [
        Case("cases", "How many sets?", "sport", []),
        Case("cases", "and on Sundays?", "sport", [PastQuestion("How many sets?", "sport")]),
        Case("small talk", "hi", "core", []),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [("{", "not JSON"), ('{"adapter": "sport"}', "Field required"), ('{"text": "x", "mood": 1}', "Extra inputs")],
)
def test_a_broken_case_is_named(mind: Mind, tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(f'{{"text": "hi"}}\n{line}\n', encoding="utf-8")
    with pytest.raises(InvalidCases, match=f"line 2: .*{problem}"):
        read_cases(path, mind)


def test_a_case_names_an_adapter_of_the_mind(mind: Mind, tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('{"text": "hi", "adapter": "sprot"}', encoding="utf-8")
    with pytest.raises(UnknownAdapter, match="sprot"):
        read_cases(path, mind)
    with pytest.raises(InvalidCases):
        read_cases(tmp_path / "none.jsonl", mind)


def test_held_out_dialogues_are_cases_with_their_follow_ups() -> None:
    mind = load_mind(DEMO_MIND, require_adapters=False)
    cases = held_out_cases(mind)
    assert {case.adapter for case in cases} == {"core", "sport", "physics"}
    follow_ups = [case for case in cases if case.history]
    files = [adapter.heldout for name, adapter in mind.adapters.items() if name != "classical"]
    assert len(cases) - len(follow_ups) == sum(len(read_dialogues(file)) for file in files if file is not None)
    assert all(case.history[0].adapter == case.adapter for case in follow_ups)


def test_figures_count_what_went_where() -> None:
    figures = KindFigures()
    figures.confusion.update({("sport", "sport"): 6, ("sport", "core"): 3, ("core", "core"): 1})
    assert (figures.cases, figures.accuracy, figures.abstention("core")) == (10, 0.7, 0.4)
