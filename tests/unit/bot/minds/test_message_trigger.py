"""`<|use_lora_NAME|>` at the head of one message."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.minds import Mind, ModeError, Trigger, parse_expression, parse_trigger


@pytest.mark.parametrize(
    ("message", "mode", "rest"),
    [
        ("<|use_lora_sport|>How do I squat?", "sport", "How do I squat?"),
        ("  <|use_lora_sport|>\n\nHow?", "sport", "How?"),
        ("<|use_lora_sport|> <|use_lora_core|> How?", "core+sport", "How?"),
        ("<|USE_LORA_Спорт|> Как?", "спорт", "Как?"),
        ("<|use_lora_physics*0.7|> Why?", "physics*0.7", "Why?"),
        ("<|use_lora_base|> Why?", "base", "Why?"),
        ("<|use_lora_sport|>", "sport", ""),
        ("<|use_lora_sport|> say <|use_lora_core|> aloud", "sport", "say <|use_lora_core|> aloud"),
    ],
)
def test_the_head_of_a_message_is_a_mode(mind: Mind, message: str, mode: str, rest: str) -> None:
    assert parse_trigger(message, mind) == Trigger(parse_expression(mode), rest)


@pytest.mark.parametrize(
    "message",
    [
        "How <|use_lora_sport|>",
        "> <|use_lora_sport|> quoted",
        "<use_lora_sport> How?",
        "<|use_lora_sport How?",
        "<|use_lora_spo\nrt|> How?",
        "use_lora_sport",
        "",
    ],
)
def test_anywhere_else_it_is_data(mind: Mind, message: str) -> None:
    assert parse_trigger(message, mind) is None


@pytest.mark.parametrize(
    "message", ["<|use_lora_|> How?", "<|use_lora_a b|> How?", "<|use_lora_sport|><|use_lora_sport|>"]
)
def test_a_head_that_names_no_mode_is_refused(mind: Mind, message: str) -> None:
    with pytest.raises(ModeError) as caught:
        parse_trigger(message, mind)
    for proposal in caught.value.alternatives:
        parse_expression(proposal)


def test_a_mind_may_have_triggers_off(mind_with: Callable[[str, str], Mind]) -> None:
    silent = mind_with("policies:", "triggers: {enabled: false}\npolicies:")
    assert parse_trigger("<|use_lora_sport|> How?", silent) is None


@given(st.text(max_size=60))
def test_what_follows_the_head_is_kept_as_it_is(mind: Mind, rest: str) -> None:
    found = parse_trigger("<|use_lora_sport|>." + rest, mind)
    assert found is not None
    assert found.message == "." + rest
