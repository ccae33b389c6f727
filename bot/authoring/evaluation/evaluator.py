"""Measures a mind: its weights, then its answers beside those of the base model under the same prompt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.answering.composer import Composer
from bot.authoring.errors import NothingToEvaluate
from bot.authoring.evaluation.canaries import Canary, drawing_prompts, read_canaries
from bot.authoring.evaluation.figures import Evaluation, EvaluationSettings, ModeFigures
from bot.authoring.evaluation.interview import CANARY_TOKENS, Interview
from bot.authoring.evaluation.judging import Judge, ModeAnswers
from bot.authoring.evaluation.questions import Question, QuestionPlan, plan_questions
from bot.authoring.evaluation.weights import WeightFigures, WeightMeasurement
from inference.embedding import Embedder

OnProgress = Callable[[str, int, int], None]
"""Called with what is being done (`weights`, `answers` or `figures`), how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """How much is asked."""

    questions: int = 100
    """At most, of all modes together."""
    canary_prompts: int = 500
    """At most, where the mind has canaries."""


class Evaluator:
    """Measures the adapters of one mind."""

    def __init__(self, composer: Composer, options: EvaluationOptions, on_progress: OnProgress) -> None:
        self._composer, self._options, self._on_progress = composer, options, on_progress

    async def plan(self) -> QuestionPlan:
        """What will be asked.

        Raises:
            BadQuestions: the questions cannot be read.
            NothingToEvaluate: there are none.
            AdapterOutOfService: an adapter is damaged, or for another base model.
        """
        mind = self._composer.mind
        plan = await asyncio.to_thread(plan_questions, mind, self._options.questions)
        if not any(each.questions for each in plan.modes.values()):
            raise NothingToEvaluate(mind.folder)
        for each in plan.modes.values():
            self._composer.validate(each.mode)
        return plan

    async def weigh(self, plan: QuestionPlan, measurement: WeightMeasurement) -> dict[str, WeightFigures]:
        """Everything that needs no answers."""

        def on_step(done: int, of: int) -> None:
            self._on_progress("weights", done, of)

        return await asyncio.to_thread(measurement.run, plan.modes, on_step)

    async def ask(self, plan: QuestionPlan, interview: Interview) -> dict[str, ModeAnswers]:
        """Ask every mode, and the base model under the mode's prompt.

        Raises:
            EvaluationTimeOver: the time is over.
            ConsiliumError: the engine cannot answer.
        """
        drawn = self._canary_questions(plan, await self._canaries(plan))
        total = sum(2 * len(each.questions) + len(drawn[text]) for text, each in plan.modes.items())
        done = 0

        def count() -> None:
            nonlocal done
            done += 1
            self._on_progress("answers", done, total)

        self._on_progress("answers", 0, total)
        answers = {}
        for text, each in plan.modes.items():
            adapter = await self._composer.prepare(each.mode)
            answers[text] = ModeAnswers(
                await interview.ask(each.questions, each.mode, adapter, count),
                await interview.ask(each.questions, each.mode, None, count),
                await interview.ask(drawn[text], each.mode, adapter, count, max_tokens=CANARY_TOKENS),
            )
        return answers

    async def judge(
        self,
        plan: QuestionPlan,
        answers: Mapping[str, ModeAnswers],
        weights: Mapping[str, WeightFigures],
        interview: Interview,
        embedder: Embedder,
    ) -> dict[str, ModeFigures]:
        """The figures of all answers, with those of the weights, by mode."""
        judge = Judge(self._composer.mind, embedder, interview, plan, answers)
        canaries = await self._canaries(plan)
        modes = {}
        for number, text in enumerate(plan.modes):
            self._on_progress("figures", number, len(plan.modes))
            found = await judge.figures(text, canaries[text])
            weighed = weights[text]
            modes[text] = found.model_copy(
                update={"learnt": weighed.learnt, "drift": weighed.drift, "composition": weighed.composition}
            )
        self._on_progress("figures", len(plan.modes), len(plan.modes))
        return modes

    def evaluation(
        self, plan: QuestionPlan, modes: Mapping[str, ModeFigures], settings: EvaluationSettings
    ) -> Evaluation:
        """The whole of it, as of now."""
        mind = self._composer.mind
        return Evaluation(
            mind=mind.name,
            base_model=mind.base_model,
            adapters={name: package.digest for name, package in self._composer.packages.items()},
            measured=datetime.now(UTC),
            settings=settings,
            modes=dict(modes),
            skipped=dict(plan.skipped),
        )

    async def _canaries(self, plan: QuestionPlan) -> dict[str, list[Canary]]:
        """The mind's canaries, each with the first mode that has its adapter."""
        mind = self._composer.mind
        found: dict[str, list[Canary]] = {text: [] for text in plan.modes}
        for canary in await asyncio.to_thread(read_canaries, mind.folder):
            adapter = canary.adapter or mind.core
            text = next((text for text, each in plan.modes.items() if adapter in each.adapters), None)
            if text is not None:
                found[text].append(canary)
        return found

    def _canary_questions(
        self, plan: QuestionPlan, canaries: Mapping[str, Sequence[Canary]]
    ) -> dict[str, list[Question]]:
        """The prompts of each mode: its share of them, by its canaries."""
        total = sum(map(len, canaries.values()))
        asked = {}
        for text, some in canaries.items():
            share = round(self._options.canary_prompts * len(some) / total) if total else 0
            asked[text] = [
                Question(question=prompt, mode=text, kind="canary") for _, prompt in drawing_prompts(some, share)
            ]
        return asked
