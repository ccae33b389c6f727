"""What negates a text, word by word and in a text as it is written."""

import pytest

from bot.text.negation import mentions_negation, negates


@pytest.mark.parametrize(
    ("text", "is_negated"),
    [
        ("do not argue", True),
        ("we can't argue", True),
        ("не спорьте", True),
        ("neither he nor she", True),
        ("argue", False),
        ("not less than seven", False),
        ("не только вы", False),
    ],
)
def test_negation_of_words(text: str, *, is_negated: bool) -> None:
    assert negates(text.split()) is is_negated


@pytest.mark.parametrize(
    ("text", "is_mentioned"),
    [
        ("I Don’t eat meat.", True),
        ("Не ем мяса", True),
        ("no fewer than five", True),
        ("nor I", False),
        ("Небо", False),
        ("notable", False),
    ],
)
def test_negation_mentioned_in_a_text(text: str, *, is_mentioned: bool) -> None:
    assert mentions_negation(text) is is_mentioned
