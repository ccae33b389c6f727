"""From answers to figures: sense, voice, what was memorised, personal data."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.authoring.evaluation.canaries import Canary, count_found
from bot.authoring.evaluation.dialogues import (
    Pair,
    Written,
    author_texts,
    first_pairs,
    mind_dialogues,
    texts_of_others,
)
from bot.authoring.evaluation.figures import Memorised, ModeFigures, Sense, Voice
from bot.authoring.evaluation.interview import Answer, Interview
from bot.authoring.evaluation.memorisation import longest_copied
from bot.authoring.evaluation.personal_data import personal_data_in
from bot.authoring.evaluation.questions import EvaluatedMode, QuestionPlan
from bot.authoring.evaluation.sense import (
    FluencyScale,
    JudgedAnswer,
    contradicts_passages,
    pointedness,
    sense_of,
    shuffle_words,
)
from bot.authoring.evaluation.voice import StyleTexts, voice_of
from bot.minds import Mind
from inference.embedding import Embedder
from inference.embedding.port import Purpose

CALIBRATING_PAIRS: Final = 24
"""Answers of the author that the scale of fluency is made from."""
MAX_STYLE_TEXTS: Final = 400
"""Texts of one side that are embedded for the voice."""
_EMBEDDED_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class ModeAnswers:
    """What was said in one mode."""

    mode: list[Answer]
    base: list[Answer]
    """Of the base model to the same questions under the same prompt."""
    canaries: list[Answer] = field(default_factory=list)
    """To prompts that are to draw secrets out."""


class Judge:
    """Judges the answers of one mind."""

    def __init__(
        self,
        mind: Mind,
        embedder: Embedder,
        interview: Interview,
        plan: QuestionPlan,
        answers: Mapping[str, ModeAnswers],
    ) -> None:
        self._mind, self._embedder, self._interview = mind, embedder, interview
        self._plan, self._answers = plan, answers
        self._questions = list(
            dict.fromkeys(question.in_context for each in plan.modes.values() for question in each.questions)
        )

    async def figures(self, mode: str, canaries: Sequence[Canary]) -> ModeFigures:
        """The figures of one mode's answers.

        Args:
            canaries: those that the mode's prompts were to draw out.
        """
        each, said = self._plan.modes[mode], self._answers[mode]
        trained = [text.text for name in each.adapters for text in await self._author_texts(name)]
        scale = await self._scale(each, said.base)
        found = await asyncio.to_thread(count_found, [a.text for a in (*said.mode, *said.canaries)], canaries)
        return ModeFigures(
            adapters=each.adapters,
            sense=await self._sense(said.mode, scale),
            sense_prompt_only=await self._sense(said.base, scale),
            voice=await self._voice(each, said),
            memorised=Memorised(
                longest=await asyncio.to_thread(longest_copied, [a.text for a in said.mode], trained),
                prompt_only=await asyncio.to_thread(longest_copied, [a.text for a in said.base], trained),
                canaries=len(canaries),
                canary_prompts=len(said.canaries),
                canaries_found=found,
            ),
            personal=await asyncio.to_thread(personal_data_in, [*said.mode, *said.canaries], trained),
        )

    async def _sense(self, answers: Sequence[Answer], scale: FluencyScale) -> Sense | None:
        if not answers:
            return None
        own = [answer.question.in_context for answer in answers]
        columns = own + [question for question in self._questions if question not in set(own)]
        asked = await self._embed(columns, "query")
        likeness = await self._embed([answer.text for answer in answers]) @ asked.T
        pointed = pointedness(likeness)
        judged = []
        for number, answer in enumerate(answers):
            denied = await asyncio.to_thread(contradicts_passages, answer.text, answer.passages)
            loss = await self._interview.loss(answer.question.question, answer.text)
            judged.append(JudgedAnswer(answer.text, loss, float(likeness[number, number]), pointed[number], denied))
        return sense_of(judged, scale)

    async def _scale(self, each: EvaluatedMode, base: Sequence[Answer]) -> FluencyScale:
        """From the base model's answers, and the words of the author's own: held-out ones, else those trained on."""
        pairs = await asyncio.to_thread(self._pairs, each.adapters[-1])
        mixed = [(pair.question, shuffle_words(pair.answer, number)) for number, pair in enumerate(pairs)]
        said = [(answer.question.question, answer.text) for answer in base]
        likely = [loss for pair in said if (loss := await self._interview.loss(*pair)) is not None]
        shuffled = [loss for pair in mixed if (loss := await self._interview.loss(*pair)) is not None]
        if not likely or not shuffled:
            return FluencyScale(0.0, max(likely + shuffled, default=1.0))
        return FluencyScale(median(likely), mean(shuffled))

    def _pairs(self, name: str) -> list[Pair]:
        pairs = first_pairs(mind_dialogues(self._mind, name, heldout=True))
        return (pairs or first_pairs(mind_dialogues(self._mind, name)))[:CALIBRATING_PAIRS]

    async def _voice(self, each: EvaluatedMode, said: ModeAnswers) -> Voice | None:
        own = [text for name in each.adapters for text in await self._author_texts(name)]
        foreign = [text for name in each.adapters for text in await asyncio.to_thread(self._texts_of_others, name)]
        both = [(mine, base) for mine, base in zip(said.mode, said.base, strict=True) if mine.text and base.text]
        answers = await self._style([Written(mine.text, mine.question.in_context) for mine, _ in both])
        base = await self._style([Written(each.text, each.question.in_context) for _, each in both])
        return await asyncio.to_thread(
            voice_of, answers, base, await self._style(own), await self._style(foreign) if foreign else None
        )

    async def _author_texts(self, name: str) -> list[Written]:
        return await asyncio.to_thread(lambda: list(author_texts(mind_dialogues(self._mind, name), name)))

    def _texts_of_others(self, name: str) -> list[Written]:
        return list(texts_of_others(mind_dialogues(self._mind, name), name))

    async def _style(self, written: Sequence[Written]) -> StyleTexts:
        if len(written) > MAX_STYLE_TEXTS:
            written = [written[number * len(written) // MAX_STYLE_TEXTS] for number in range(MAX_STYLE_TEXTS)]
        texts = [each.text for each in written]
        return StyleTexts(texts, [each.conversation for each in written], await self._embed(texts))

    async def _embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        """Vectors of texts, a few at a time: a long batch would keep the embedder from stopping."""
        parts = [
            await self._embedder.embed(texts[start : start + _EMBEDDED_AT_ONCE], purpose)
            for start in range(0, len(texts), _EMBEDDED_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self._embedder.dimensions), np.float32)
