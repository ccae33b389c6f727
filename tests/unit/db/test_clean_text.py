from hypothesis import example, given
from hypothesis import strategies as st

from db.infra.text import clean_text, detect_language

# Any code points at all, surrogates and NUL among them.
anything = st.text(st.characters(exclude_categories=()))


@given(anything)
@example("\ud83d\ude00")
@example("a\ud83db\udc00\x00")
def test_what_comes_out_can_be_stored(text: str) -> None:
    cleaned = clean_text(text)
    assert "\x00" not in cleaned
    cleaned.encode("utf-8")
    assert clean_text(cleaned) == cleaned


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00")))
def test_text_that_can_be_stored_is_left_alone(text: str) -> None:
    assert clean_text(text) == text


def test_what_cannot_be_stored_leaves_a_visible_mark() -> None:
    assert clean_text("a\x00b\ud800c\udfffd") == "a\ufffdb\ufffdc\ufffdd"


def test_two_surrogates_that_make_a_pair_become_their_character() -> None:
    assert clean_text("so \ud83d\ude00 \x00") == "so 😀 \ufffd"


def test_language_follows_the_script() -> None:
    assert detect_language("Хочу iPhone 15 Pro Max") == "russian"
    assert detect_language("Protein after training, naïve") == "english"
    assert detect_language("Ægir") == "english"
    assert detect_language("2024 — 42 😀 東京") == "simple"
    assert detect_language("") == "simple"
