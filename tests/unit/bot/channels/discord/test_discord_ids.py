"""Custom ids of components, stored addresses and nonces."""

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
targets = st.builds(AnswerTarget, snowflakes, snowflakes, snowflakes, st.none() | snowflakes, st.none() | tokens)


@given(st.sampled_from(COMPONENT_ACTIONS), snowflakes)
def test_component_id_round_trip(action: str, person: str) -> None:
    component = ComponentId(action, person)  # type: ignore[arg-type]
    assert parse_component_id(str(component)) == component
    assert len(str(component)) <= MAX_CUSTOM_ID_LENGTH


@given(st.text() | st.builds("consilium:{}:{}".format, st.text(), st.text()))
def test_foreign_component_ids(text: str) -> None:
    component = parse_component_id(text)
    assert component is None or str(component) == text


@given(targets)
def test_address_round_trip(target: AnswerTarget) -> None:
    assert target_from_address(json.loads(json.dumps(target.to_address()))) == target


@given(targets, targets, st.integers(0, 50), st.integers(0, 50))
def test_nonce_is_unique_per_message(one: AnswerTarget, other: AnswerTarget, n: int, m: int) -> None:
    assert len(one.nonce(n)) <= 25
    assert (one.nonce(n) == other.nonce(m)) == ((one.update, n) == (other.update, m))
    assert len({one.nonce(n), one.nonce(n, "1"), one.nonce(n, "2")}) == 3
