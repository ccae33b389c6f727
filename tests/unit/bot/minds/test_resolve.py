"""Names looked up and policies applied."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import describe_error
from bot.minds import Mind, ModeError, ResolvedMode, Sum, Term, check_access, parse_expression, resolve_mode
from bot.minds.errors import (
    ForbiddenComposition,
    IsolatedAdapter,
    ModeNotAllowed,
    MustStandAlone,
    RepeatedAdapter,
    TooManyAdapters,
    UnknownAdapter,
)


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("core", "core"),
        ("sport", "core+sport"),
        ("Спорт+АГОГЕ", "core+sport"),
        ("физика*0,7", "core+physics*0.7"),
        ("core*0.5+sport", "core*0.5+sport"),
        ("sport@late", "core+sport@late"),
        ("классика", "classical"),
        ("тренер", "core+sport"),
        ("lab", "core+physics*0.7"),
        ("textbook", "classical"),
        ("free", "auto"),
        ("auto", "auto"),
        ("база", "base"),
    ],
)
def test_modes_resolve_to_one_canonical_text(mind: Mind, text: str, resolved: str) -> None:
    mode = resolve_mode(parse_expression(text), mind)
    assert mode.text == resolved
    assert resolve_mode(parse_expression(mode.text), mind) == mode


def test_what_a_resolved_mode_knows_of_itself(mind: Mind) -> None:
    assert resolve_mode(parse_expression("тренер"), mind).named == "coach"
    assert resolve_mode(parse_expression("классика"), mind).isolated
    assert not resolve_mode(parse_expression("sport"), mind).isolated
    assert resolve_mode(parse_expression("auto"), mind).is_auto
    assert resolve_mode(parse_expression("base"), mind).terms == ()
    assert [term.name for term in resolve_mode(parse_expression("sport"), mind).terms] == ["core", "sport"]


@pytest.mark.parametrize(
    ("text", "kind", "working"),
    [
        ("sport+classical", IsolatedAdapter, ["classical", "core+sport"]),
        ("core+классика", IsolatedAdapter, ["classical", "core"]),
        ("sport+money", ForbiddenComposition, ["core+money", "core+sport"]),
        ("sport*0.5+money+physics", ForbiddenComposition, ["core+money+physics", "core+physics+sport*0.5"]),
        ("classical+sport+money", IsolatedAdapter, ["classical", "core+money", "core+sport"]),
        ("sport+спорт", RepeatedAdapter, ["sport*1.5", "sport"]),
        ("coach+physics", MustStandAlone, ["core+physics+sport", "coach"]),
        ("coach+спорт*0.5", MustStandAlone, ["core+sport*0.5", "coach"]),
        ("lab*0.5", MustStandAlone, ["core+physics*0.7", "lab"]),
        ("coach@late", MustStandAlone, ["core+sport", "coach"]),
        ("free+sport", MustStandAlone, ["core+sport", "free"]),
        ("sprot", UnknownAdapter, ["sport"]),
        ("ызщке", UnknownAdapter, ["sport"]),
        ("abpbrf", UnknownAdapter, ["physics"]),
        ("fizika", UnknownAdapter, ["physics"]),
        ("трениер", UnknownAdapter, ["coach", "sport"]),
        ("medicine", UnknownAdapter, ["core", "sport", "physics", "money", "classical"]),
    ],
)
def test_a_refusal_names_what_works(mind: Mind, text: str, kind: type[ModeError], working: list[str]) -> None:
    with pytest.raises(ModeError) as caught:
        resolve_mode(parse_expression(text), mind)
    assert type(caught.value) is kind
    assert sorted(caught.value.alternatives) == sorted(working)


def resolved_or_refused(mode: Sum, mind: Mind) -> ResolvedMode | ModeError:
    try:
        return resolve_mode(mode, mind)
    except ModeError as error:
        return error


@given(data=st.data())
def test_whatever_is_composed_keeps_the_policies_or_is_refused_with_a_way_out(data: st.DataObject, mind: Mind) -> None:
    names = [*mind.names, "medicine", "sprot"]
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=6, unique=True))
    found = resolved_or_refused(Sum(tuple(Term(name) for name in chosen)), mind)
    if isinstance(found, ModeError):
        assert found.alternatives
        for proposal in found.alternatives:
            resolve_mode(parse_expression(proposal), mind)
    else:
        adapters = {term.name for term in found.terms}
        assert found.is_auto or adapters == {"classical"} or ("core" in adapters and "classical" not in adapters)
        assert not {"sport", "money"} <= adapters
        assert resolve_mode(parse_expression(found.text), mind) == found


@given(data=st.data())
def test_the_order_of_names_never_matters(data: st.DataObject, mind: Mind) -> None:
    names = data.draw(st.permutations(["core", "физика", "sport"]))
    assert resolve_mode(parse_expression("+".join(names)), mind).text == "core+physics+sport"


def test_a_forbidden_pair_is_explained_in_the_reader_s_language(mind: Mind) -> None:
    with pytest.raises(ForbiddenComposition) as caught:
        resolve_mode(parse_expression("sport+money"), mind)
    assert "Sport is not for sale." in str(caught.value)
    assert "Спорт не продаётся." in describe_error(caught.value, "ru", str)


def test_the_core_counts_among_the_adapters_of_a_mode(mind_with: Callable[[str, str], Mind]) -> None:
    more = "".join(f"  topic{n}: {{kind: topic, path: adapters/sport}}\n" for n in range(9))
    large = mind_with("modes:\n", f"{more}modes:\n")
    with pytest.raises(TooManyAdapters) as caught:
        resolve_mode(parse_expression("+".join(f"topic{n}" for n in range(8))), large)
    assert len(resolve_mode(parse_expression(caught.value.alternatives[0]), large).terms) == 8


def test_a_core_that_does_not_join_by_itself(mind_with: Callable[[str, str], Mind]) -> None:
    apart = mind_with("policies:", "policies:\n  core_joins: false")
    assert resolve_mode(parse_expression("sport"), apart).text == "sport"
    with pytest.raises(IsolatedAdapter):
        resolve_mode(parse_expression("sport+classical"), apart)


@pytest.mark.parametrize(
    ("text", "roles", "closed"),
    [
        ("sport", [], None),
        ("classical", [], "classical"),
        ("classical", ["editor"], None),
        ("textbook", ["athlete"], "classical"),
        ("coach", [], "coach"),
        ("coach", ["athlete"], None),
        ("auto", [], None),
    ],
)
def test_access_by_role(mind: Mind, text: str, roles: list[str], closed: str | None) -> None:
    mode = resolve_mode(parse_expression(text), mind)
    if closed is None:
        check_access(mode, mind, roles)
        return
    with pytest.raises(ModeNotAllowed) as caught:
        check_access(mode, mind, roles)
    assert caught.value.details["name"] == closed
    for proposal in caught.value.alternatives:
        check_access(resolve_mode(parse_expression(proposal), mind), mind, roles)


def test_no_two_adapters_of_a_pair_differ_by_order(mind: Mind) -> None:
    for one, other in combinations(["core", "sport", "physics"], 2):
        assert resolve_mode(parse_expression(f"{one}+{other}"), mind) == resolve_mode(
            parse_expression(f"{other}+{one}"), mind
        )
