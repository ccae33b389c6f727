"""Completion of a mode while it is being typed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.app.settings import DEMO_MIND
from bot.minds import load_mind
from bot.minds.completion import complete_mode
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode

AGOGE = load_mind(DEMO_MIND)


def complete(typed: str, limit: int = 25) -> list[str]:
    return complete_mode(typed, AGOGE, limit)


@given(st.text("sportcorephysic+*.0157 спорт@", max_size=30), st.integers(0, 25))
def test_completions_are_allowed_and_unique(typed: str, limit: int) -> None:
    completions = complete(typed, limit)
    assert len(completions) == len(set(completions)) <= limit
    for mode in completions:
        assert resolve_mode(parse_expression(mode), AGOGE)


def test_empty_text_gives_all_names() -> None:
    assert complete("") == ["core", "sport", "physics", "classical", "coach", "lab", "textbook", "auto", "base"]


def test_names_are_completed_by_prefix_alias_and_similarity() -> None:
    assert complete("ph")[0] == "physics"
    assert complete("спо")[0] == "sport"
    assert complete("spotr")[0] == "sport"


def test_complete_name_comes_first_with_its_continuations() -> None:
    completions = complete("sport")
    assert completions[0] == "sport"
    assert {"sport+core", "sport+physics", "sport*0.7"} <= set(completions)
    assert "sport+classical" not in completions


def test_compatible_adapters_after_a_plus() -> None:
    assert complete("sport+") == ["sport+core", "sport+physics"]
    assert complete("sport*0.7+phy") == ["sport*0.7+physics"]


def test_weights_are_completed() -> None:
    assert complete("core+sport*0.") == ["core+sport*0.3", "core+sport*0.5", "core+sport*0.7"]
    assert complete("core+sport*-") == ["core+sport*-0.5", "core+sport*-1"]


def test_very_long_text_has_no_completions() -> None:
    assert complete("s" * 10_000) == []
