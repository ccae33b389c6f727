"""The mixer's mixes: what a press changes, and how they are written."""

from __future__ import annotations

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
    weights = st.none() | st.integers(1, 40).map(lambda steps: steps * WEIGHT_STEP)
    terms = st.builds(Term, names, weights, st.none() | st.sampled_from(NamedBand))
    chosen = st.lists(terms, max_size=MAX_TERMS, unique_by=lambda term: term.name).map(tuple)
    return st.builds(Mix, chosen, st.integers(0, page_count(mind) - 1))


@pytest.mark.parametrize("mind", [AGOGE, MANY])
@given(data=st.data())
def test_a_mix_is_read_as_it_was_written(mind: Mind, data: st.DataObject) -> None:
    mix = data.draw(mixes(mind))
    written = encode_mix(mix, mind)
    assert decode_mix(written, mind) == mix
    assert written.isascii()
    assert len(written) <= MAX_ENCODED_LENGTH


@given(st.text(max_size=40) | mixes(AGOGE).map(lambda mix: encode_mix(mix, AGOGE)[:-1] + "_"))
def test_what_is_no_mix_is_none_and_never_an_error(written: str) -> None:
    mix = decode_mix(written, AGOGE)
    assert mix is None or encode_mix(mix, AGOGE) == written


def test_a_mix_of_other_adapters_is_not_read() -> None:
    assert decode_mix(encode_mix(Mix((Term("sport"),)), AGOGE), MANY) is None


@given(mixes(AGOGE).filter(lambda mix: mix.terms))
def test_a_mix_is_a_mode(mix: Mix) -> None:
    assert replace(parse_mix(mix.mode, AGOGE), page=mix.page, terms=()) == replace(mix, terms=())
    assert set(parse_mix(mix.mode, AGOGE).terms) == set(mix.terms)


@given(mixes(AGOGE), st.data())
def test_whatever_is_toggled_can_be_applied(mix: Mix, data: st.DataObject) -> None:
    mix = Mix()
    for name in data.draw(st.lists(st.sampled_from(list(AGOGE.adapters)), max_size=10)):
        had = mix.term(name)
        mix = mix.toggle(name, AGOGE)
        assert (mix.term(name) is None) == (had is not None)
        resolve_mode(parse_expression(mix.mode), AGOGE)


def test_weights_go_up_and_down_and_stop_at_their_ends() -> None:
    mix = Mix((Term("sport"), Term("core")))
    assert mix.increase_weight("sport").mode == "core+sport*1.1"
    assert mix.decrease_weight("sport").mode == "core+sport*0.9"
    assert mix.decrease_weight("sport").reset_weight("sport") == mix
    for _ in range(30):
        mix = mix.decrease_weight("sport")
    assert mix.term("sport") == Term("sport", Decimal("0.05"))
    for _ in range(30):
        mix = mix.increase_weight("sport")
    assert mix.term("sport") == Term("sport", Decimal("2.00"))
    assert parse_expression(mix.mode)


def test_auto_and_base_are_no_mix_and_single_layers_are_left_out() -> None:
    assert parse_mix("auto", AGOGE) == parse_mix("base", AGOGE) == Mix()
    assert parse_mix("core+sport*0.7@3-9", AGOGE).mode == "core+sport*0.7"
    assert parse_mix("core+sport@late", AGOGE).mode == "core+sport@late"
    assert Mix().mode == "base"


def test_every_adapter_is_on_one_page() -> None:
    shown = [name for page in range(page_count(MANY)) for name in adapters_on_page(Mix(page=page), MANY)]
    assert shown == list(MANY.adapters)
