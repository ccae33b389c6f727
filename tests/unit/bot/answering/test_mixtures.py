"""The mixtures of two adapters that `auto` may answer with: few, and only where a message needs one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answering.router import Router
from bot.answering.routing.mixtures import Mixtures
from bot.minds import Mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from bot.minds.schema import Adapter, AutoMix
from inference.adapters.manifest import AdapterKind
from tests.fakes.word_counts import WordCounts

THRESHOLD = "auto_threshold: 0.2"


def wide_mind(mind: Mind, topics: int) -> Mind:
    """The same mind with the core, so many topics and an isolated adapter."""
    kinds = {"core": AdapterKind.CORE, "alone": AdapterKind.ISOLATED}
    kinds |= {f"t{number}": AdapterKind.TOPIC for number in range(topics)}
    adapters = {name: Adapter.model_construct(kind=kind) for name, kind in kinds.items()}
    return replace(mind, adapters=adapters, names={name: name for name in adapters}, modes={})


@given(
    st.integers(0, 12),
    st.lists(st.integers(50, 95), min_size=1, max_size=4),
    st.integers(1, 60),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_there_are_never_more_than_the_policy_says(
    mind: Mind, topics: int, hundredths: list[int], most: int, seed: int
) -> None:
    wide = wide_mind(mind, topics)
    names = list(wide.adapters)
    firsts = {weight / 100 for weight in hundredths}
    similarities = np.random.default_rng(seed).uniform(-1, 1, (len(names), len(names)))
    similarities += similarities.T
    found = Mixtures(wide, AutoMix(first=tuple(firsts), most=most), names, similarities)
    assert len(found.texts) == len(set(found.texts)) <= most
    for text in found.texts:
        mode = resolve_mode(parse_expression(text), wide)
        assert mode.text == text
        weights = {term.name: term.weight for term in mode.terms}
        assert weights.pop("core") is None
        assert "alone" not in weights
        assert len(weights) == 2
        larger = max(float(weight or 0) for weight in weights.values())
        assert larger in firsts
        assert sum(float(weight or 0) for weight in weights.values()) == pytest.approx(1)


def test_the_pairs_nearest_in_meaning_come_first(mind: Mind) -> None:
    wide = wide_mind(mind, 3)
    names = list(wide.adapters)
    similarities = np.zeros((len(names), len(names)))
    first, second = names.index("t0"), names.index("t2")
    similarities[first, second] = similarities[second, first] = 0.9
    texts = Mixtures(wide, AutoMix(most=2), names, similarities).texts
    assert set(texts) == {"core+t0*0.7+t2*0.3", "core+t0*0.3+t2*0.7"}


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ({"t0": 0.6, "t1": 0.3, "core": 0.05}, "core+t0*0.7+t1*0.3"),
        ({"t0": 0.45, "t1": 0.4}, "core+t0*0.5+t1*0.5"),
        ({"t0": 0.4, "t1": 0.45}, "core+t0*0.5+t1*0.5"),
        ({"t0": 0.9, "t1": 0.05}, None),
        ({"t0": 0.25, "t1": 0.2, "t2": 0.19, "core": 0.1}, None),
        ({"t0": 0.5, "core": 0.4, "t1": 0.01}, None),
        ({"t0": 0.5, "alone": 0.4, "t1": 0.01}, None),
    ],
)
def test_the_weights_are_the_nearest_ones_to_the_probabilities(
    mind: Mind, shares: dict[str, float], expected: str | None
) -> None:
    wide = wide_mind(mind, 3)
    names = list(wide.adapters)
    mixtures = Mixtures(wide, AutoMix(first=(0.7, 0.5), most=100), names, np.zeros((len(names), len(names))))
    found = mixtures.choose("t0", dict.fromkeys(names, 0.0) | shares)
    assert (None if found is None else found[1].text) == expected


async def test_a_message_between_two_subjects_gets_both(mind_with: Callable[[str, str], Mind]) -> None:
    between = "How many squats and sets, and torque and friction of a lever?"
    mixing = mind_with(THRESHOLD, f"{THRESHOLD}\n  auto_mix: {{first: [0.7, 0.5], most: 9}}")
    router = Router(WordCounts(), mixing)
    routed = await router.route(between)
    assert routed.mode.text in await router.mixtures()
    assert routed.comparison is not None
    assert {routed.comparison.adapter, routed.comparison.mixed_with} == {"sport", "physics"}
    assert (routed.to_document() or {})["mixed_with"] == routed.comparison.mixed_with
    alone = routed.without_mixture()
    assert alone.mode.text == f"core+{routed.adapter}"
    assert alone.comparison is not None
    assert alone.comparison.mixed_with is None
    clear = await router.route("How many squats and sets?")
    assert (clear.mode.text, clear.alone, clear.without_mixture()) == ("core+sport", None, clear)


async def test_nothing_is_mixed_unless_the_mind_says_so(mind: Mind) -> None:
    router = Router(WordCounts(), mind)
    routed = await router.route("How many squats and sets, and torque and friction of a lever?")
    assert (routed.alone, list(await router.mixtures())) == (None, [])


async def test_adapters_that_the_mind_forbids_together_are_not_mixed(mind_with: Callable[[str, str], Mind]) -> None:
    router = Router(WordCounts(), mind_with(THRESHOLD, f"{THRESHOLD}\n  auto_mix: {{most: 100}}"))
    texts = await router.mixtures()
    assert texts
    assert not [text for text in texts if "sport" in text and "money" in text]
