"""Resolving modes: names, policies and access."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
from inference.adapters.merging.settings import Merge, MergeMethod


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
def test_mode_resolves_to_its_canonical_text(mind: Mind, text: str, resolved: str) -> None:
    mode = resolve_mode(parse_expression(text), mind)
    assert mode.text == resolved
    assert resolve_mode(parse_expression(mode.text), mind) == mode


def with_merges(mind: Mind, everywhere: Merge, of_coach: Merge | None) -> Mind:
    """The mind with a merge method of its policies, and one of its mode `coach`."""
    coach = mind.modes["coach"].model_copy(update={"merge": of_coach})
    policies = mind.policies.model_copy(update={"merge": everywhere})
    return replace(mind, policies=policies, modes={**mind.modes, "coach": coach})


def test_a_mode_merges_as_its_mind_does_unless_it_says_otherwise(mind: Mind) -> None:
    ties, dare = Merge(method=MergeMethod.TIES), Merge(method=MergeMethod.DARE, seed=1)
    merging = with_merges(mind, ties, dare)
    assert resolve_mode(parse_expression("sport"), merging).merge == ties
    assert resolve_mode(parse_expression("lab"), merging).merge == ties
    assert resolve_mode(parse_expression("тренер"), merging).merge == dare
    assert resolve_mode(parse_expression("coach"), with_merges(mind, ties, None)).merge == ties
    assert resolve_mode(parse_expression("coach"), mind).merge == Merge()


def test_a_mode_with_a_merge_of_its_own_is_told_by_its_name(mind: Mind) -> None:
    """Its text leads back to the same mode, merge included; where there is nothing to lose, it is the canonical one."""
    merging = with_merges(mind, Merge(), Merge(method=MergeMethod.TIES))
    for text in ("coach", "тренер", "sport", "lab"):
        mode = resolve_mode(parse_expression(text), merging)
        assert resolve_mode(parse_expression(mode.text), merging) == mode
    assert resolve_mode(parse_expression("тренер"), merging).text == "coach"
    assert resolve_mode(parse_expression("sport"), merging).text == "core+sport"
    same = with_merges(mind, Merge(), Merge())
    assert resolve_mode(parse_expression("coach"), same).text == "core+sport"


def test_properties_of_a_resolved_mode(mind: Mind) -> None:
    assert resolve_mode(parse_expression("тренер"), mind).named == "coach"
    assert resolve_mode(parse_expression("классика"), mind).isolated
    assert not resolve_mode(parse_expression("sport"), mind).isolated
    assert resolve_mode(parse_expression("auto"), mind).is_auto
    assert resolve_mode(parse_expression("base"), mind).terms == ()
    assert [term.name for term in resolve_mode(parse_expression("sport"), mind).terms] == ["core", "sport"]


@pytest.mark.parametrize(
    ("text", "kind", "alternatives"),
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
def test_error_names_alternatives(mind: Mind, text: str, kind: type[ModeError], alternatives: list[str]) -> None:
    with pytest.raises(ModeError) as caught:
        resolve_mode(parse_expression(text), mind)
    assert type(caught.value) is kind
    assert sorted(caught.value.alternatives) == sorted(alternatives)


def resolve_or_error(mode: Sum, mind: Mind) -> ResolvedMode | ModeError:
    try:
        return resolve_mode(mode, mind)
    except ModeError as error:
        return error


@given(data=st.data())
def test_any_sum_keeps_the_policies_or_is_an_error_with_alternatives(data: st.DataObject, mind: Mind) -> None:
    names = [*mind.names, "medicine", "sprot"]
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=6, unique=True))
    result = resolve_or_error(Sum(tuple(Term(name) for name in chosen)), mind)
    if isinstance(result, ModeError):
        assert result.alternatives
        for alternative in result.alternatives:
            resolve_mode(parse_expression(alternative), mind)
    else:
        adapters = {term.name for term in result.terms}
        assert result.is_auto or adapters == {"classical"} or ("core" in adapters and "classical" not in adapters)
        assert not {"sport", "money"} <= adapters
        assert resolve_mode(parse_expression(result.text), mind) == result


@given(data=st.data())
def test_order_of_names_does_not_matter(data: st.DataObject, mind: Mind) -> None:
    names = data.draw(st.permutations(["core", "физика", "sport"]))
    assert resolve_mode(parse_expression("+".join(names)), mind).text == "core+physics+sport"


def test_forbidden_pair_is_explained_in_the_readers_language(mind: Mind) -> None:
    with pytest.raises(ForbiddenComposition) as caught:
        resolve_mode(parse_expression("sport+money"), mind)
    assert "Sport is not for sale." in str(caught.value)
    assert "Спорт не продаётся." in describe_error(caught.value, "ru", str)


def test_core_counts_as_an_adapter_of_a_mode(mind_with: Callable[[str, str], Mind]) -> None:
    more = "".join(f"  topic{n}: {{kind: topic, path: adapters/sport}}\n" for n in range(9))
    large = mind_with("modes:\n", f"{more}modes:\n")
    with pytest.raises(TooManyAdapters) as caught:
        resolve_mode(parse_expression("+".join(f"topic{n}" for n in range(8))), large)
    assert len(resolve_mode(parse_expression(caught.value.alternatives[0]), large).terms) == 8


def test_core_does_not_join_if_the_policy_says_so(mind_with: Callable[[str, str], Mind]) -> None:
    without_joining = mind_with("policies:", "policies:\n  core_joins: false")
    assert resolve_mode(parse_expression("sport"), without_joining).text == "sport"
    with pytest.raises(IsolatedAdapter):
        resolve_mode(parse_expression("sport+classical"), without_joining)


@pytest.mark.parametrize(
    ("text", "roles", "restricted"),
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
def test_access_by_role(mind: Mind, text: str, roles: list[str], restricted: str | None) -> None:
    mode = resolve_mode(parse_expression(text), mind)
    if restricted is None:
        check_access(mode, mind, roles)
        return
    with pytest.raises(ModeNotAllowed) as caught:
        check_access(mode, mind, roles)
    assert caught.value.details["name"] == restricted
    for alternative in caught.value.alternatives:
        check_access(resolve_mode(parse_expression(alternative), mind), mind, roles)


def test_order_in_a_pair_does_not_matter(mind: Mind) -> None:
    for first, second in combinations(["core", "sport", "physics"], 2):
        assert resolve_mode(parse_expression(f"{first}+{second}"), mind) == resolve_mode(
            parse_expression(f"{second}+{first}"), mind
        )
