"""Where an invocation begins in a prompt, beside a search in text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inference.engines.local.prefix import last_occurrence

LETTERS = st.text("ab", max_size=12)


@given(part=st.text("ab", min_size=1, max_size=3), whole=LETTERS)
def test_the_last_occurrence_is_that_of_text(part: str, whole: str) -> None:
    found = last_occurrence([ord(c) for c in part], [ord(c) for c in whole])
    assert (-1 if found is None else found) == whole.rfind(part)
