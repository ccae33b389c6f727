"""The adapter mixer: what a button changes, and how a mix is encoded."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app.settings import DEMO_MIND
from bot.minds import Mind, load_mind
from bot.minds.grammar import MAX_TERMS, WEIGHT_STEP, NamedBand, Term, parse_expression
from bot.minds.mixer import MAX_ENCODED_LENGTH, Mix, adapters_on_page, decode_mix, encode_mix, page_count, parse_mix
from bot.minds.resolve import resolve_mode

AGOGE = load_mind(DEMO_MIND)
MANY = replace(AGOGE, adapters={f"adapter-{n}": AGOGE.adapters["sport"] for n in range(300)})


def mixes(mind: Mind) -> st.SearchStrategy[Mix]:
    names = st.sampled_from(list(mind.adapters))
    weights = st.none() | st.integers(-300, 300).filter(bool).map(lambda steps: steps * WEIGHT_STEP)
    terms = st.builds(Term, names, weights, st.none() | st.sampled_from(NamedBand))
    chosen = st.lists(terms, max_size=MAX_TERMS, unique_by=lambda term: term.name).map(tuple)
    return st.builds(Mix, chosen, st.integers(0, page_count(mind) - 1))


@pytest.mark.parametrize("mind", [AGOGE, MANY])
@given(data=st.data())
def test_mix_is_decoded_as_it_was_encoded(mind: Mind, data: st.DataObject) -> None:
    mix = data.draw(mixes(mind))
    encoded = encode_mix(mix, mind)
    assert decode_mix(encoded, mind) == mix
    assert encoded.isascii()
    assert len(encoded) <= MAX_ENCODED_LENGTH


@given(st.text(max_size=40) | mixes(AGOGE).map(lambda mix: encode_mix(mix, AGOGE)[:-1] + "_"))
def test_text_that_is_not_a_mix_decodes_to_none(encoded: str) -> None:
    mix = decode_mix(encoded, AGOGE)
    assert mix is None or encode_mix(mix, AGOGE) == encoded


def test_mix_of_other_adapters_decodes_to_none() -> None:
    assert decode_mix(encode_mix(Mix((Term("sport"),)), AGOGE), MANY) is None


@given(mixes(AGOGE).filter(lambda mix: mix.terms))
def test_mode_of_a_mix_parses_to_it(mix: Mix) -> None:
    assert replace(parse_mix(mix.mode, AGOGE), page=mix.page, terms=()) == replace(mix, terms=())
    assert set(parse_mix(mix.mode, AGOGE).terms) == set(mix.terms)


@given(st.data())
def test_any_toggles_give_an_allowed_mode(data: st.DataObject) -> None:
    mix = Mix()
    for name in data.draw(st.lists(st.sampled_from(list(AGOGE.adapters)), max_size=10)):
        before = mix.term(name)
        mix = mix.toggle(name, AGOGE)
        assert (mix.term(name) is None) == (before is not None)
        resolve_mode(parse_expression(mix.mode), AGOGE)


def test_weight_changes_within_its_limits() -> None:
    mix = Mix((Term("sport"), Term("core")))
    assert mix.increase_weight("sport").mode == "core+sport*1.1"
    assert mix.decrease_weight("sport").mode == "core+sport*0.9"
    assert mix.decrease_weight("sport").reset_weight("sport") == mix
    for _ in range(60):
        mix = mix.decrease_weight("sport")
    assert mix.term("sport") == Term("sport", Decimal(-3))
    for _ in range(70):
        mix = mix.increase_weight("sport")
    assert mix.term("sport") == Term("sport", Decimal(3))
    assert parse_expression(mix.mode)


@given(st.integers(-300, 300).filter(bool), st.booleans())
def test_a_step_of_the_weight_never_ends_at_zero(steps: int, up: bool) -> None:
    before = steps * WEIGHT_STEP
    mix = Mix((Term("sport", before),))
    changed = (mix.increase_weight("sport") if up else mix.decrease_weight("sport")).term("sport")
    assert changed is not None
    assert changed.weight
    assert parse_expression(str(changed))
    at_the_end = abs(before) == 3 and (before > 0) == up
    assert changed.weight == before if at_the_end else (changed.weight > before) == up


def test_buttons_of_another_encoding_decode_to_none() -> None:
    earlier = hashlib.sha256("\n".join(AGOGE.adapters).encode()).digest()
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    fingerprint = "".join(digits[byte % 64] for byte in earlier[:3])
    assert decode_mix(f"{fingerprint}A", AGOGE) is None
    assert decode_mix(f"{fingerprint}AAAAA", AGOGE) is None


def test_auto_and_base_are_empty_mixes_and_layer_numbers_are_dropped() -> None:
    assert parse_mix("auto", AGOGE) == parse_mix("base", AGOGE) == Mix()
    assert parse_mix("core+sport*0.7@3-9", AGOGE).mode == "core+sport*0.7"
    assert parse_mix("core+sport@late", AGOGE).mode == "core+sport@late"
    assert Mix().mode == "base"


def test_a_named_mode_is_the_mix_of_what_it_stands_for() -> None:
    assert parse_mix("coach", AGOGE).mode == "core+sport"


def test_every_adapter_is_on_exactly_one_page() -> None:
    names = [name for page in range(page_count(MANY)) for name in adapters_on_page(Mix(page=page), MANY)]
    assert names == list(MANY.adapters)
