"""Asks a mind its questions: with its own prompt and library and its own sampling, at temperature 0."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from bot.answering.generation import generate
from bot.answering.prompt import Exchange, build_prompt, quoted_passages
from bot.authoring.errors import EvaluationTimeOver
from bot.authoring.evaluation.questions import Question
from bot.authoring.evaluation.results import ResultStore
from bot.core.i18n import LANGUAGES
from bot.library.cite import strip_marks
from bot.library.passage import Passage
from bot.library.retriever import Retrieved, Retriever
from bot.minds import Mind, render_system_prompt
from bot.minds.resolve import ResolvedMode
from bot.text.language import detect_language
from inference.adapters.usage import AdapterRef
from inference.engines.port import Engine, GenerationRequest, Message, Sampling

CANARY_TOKENS: Final = 48
"""Of an answer to a prompt that is to draw a secret out: it comes at once or not at all."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, with what it was given."""

    question: Question
    text: str
    passages: tuple[Passage, ...]
    """Of the library, in the prompt."""
    prompt: str
    """Everything that the model was told, as one text."""


@dataclass(frozen=True, slots=True)
class InterviewLimits:
    """What an answer may use."""

    prompt_tokens: int
    generation_seconds: float
    deadline: float | None = None
    """`time.monotonic()` at which no further question is asked; None for never."""


class Interview:
    """Asks one mind on one engine. An answer that was given before under the same prompt is not generated again."""

    def __init__(
        self, mind: Mind, engine: Engine, results: ResultStore, limits: InterviewLimits, retriever: Retriever | None
    ) -> None:
        """Set up.

        Args:
            retriever: of the mind's library; None if it has none.
        """
        self._mind, self._engine, self._results = mind, engine, results
        self._limits, self._retriever = limits, retriever
        self.sampling: Final = replace(mind.sampling, temperature=0.0, seed=None)

    async def ask(
        self,
        questions: Sequence[Question],
        mode: ResolvedMode,
        adapter: AdapterRef | None,
        on_answer: Callable[[], None] = lambda: None,
        *,
        max_tokens: int | None = None,
    ) -> list[Answer]:
        """Ask questions in a mode, each in a session of its own.

        Args:
            adapter: the mode's composition; None for the base model under the mode's prompt.
            on_answer: called after each answer.
            max_tokens: of an answer; None for the mind's own.

        Raises:
            EvaluationTimeOver: the time is over; what was answered is kept.
            ConsiliumError: the engine cannot answer.
        """
        sampling = self.sampling if max_tokens is None else replace(self.sampling, max_tokens=max_tokens)
        answers = []
        for question in questions:
            window: list[Exchange] = []
            for earlier in question.after:
                said = await self._answer(earlier, window, mode, adapter, sampling)
                window.append(Exchange(earlier, said.text))
            last = await self._answer(question.question, window, mode, adapter, sampling)
            answers.append(replace(last, question=question))
            on_answer()
        return answers

    async def loss(self, question: str, answer: str) -> float | None:
        """Of an answer under the bare base model, in nats a token; None for an empty one.

        The question stands alone before it: what is asked is whether these words are likely, not whether the base
        would have obeyed the mind's prompt.
        """
        if not answer.strip():
            return None
        key = self._results.key("loss", self._mind.base_model, question, answer)
        known = self._results.get(key)
        if known is None:
            self._check_time()
            scores = await self._engine.score([Message("user", question)], answer)
            known = scores.mean_loss
            await asyncio.to_thread(self._results.add, key, known)
        return float(known)

    async def _answer(
        self,
        question: str,
        window: Sequence[Exchange],
        mode: ResolvedMode,
        adapter: AdapterRef | None,
        sampling: Sampling,
    ) -> Answer:
        found = await self._retriever.retrieve(question, mode) if self._retriever else Retrieved()
        prompt = await asyncio.to_thread(self._messages, question, window, mode, found)
        messages, passages = prompt
        base = self._mind.base_model
        key = self._results.key("answer", base, adapter and adapter.name, list(map(asdict, messages)), asdict(sampling))
        text = self._results.get(key)
        if text is None:
            self._check_time()
            text = await self._generate(GenerationRequest(messages, adapter, sampling))
            await asyncio.to_thread(self._results.add, key, text)
        told = "\n".join(message.content for message in messages)
        return Answer(Question(question=question), text, passages, told)

    async def _generate(self, request: GenerationRequest) -> str:
        pieces: list[str] = []

        async def keep(piece: str) -> None:
            pieces.append(piece)

        await generate(self._engine, request, self._limits.generation_seconds, keep)
        return strip_marks("".join(pieces)).strip()

    def _messages(
        self, question: str, window: Sequence[Exchange], mode: ResolvedMode, found: Retrieved
    ) -> tuple[tuple[Message, ...], tuple[Passage, ...]]:
        """What the service sends for the question of a stranger, and the passages that are in it."""
        spoken = (detect_language(question), *LANGUAGES)
        language = next(each for each in spoken if each is not None and each not in self._mind.quoted_languages)

        def system(memories: Sequence[str], passages: Sequence[Passage]) -> str:
            shown = quoted_passages(passages)
            return render_system_prompt(self._mind, mode, memories, language, passages=shown, examples=found.examples)

        prompt = build_prompt(
            question,
            system=system,
            passages=found.passages,
            window=window,
            counter=self._engine.tokenizer,
            budget=min(self._limits.prompt_tokens, self._engine.context_tokens - self.sampling.max_tokens),
        )
        return prompt.messages, prompt.passages

    def _check_time(self) -> None:
        if self._limits.deadline is not None and time.monotonic() > self._limits.deadline:
            raise EvaluationTimeOver
