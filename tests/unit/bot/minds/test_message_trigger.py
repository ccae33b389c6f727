"""`<|use_lora_NAME|>` at the start of a message."""

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
        ("<|use_lora_physics*-0.7|> Why?", "physics*-0.7", "Why?"),
        ("<|use_lora_base|> Why?", "base", "Why?"),
        ("<|use_lora_sport|>", "sport", ""),
        ("<|use_lora_sport|> say <|use_lora_core|> aloud", "sport", "say <|use_lora_core|> aloud"),
    ],
)
def test_trigger_at_the_start_is_a_mode(mind: Mind, message: str, mode: str, rest: str) -> None:
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
def test_trigger_anywhere_else_is_text(mind: Mind, message: str) -> None:
    assert parse_trigger(message, mind) is None


@pytest.mark.parametrize(
    "message", ["<|use_lora_|> How?", "<|use_lora_a b|> How?", "<|use_lora_sport|><|use_lora_sport|>"]
)
def test_trigger_that_names_no_mode_is_rejected(mind: Mind, message: str) -> None:
    with pytest.raises(ModeError) as caught:
        parse_trigger(message, mind)
    for proposal in caught.value.alternatives:
        parse_expression(proposal)


def test_triggers_can_be_disabled(mind_with: Callable[[str, str], Mind]) -> None:
    without_triggers = mind_with("policies:", "triggers: {enabled: false}\npolicies:")
    assert parse_trigger("<|use_lora_sport|> How?", without_triggers) is None


@given(st.text(max_size=60))
def test_text_after_a_trigger_is_unchanged(mind: Mind, rest: str) -> None:
    trigger = parse_trigger("<|use_lora_sport|>." + rest, mind)
    assert trigger is not None
    assert trigger.message == "." + rest
