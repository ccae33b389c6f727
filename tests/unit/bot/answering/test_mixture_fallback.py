"""A mixture that nobody asked for is given up where it cannot answer, and its likelier adapter answers alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.answering.mode_choice import ModeChoice
from bot.answering.router import Router
from bot.minds import Mind
from bot.minds.errors import AdapterOutOfService, CostsTooMuch
from bot.minds.resolve import ResolvedMode
from bot.minds.schema import AutoMix
from inference.adapters.errors import MergeRanksDiffer
from tests.fakes.word_counts import WordCounts

BETWEEN = "How many squats and sets, and torque and friction of a lever?"
THRESHOLD = "auto_threshold: 0.2"
MIXING = f"{THRESHOLD}\n  auto_mix: {{first: [0.7, 0.5], most: 9}}"


class Composer:
    """Refuses mixtures with one error, or none."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.asked: list[str] = []

    def judge(self, mode: ResolvedMode, _adapters: object) -> None:
        self.asked.append(mode.text)
        if self.error is not None:
            raise self.error


async def resolve(mind: Mind, composer: Composer, *roles: str) -> tuple[str, dict[str, Any]]:
    """The mode that answers the message, and what is stored of how it came about."""
    choice = ModeChoice(mind, Router(WordCounts(), mind), composer)  # type: ignore[arg-type]
    turn: Any = SimpleNamespace(
        asked_mode=None, question=BETWEEN, quotations=None, roles=frozenset(roles), consilium=False
    )
    conversation: Any = SimpleNamespace(session=SimpleNamespace(mode="auto"), client_conversation=None)
    mode, routing = await choice.choose(conversation, turn, [], object())  # type: ignore[arg-type]
    assert routing is not None
    return mode.text, dict(routing)


async def test_a_mixture_that_is_allowed_answers(mind_with: Callable[[str, str], Mind]) -> None:
    composer = Composer(None)
    mode, routing = await resolve(mind_with(THRESHOLD, MIXING), composer)
    assert mode.startswith("core+physics*")
    assert composer.asked == [mode]
    assert {routing["adapter"], routing["mixed_with"]} == {"sport", "physics"}


@pytest.mark.parametrize(
    "error",
    [
        CostsTooMuch("core+sport", "core", 0.4, 0.8, ["core"]),
        AdapterOutOfService("physics", ["core"]),
        MergeRanksDiffer("q_proj", [4, 8]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_where_it_cannot_the_likelier_adapter_answers_alone(
    mind_with: Callable[[str, str], Mind], error: Exception
) -> None:
    with capture_logs() as logs:
        mode, routing = await resolve(mind_with(THRESHOLD, MIXING), Composer(error))
    assert mode == f"core+{routing['adapter']}"
    assert routing["mixed_with"] is None
    [told] = [entry for entry in logs if entry["event"] == "router.mixture_left"]
    assert told["reason"] is error


async def test_a_person_without_the_role_gets_the_adapter_that_is_open(mind_with: Callable[[str, str], Mind]) -> None:
    mind = mind_with("  coach: [editor, athlete]", "  coach: [editor, athlete]\n  physics: [editor]")
    mind = replace(mind, policies=mind.policies.model_copy(update={"auto_mix": AutoMix(first=(0.7, 0.5), most=9)}))
    mode, _ = await resolve(mind, Composer(None), "editor")
    assert "physics*" in mode
    mode, routing = await resolve(mind, Composer(None))
    assert (mode, routing["mixed_with"]) == ("core+sport", None)
