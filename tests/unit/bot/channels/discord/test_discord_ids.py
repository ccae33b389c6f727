"""What Discord keeps for the service and hands back: ids of buttons, addresses, nonces."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.discord.addresses import Spot, Token, read_spot
from bot.channels.discord.presses import ACTIONS, LONGEST, Press, read_press

snowflakes = st.integers(1, 2**63).map(str)
tokens = st.builds(Token, snowflakes, st.text(min_size=1), st.floats(0, 4e9), st.none() | snowflakes, st.booleans())
spots = st.builds(Spot, snowflakes, snowflakes, snowflakes, st.none() | snowflakes, st.none() | tokens)


@given(st.sampled_from(ACTIONS), snowflakes)
def test_a_press_is_read_from_its_id(action: str, person: str) -> None:
    press = Press(action, person)  # type: ignore[arg-type]
    assert read_press(str(press)) == press
    assert len(str(press)) <= LONGEST


@given(st.text() | st.builds("consilium:{}:{}".format, st.text(), st.text()))
def test_any_other_id_is_nothing_of_ours(text: str) -> None:
    press = read_press(text)
    assert press is None or str(press) == text


@given(spots)
def test_an_address_is_plain_json_and_read_again(spot: Spot) -> None:
    assert read_spot(json.loads(json.dumps(spot.address()))) == spot


@given(spots, spots, st.integers(0, 50), st.integers(0, 50))
def test_a_nonce_belongs_to_one_part_of_one_answer(one: Spot, other: Spot, n: int, m: int) -> None:
    assert len(one.nonce(n)) <= 25
    assert (one.nonce(n) == other.nonce(m)) == ((one.update, n) == (other.update, m))
    assert len({one.nonce(n), one.nonce(n, "1"), one.nonce(n, "2"), one.nonce(n, label="queue")}) == 4
