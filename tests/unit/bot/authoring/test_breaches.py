"""Limits: each measure refuses alone, at its own figure, and says so in a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from bot.authoring.evaluation import breaches, read_evaluation, write_evaluation
from bot.authoring.evaluation.figures import Drift, Memorised, Personal
from bot.core.i18n import Translator
from bot.minds.schema import Limits
from tests.fixtures.evaluations import evaluation, learnt, sense, voice

LIMITS = Limits()


WORSE: dict[str, dict[str, Any]] = {
    "gain": {"learnt": {"core": learnt(0.0, None)}},
    "kept": {"learnt": {"core": learnt(0.2, 0.96)}},
    "drift": {"drift": Drift(mode=0.101, own=0.2)},
    "sense": {"sense": sense(0.64)},
    "voice": {"voice": voice(0.89)},
    "copied_words": {"memorised": Memorised(longest=51, prompt_only=4)},
    "canaries": {"memorised": Memorised(longest=3, prompt_only=4, canaries=5, canary_prompts=500, canaries_found=1)},
    "personal": {"personal": Personal(kinds={"phone": 1}, invented_names=3)},
}


def test_figures_at_their_limits_break_none() -> None:
    assert breaches(evaluation(), LIMITS, evaluation()) == []


@pytest.mark.parametrize("measure", WORSE)
def test_each_measure_refuses_alone_and_says_which(measure: str) -> None:
    (breach,) = breaches(evaluation(**WORSE[measure]), LIMITS, None)
    assert (breach.mode, breach.measure) == ("core+sport", measure)
    assert "core+sport" in str(breach)
    assert "{" not in str(breach)


@pytest.mark.parametrize("measure", WORSE)
def test_each_breach_is_told_in_russian(measure: str) -> None:
    (breach,) = breaches(evaluation(**WORSE[measure]), LIMITS, None)
    say = Translator("ru")
    assert breach.localize("ru", say.translate) != str(breach)


def test_every_limit_of_a_mind_is_asked() -> None:
    assert set(WORSE) | {"below_live"} == set(Limits.model_fields)


@pytest.mark.parametrize(
    "changed",
    [
        {"learnt": {"core": learnt(0.15, 0.98)}},
        {"sense": sense(0.59), "sense_prompt_only": None},
        {"sense": None},
        {"voice": None},
    ],
)
def test_what_is_worse_than_in_use_is_refused(changed: dict[str, Any]) -> None:
    (breach,) = breaches(evaluation(**changed), LIMITS, evaluation())
    assert breach.measure == "below_live"


def test_what_was_not_measured_breaks_nothing() -> None:
    nothing = dict.fromkeys(("drift", "sense", "sense_prompt_only", "voice", "memorised", "personal"))
    assert breaches(evaluation(**nothing, learnt={}), LIMITS, None) == []


def test_a_mode_without_a_topic_has_no_limit_of_drift() -> None:
    assert breaches(evaluation(drift=Drift(mode=9.0, own=None)), LIMITS, None) == []


def test_an_evaluation_is_read_as_it_was_written(tmp_path: Any) -> None:
    assert read_evaluation(tmp_path) is None
    written = evaluation()
    write_evaluation(written, tmp_path / "evaluation")
    assert read_evaluation(tmp_path / "evaluation") == written
    assert written.is_of({"sport": "2", "core": "1"})
    assert not written.is_of({"core": "1"})
