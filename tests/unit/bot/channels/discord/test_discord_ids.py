"""What Discord keeps for the service and hands back: ids of buttons, addresses, nonces."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.discord.addresses import AnswerTarget, InteractionToken, target_from_address
from bot.channels.discord.components import COMPONENT_ACTIONS, MAX_CUSTOM_ID_LENGTH, ComponentId, parse_component_id

snowflakes = st.integers(1, 2**63).map(str)
tokens = st.builds(
    InteractionToken, snowflakes, st.text(min_size=1), st.floats(0, 4e9), st.none() | snowflakes, st.booleans()
)
spots = st.builds(AnswerTarget, snowflakes, snowflakes, snowflakes, st.none() | snowflakes, st.none() | tokens)


@given(st.sampled_from(COMPONENT_ACTIONS), snowflakes)
def test_a_press_is_read_from_its_id(action: str, person: str) -> None:
    press = ComponentId(action, person)  # type: ignore[arg-type]
    assert parse_component_id(str(press)) == press
    assert len(str(press)) <= MAX_CUSTOM_ID_LENGTH


@given(st.text() | st.builds("consilium:{}:{}".format, st.text(), st.text()))
def test_any_other_id_is_nothing_of_ours(text: str) -> None:
    press = parse_component_id(text)
    assert press is None or str(press) == text


@given(spots)
def test_an_address_is_plain_json_and_read_again(spot: AnswerTarget) -> None:
    assert target_from_address(json.loads(json.dumps(spot.to_address()))) == spot


@given(spots, spots, st.integers(0, 50), st.integers(0, 50))
def test_a_nonce_belongs_to_one_part_of_one_answer(one: AnswerTarget, other: AnswerTarget, n: int, m: int) -> None:
    assert len(one.nonce(n)) <= 25
    assert (one.nonce(n) == other.nonce(m)) == ((one.update, n) == (other.update, m))
    assert len({one.nonce(n), one.nonce(n, "1"), one.nonce(n, "2"), one.nonce(n, label="queue")}) == 4
