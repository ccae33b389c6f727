"""The language of a text, by its letters."""

import pytest

from bot.text.language import detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Привет", "ru"),
        ("Hello", "en"),
        ("режим sport", "ru"),
        ("use спорт mode now", "en"),
        ("123 !", None),
        ("", None),
    ],
)
def test_language_of_most_letters(text: str, language: str | None) -> None:
    assert detect_language(text) == language
