"""Names looked up and policies applied."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import explain
from bot.mind import Mind
from bot.modes import ModeError, ResolvedMode, Sum, Term, check_access, parse, resolve
from bot.modes.errors import (
    ForbiddenComposition,
    IsolatedAdapter,
    ModeNotAllowed,
    NotAlone,
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
    mode = resolve(parse(text), mind)
    assert mode.text == resolved
    assert resolve(parse(mode.text), mind) == mode


def test_what_a_resolved_mode_knows_of_itself(mind: Mind) -> None:
    assert resolve(parse("тренер"), mind).named == "coach"
    assert resolve(parse("классика"), mind).isolated
    assert not resolve(parse("sport"), mind).isolated
    assert resolve(parse("auto"), mind).is_auto
    assert resolve(parse("base"), mind).terms == ()
    assert [term.name for term in resolve(parse("sport"), mind).terms] == ["core", "sport"]


@pytest.mark.parametrize(
    ("text", "kind", "working"),
    [
        ("sport+classical", IsolatedAdapter, ["classical", "core+sport"]),
        ("core+классика", IsolatedAdapter, ["classical", "core"]),
        ("sport+money", ForbiddenComposition, ["core+money", "core+sport"]),
        ("sport*0.5+money+physics", ForbiddenComposition, ["core+money+physics", "core+physics+sport*0.5"]),
        ("classical+sport+money", IsolatedAdapter, ["classical", "core+money", "core+sport"]),
        ("sport+спорт", RepeatedAdapter, ["sport*1.5", "sport"]),
        ("coach+physics", NotAlone, ["core+physics+sport", "coach"]),
        ("coach+спорт*0.5", NotAlone, ["core+sport*0.5", "coach"]),
        ("lab*0.5", NotAlone, ["core+physics*0.7", "lab"]),
        ("coach@late", NotAlone, ["core+sport", "coach"]),
        ("free+sport", NotAlone, ["core+sport", "free"]),
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
        resolve(parse(text), mind)
    assert type(caught.value) is kind
    assert sorted(caught.value.working) == sorted(working)


def resolved_or_refused(mode: Sum, mind: Mind) -> ResolvedMode | ModeError:
    try:
        return resolve(mode, mind)
    except ModeError as error:
        return error


@given(data=st.data())
def test_whatever_is_composed_keeps_the_policies_or_is_refused_with_a_way_out(data: st.DataObject, mind: Mind) -> None:
    names = [*mind.names, "medicine", "sprot"]
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=6, unique=True))
    found = resolved_or_refused(Sum(tuple(Term(name) for name in chosen)), mind)
    if isinstance(found, ModeError):
        assert found.working
        for proposal in found.working:
            resolve(parse(proposal), mind)
    else:
        adapters = {term.name for term in found.terms}
        assert found.is_auto or adapters == {"classical"} or ("core" in adapters and "classical" not in adapters)
        assert not {"sport", "money"} <= adapters
        assert resolve(parse(found.text), mind) == found


@given(data=st.data())
def test_the_order_of_names_never_matters(data: st.DataObject, mind: Mind) -> None:
    names = data.draw(st.permutations(["core", "физика", "sport"]))
    assert resolve(parse("+".join(names)), mind).text == "core+physics+sport"


def test_a_forbidden_pair_is_explained_in_the_reader_s_language(mind: Mind) -> None:
    with pytest.raises(ForbiddenComposition) as caught:
        resolve(parse("sport+money"), mind)
    assert "Sport is not for sale." in str(caught.value)
    assert "Спорт не продаётся." in explain(caught.value, "ru", str)


def test_the_core_counts_among_the_adapters_of_a_mode(mind_with: Callable[[str, str], Mind]) -> None:
    more = "".join(f"  topic{n}: {{kind: topic, path: adapters/sport}}\n" for n in range(9))
    large = mind_with("modes:\n", f"{more}modes:\n")
    with pytest.raises(TooManyAdapters) as caught:
        resolve(parse("+".join(f"topic{n}" for n in range(8))), large)
    assert len(resolve(parse(caught.value.working[0]), large).terms) == 8


def test_a_core_that_does_not_join_by_itself(mind_with: Callable[[str, str], Mind]) -> None:
    apart = mind_with("policies:", "policies:\n  core_joins: false")
    assert resolve(parse("sport"), apart).text == "sport"
    with pytest.raises(IsolatedAdapter):
        resolve(parse("sport+classical"), apart)


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
    mode = resolve(parse(text), mind)
    if closed is None:
        check_access(mode, mind, roles)
        return
    with pytest.raises(ModeNotAllowed) as caught:
        check_access(mode, mind, roles)
    assert caught.value.details["name"] == closed
    for proposal in caught.value.working:
        check_access(resolve(parse(proposal), mind), mind, roles)


def test_no_two_adapters_of_a_pair_differ_by_order(mind: Mind) -> None:
    for one, other in combinations(["core", "sport", "physics"], 2):
        assert resolve(parse(f"{one}+{other}"), mind) == resolve(parse(f"{other}+{one}"), mind)
