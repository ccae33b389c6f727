"""Whether answers sound like the author: a classifier of their texts against the base model's and other people's.

It is a logistic regression over three views of a text: the embedder's vector (what is said), the frequencies of runs
of two to four letters, and those of the words without content (how it is said). It never judges a text of a
conversation that it was trained on: the conversations, and the questions that answers are to, are parted into folds.

The mode's answers and the base model's are answers to the same questions under the same prompt, so subject and
instructions tell nothing; `auc` is the chance that of one of each the mode's sounds more like the author.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from bot.authoring.evaluation.figures import Voice
from bot.text.stop_words import STOP_WORDS
from bot.text.words import fold

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MIN_TEXTS: Final = 8
"""Of each side; fewer are no style."""
_FOLDS: Final = 5
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, eq=False)
class StyleTexts:
    """Texts of one side."""

    texts: Sequence[str]
    groups: Sequence[str]
    """What each belongs to: its conversation, or the question that it answers."""
    vectors: NDArray[np.float32]
    """Of each, by the embedder: (texts, dimensions)."""

    def __len__(self) -> int:
        return len(self.texts)


def voice_of(answers: StyleTexts, base: StyleTexts, author: StyleTexts, others: StyleTexts | None) -> Voice | None:
    """How much a mode's answers sound like the author; None where there is too little to tell by.

    Args:
        answers: of the mode, each with its question for a group.
        base: answers of the base model to the same questions under the same prompt, in the same order.
        author: what the author wrote.
        others: what other people wrote, if anything is known of it.
    """
    if min(len(answers), len(base), len(author)) < MIN_TEXTS:
        return None
    of_author, of_base, of_answers = _cross_validated(author, base, answers)
    told_from_others = None
    if others is not None and len(others) >= MIN_TEXTS:
        own, foreign, _ = _cross_validated(author, others, None)
        told_from_others = area_under_curve(own, foreign)
    return Voice(
        auc=area_under_curve(of_answers, of_base),
        author=area_under_curve(of_author, of_base),
        others=told_from_others,
        likelihood=mean(map(float, of_answers)),
        prompt_only=mean(map(float, of_base)),
    )


def area_under_curve(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """The chance that one of the positive scores is above one of the negative ones; ties count half."""
    above = (positive[:, None] > negative[None, :]).mean()
    return float(above + (positive[:, None] == negative[None, :]).mean() / 2)


def _cross_validated(
    author: StyleTexts, negative: StyleTexts, judged: StyleTexts | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Probability of being the author's for each text, by a classifier that saw nothing of its group."""
    sides = [side for side in (author, negative, judged) if side is not None]
    features = _features(sides, fitted_on=2)
    groups = np.array([group for side in sides for group in side.groups])
    learnt = len(author) + len(negative)
    labels = np.array([1] * len(author) + [0] * len(negative))
    folds = _folds(author.groups, negative.groups)
    fold_of = np.array([folds.get(group, 0) for group in groups])
    scores = np.zeros(len(groups))
    for number in range(_FOLDS):
        inside = fold_of == number
        train = np.flatnonzero(~inside[:learnt])
        if not inside.any():
            continue
        scores[inside] = _fit(features[train], labels[train]).predict_proba(features[np.flatnonzero(inside)])[:, 1]
    parts = np.split(scores, np.cumsum([len(side) for side in sides])[:-1])
    return parts[0], parts[1], parts[2] if judged is not None else np.zeros(0)


def _folds(*sides: Sequence[str]) -> dict[str, int]:
    """A fold for each group. The groups of each side are dealt out in turn, so that every fold has of each."""
    folds: dict[str, int] = {}
    for groups in sides:
        for number, group in enumerate(sorted(set(groups) - set(folds))):
            folds[group] = number % _FOLDS
    return folds


def _fit(features: csr_matrix, labels: NDArray[np.int64]) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000).fit(features, labels)


def _features(sides: Sequence[StyleTexts], fitted_on: int) -> csr_matrix:
    """The three views side by side, each text's views of length 1.

    Args:
        fitted_on: how many of the sides the vocabulary is taken from.
    """
    # Imported late: it takes a second, and only an evaluation needs it.
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.preprocessing import Normalizer

    texts = [text for side in sides for text in side.texts]
    known = [text for side in sides[:fitted_on] for text in side.texts]
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=2, max_features=20_000)
    words = CountVectorizer(vocabulary=sorted(STOP_WORDS), analyzer=_words)
    frequencies = Normalizer().transform(words.transform(texts))
    vectors = csr_matrix(np.concatenate([side.vectors for side in sides]))
    return csr_matrix(hstack([vectors, letters.fit(known).transform(texts), frequencies]))


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))
