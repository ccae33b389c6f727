"""The form of API keys."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.core.api_keys import KEY_PREFIX, SHOWN_LENGTH, generate_key, is_key, key_digest
from bot.core.redaction import HIDDEN, redact

KEYS = [generate_key() for _ in range(20)]


def test_keys_are_new_and_of_one_form() -> None:
    assert len(set(KEYS)) == len({key_digest(key) for key in KEYS}) == 20
    assert {len(key) for key in KEYS} == {50}
    assert all(is_key(key) and key.startswith(KEY_PREFIX) for key in KEYS)


@given(st.sampled_from(KEYS), st.data())
def test_a_changed_key_is_none(key: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(key) - 1))
    other = data.draw(st.characters().filter(lambda character: character != key[place]))
    assert not is_key(key[:place] + other + key[place + 1 :])
    assert not is_key(key[:place])
    assert not is_key(key[:place] + key[place + 1 :])
    assert not is_key(key + other)


@given(st.sampled_from(KEYS))
def test_case_counts(key: str) -> None:
    assert not is_key(key.swapcase())
    assert not is_key(key.lower())


@given(st.text())
def test_no_text_is_a_key_by_chance(text: str) -> None:
    assert not is_key(text)


def test_logs_hide_keys_and_show_their_beginnings() -> None:
    key = KEYS[0]
    assert redact(f"of {key}.") == f"of {HIDDEN}."
    assert redact(f"of {key[:SHOWN_LENGTH]}.") == f"of {key[:SHOWN_LENGTH]}."
