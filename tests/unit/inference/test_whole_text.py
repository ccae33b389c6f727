from hypothesis import given
from hypothesis import strategies as st

from inference.text import replace_lone_surrogates


@given(st.text(st.characters()))
def test_any_text_becomes_encodable(text: str) -> None:
    assert replace_lone_surrogates(text).encode("utf-8")[:0] == b""


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_good_text_stays_as_it_is(text: str) -> None:
    assert replace_lone_surrogates(text) == text


def test_halves_are_joined_or_replaced() -> None:
    assert replace_lone_surrogates("\ud83d\ude42 and \ud83d") == "🙂 and \ufffd"
