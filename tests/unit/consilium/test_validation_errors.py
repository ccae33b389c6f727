"""What a validation error says in a log holds nothing of its input."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from consilium.error_texts import describe_exception


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    summary: str
    parts: list[dict[str, int]]


WORDS = st.text(min_size=1).map(lambda text: f"слова {text}")


@given(
    st.dictionaries(WORDS, WORDS, min_size=1) | st.fixed_dictionaries({"summary": st.just(3), "parts": WORDS}) | WORDS
)
def test_no_words_of_the_input_are_told(value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        Form.model_validate(value)
    told = describe_exception(caught.value)
    assert "слова" not in told
    assert told


def test_the_place_and_the_rule_are_told() -> None:
    with pytest.raises(ValidationError) as caught:
        Form.model_validate({"summary": 3, "parts": [{"a": "слова"}]})
    assert describe_exception(caught.value) == "2 validation errors: summary: string_type; parts.0.a: int_parsing"
