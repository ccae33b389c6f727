from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.app.settings import DEMO_MIND
from bot.minds import load_mind
from bot.minds.completion import complete_mode
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode

AGOGE = load_mind(DEMO_MIND)


def offered(typed: str, limit: int = 25) -> list[str]:
    return complete_mode(typed, AGOGE, limit)


@given(st.text("sportcorephysic+*.0157 спорт@", max_size=30), st.integers(0, 25))
def test_whatever_is_offered_is_allowed_and_offered_once(typed: str, limit: int) -> None:
    found = offered(typed, limit)
    assert len(found) == len(set(found)) <= limit
    for mode in found:
        assert resolve_mode(parse_expression(mode), AGOGE)


def test_nothing_typed_offers_everything() -> None:
    assert offered("") == ["core", "sport", "physics", "classical", "coach", "lab", "textbook", "auto", "base"]


def test_names_are_completed_by_beginning_alias_and_likeness() -> None:
    assert offered("ph")[0] == "physics"
    assert offered("спо")[0] == "sport"
    assert offered("spotr")[0] == "sport"


def test_what_is_typed_in_full_comes_first_with_what_may_be_added() -> None:
    found = offered("sport")
    assert found[0] == "sport"
    assert {"sport+core", "sport+physics", "sport*0.7"} <= set(found)
    assert "sport+classical" not in found


def test_after_a_plus_only_adapters_that_go_together_are_offered() -> None:
    assert offered("sport+") == ["sport+core", "sport+physics"]
    assert offered("sport*0.7+phy") == ["sport*0.7+physics"]


def test_weights_are_completed() -> None:
    assert offered("core+sport*0.") == ["core+sport*0.3", "core+sport*0.5", "core+sport*0.7"]


def test_what_is_far_too_long_is_not_looked_at() -> None:
    assert offered("s" * 10_000) == []
