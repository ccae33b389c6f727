"""The questions that a mind is measured with: committed with it, or those of its held-out dialogues.

`evaluation/questions.jsonl` in the mind's folder has one question a line:
`{"question": "…", "mode": "core+sport", "after": ["…"], "kind": "follow-up"}`. Only the question has to be there.
`after` are the questions asked before it in the same session; a question without a mode, or with `auto`, is the core's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.authoring.errors import BadQuestions
from bot.authoring.evaluation.dialogues import mind_dialogues
from bot.minds import Mind
from bot.minds.errors import ModeError
from bot.minds.grammar import parse_expression
from bot.minds.resolve import ResolvedMode, resolve_mode
from bot.text.language import detect_language
from inference.adapters.manifest import AdapterKind

QUESTIONS_FILE: Final = Path("evaluation") / "questions.jsonl"


class Question(BaseModel):
    """One question."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    question: str
    mode: str = "auto"
    after: tuple[str, ...] = ()
    """What was asked before it in the same session, in order."""
    kind: str = ""

    @property
    def in_context(self) -> str:
        """The question behind those before it: “And if it rains?” alone says nothing."""
        return " ".join((*self.after, self.question))


@dataclass(frozen=True, slots=True)
class EvaluatedMode:
    """A mode that is measured, with its questions."""

    mode: ResolvedMode
    questions: tuple[Question, ...]

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names of the adapters it is composed of."""
        return tuple(term.name for term in self.mode.terms)


@dataclass(frozen=True, slots=True)
class QuestionPlan:
    """What is asked in which mode, and what is not asked."""

    modes: Mapping[str, EvaluatedMode]
    """By canonical text."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Questions left out, by reason."""


def plan_questions(mind: Mind, limit: int) -> QuestionPlan:
    """Choose the questions of every mode that is measured; blocking.

    Args:
        limit: of questions together; each mode keeps its share of them, and at least one.

    Raises:
        BadQuestions: the file of questions has a line that is no question.
    """
    modes = evaluated_modes(mind)
    by_adapters = {frozenset(term.name for term in mode.terms): text for text, mode in modes.items()}
    chosen: dict[str, list[Question]] = {text: [] for text in modes}
    skipped: Counter[str] = Counter()
    for question in read_questions(mind.folder):
        text = by_adapters.get(_adapters_of(mind, question.mode))
        if text is None:
            skipped["mode"] += 1
        elif detect_language(question.question) in mind.quoted_languages:
            skipped["language"] += 1
        else:
            chosen[text].append(question)
    asked = sum(map(len, chosen.values()))
    share = min(1.0, limit / asked) if asked else 1.0
    for text, mode in modes.items():
        if chosen[text]:
            kept = _spread(chosen[text], max(1, round(share * len(chosen[text]))))
            skipped["limit"] += len(chosen[text]) - len(kept)
            chosen[text] = kept
        else:
            own = mode.terms[-1].name if len(mode.terms) == 1 else _topic_of(mind, mode)
            chosen[text] = _spread(_heldout_questions(mind, own, text), max(1, limit // len(modes)))
    return QuestionPlan(
        {text: EvaluatedMode(mode, tuple(chosen[text])) for text, mode in modes.items()},
        {reason: count for reason, count in skipped.items() if count},
    )


def evaluated_modes(mind: Mind) -> dict[str, ResolvedMode]:
    """The modes that are measured: the core, each topic on the core, each isolated adapter; by canonical text."""
    order = (AdapterKind.CORE, AdapterKind.TOPIC, AdapterKind.ISOLATED)
    names = sorted(mind.adapters, key=lambda name: order.index(mind.adapters[name].kind))
    texts = [f"{mind.core}+{name}" if mind.adapters[name].kind is AdapterKind.TOPIC else name for name in names]
    resolved = [resolve_mode(parse_expression(text), mind) for text in texts]
    return {mode.text: mode for mode in resolved}


def read_questions(mind_folder: Path) -> list[Question]:
    """The questions committed with a mind, each once; none if there is no such file. Blocking.

    Raises:
        BadQuestions: with the first line that is no question.
    """
    path = mind_folder / QUESTIONS_FILE
    if not path.is_file():
        return []
    found: dict[Question, None] = {}
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            found[Question.model_validate(_without_nulls(json.loads(line)))] = None
        except (ValueError, ValidationError) as error:
            raise BadQuestions(path, number) from error
    return list(found)


def _without_nulls(record: Any) -> Any:
    return {key: value for key, value in record.items() if value is not None} if isinstance(record, dict) else record


def _adapters_of(mind: Mind, mode: str) -> frozenset[str]:
    """The adapters that a question's mode names."""
    try:
        resolved = resolve_mode(parse_expression(mode), mind)
    except ModeError:
        return frozenset()
    return frozenset({mind.core}) if resolved.is_auto else frozenset(term.name for term in resolved.terms)


def _topic_of(mind: Mind, mode: ResolvedMode) -> str:
    return next(term.name for term in mode.terms if term.name != mind.core)


def _heldout_questions(mind: Mind, adapter: str, mode: str) -> list[Question]:
    return [
        Question(question=dialogue.questions[0], mode=mode, kind="held-out")
        for dialogue in mind_dialogues(mind, adapter, heldout=True)
        if dialogue.questions and detect_language(dialogue.questions[0]) not in mind.quoted_languages
    ]


def _spread(questions: Sequence[Question], count: int) -> list[Question]:
    """So many of the questions, evenly from the first to the last."""
    if count >= len(questions):
        return list(questions)
    return [questions[number * len(questions) // count] for number in range(count)]
