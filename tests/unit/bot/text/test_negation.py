"""Whether a text as it is written has a negation."""

import pytest

from bot.text.negation import mentions_negation


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
