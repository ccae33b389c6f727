"""Whether answers make sense, measured without a reader.

An answer's score is 0 to 1: √(fluent · pointed) · (1 − repeated), and 0 if it contradicts a passage that it was given.

- *fluent*: how likely the base model holds its words. 1 at (or above) the likelihood of its own answers to the same
  questions, their median; 0 at that of what the author writes with the words in random order; linear in the loss
  between. So it needs no constants, and fits every base model and language. What is generated at temperature 0 is
  likely text wherever a model knows what to say: adapters that swallow the base leave it.
- *pointed*: whether it is about its own question. 2p − 1, where p is the share of all other questions that it is less
  like (cosine of the embedder): 1 if it fits none of them better, 0 if it fits its own no better than any.
- *repeated*: share of its words that are in a run of three which it has said before; loops are likely words, too.

The two are multiplied, because an answer that lacks either has no sense: word salad about the question has no fluency,
and a fine sentence about another question is not to the point. The score cannot tell whether an answer is true, and an
echo of the question passes for an answer. It is for comparing systems on the same questions, and replaces no reader.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.authoring.evaluation.figures import Sense
from bot.library.cite import collect_evidence
from bot.library.passage import Passage
from bot.text.sentences import split_sentences

_RUN: Final = 3
_MIN_SPAN: Final = 0.1
"""Nats between likely and unlikely text; a base model that tells them apart by less tells nothing."""
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class FluencyScale:
    """The losses under the base model between which fluency lies, in nats a token."""

    likely: float
    """Of the base model's own answers."""
    shuffled: float
    """Of the author's answers, their words in random order."""

    def fluency(self, loss: float) -> float:
        """0 to 1."""
        return min(1.0, max(0.0, (self.shuffled - loss) / max(self.shuffled - self.likely, _MIN_SPAN)))


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """What is known of an answer."""

    text: str
    loss: float | None
    """Under the base model, nats a token; None for an empty answer."""
    likeness: float
    """Cosine with its own question."""
    pointed: float
    contradicts: bool


def shuffle_words(text: str, seed: int) -> str:
    """A text's words in random order."""
    words = text.split()
    random.Random(seed).shuffle(words)  # noqa: S311 - a measurement, not a secret
    return " ".join(words)


def pointedness(likeness: NDArray[np.float32]) -> list[float]:
    """How much better each answer fits its own question than the others.

    Args:
        likeness: cosines, answers by questions; the first questions are the answers' own, in their order.
    """
    count, questions = likeness.shape
    if questions < 2:
        return [1.0] * count
    own = likeness[np.arange(count), np.arange(count)][:, None]
    less = (likeness < own).sum(1) + ((likeness == own).sum(1) - 1) / 2
    return [max(0.0, 2 * float(each) / (questions - 1) - 1) for each in less]


def repeated_share(text: str) -> float:
    """Share of a text's words that stand in a run of three words which stood before."""
    words = [word.casefold() for word in _WORD.findall(text)]
    seen: set[tuple[str, ...]] = set()
    again: set[int] = set()
    for start in range(len(words) - _RUN + 1):
        run = tuple(words[start : start + _RUN])
        if run in seen:
            again.update(range(start, start + _RUN))
        seen.add(run)
    return len(again) / len(words) if words else 0.0


def contradicts_passages(answer: str, passages: Sequence[Passage]) -> bool:
    """Whether a sentence of an answer takes its words from a passage and says otherwise (`Evidence.is_denied_by`)."""
    evidence = collect_evidence(passages)
    return any(each.is_denied_by(sentence) for sentence in split_sentences(answer) for each in evidence)


def score_answer(answer: JudgedAnswer, scale: FluencyScale) -> float:
    """The score of one answer, 0 to 1."""
    if answer.loss is None or answer.contradicts:
        return 0.0
    return math.sqrt(scale.fluency(answer.loss) * answer.pointed) * (1 - repeated_share(answer.text))


def sense_of(answers: Sequence[JudgedAnswer], scale: FluencyScale) -> Sense | None:
    """The figures of a system's answers; None if there are none."""
    if not answers:
        return None
    losses = [each.loss for each in answers if each.loss is not None]
    return Sense(
        answers=len(answers),
        score=mean(score_answer(each, scale) for each in answers),
        loss=mean(losses) if losses else scale.shuffled,
        likeness=mean(each.likeness for each in answers),
        fluent=mean(0.0 if each.loss is None else scale.fluency(each.loss) for each in answers),
        pointed=mean(each.pointed for each in answers),
        repeated=mean(repeated_share(each.text) for each in answers),
        contradicted=mean(each.contradicts for each in answers),
    )
