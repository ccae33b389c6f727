"""A mind's texts, ready to be compared with messages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.answering.routing.calibration import Calibration, calibrate, choose, softmax
from bot.answering.routing.features import Floats, TextGroup, TextIndex, Vectors
from bot.answering.routing.follow_up import DECAY, follow_up_bonus
from bot.answering.routing.general_talk import FOLLOW_UPS, GENERAL_QUESTIONS, SMALL_TALK, Pairs
from bot.answering.routing.texts import AdapterTexts, text_stems
from bot.answering.routing.vectors import Text
from inference.embedding.centring import SENTENCES

NAMED_BONUS: Final = 2.0
"""Log-odds that an adapter gains from its name in the message."""
_NO_EVIDENCE_LOSS: Final = 20.0
"""Log-odds that an adapter loses by a message that is like none of its texts, or that has no letter and no digit."""
_MAX_HELD_OUT: Final = 1500
"""Questions that the calibration looks at, about."""
_MAX_COMPARED: Final = 300_000
"""Questions times classes that it looks at: among a thousand adapters, fewer questions tell as much."""
_GENERAL: Final[Pairs] = (*GENERAL_QUESTIONS, *SENTENCES)
_WORD: Final = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Subject:
    """The adapter that the conversation was about."""

    adapter: str
    turns_ago: int
    """1 for the turn before this one."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a message was found to be about."""

    adapter: str | None
    """The adapter that it belongs to, the core perhaps; None if it belongs to none of them."""
    shares: Mapping[str, float]
    """Probability of each adapter, the likeliest first; what is missing to 1 is general talk's."""
    sureness: float
    """How sure it is that it belongs to the likeliest adapter and not to the core, 0 to 1."""
    stayed: bool
    """Whether it is taken for the subject so far only because it follows up on it."""
    nearest: str
    """The most similar text of the adapter, or of the likeliest one; empty if there is none."""
    similarity: float
    """How similar that text is, -1 to 1."""
    mixed_with: str | None = None
    """The second adapter that answers, where the message lies between two."""


class MindIndex:
    """The texts of one mind's adapters. It does not change."""

    def __init__(
        self,
        adapters: Mapping[str, AdapterTexts],
        core: str,
        vectors: Mapping[Text, Vectors],
        threshold: float | None,
    ) -> None:
        """Compute what messages are compared with; blocking.

        Args:
            adapters: what each that may be chosen is known by.
            core: the core's name.
            vectors: those of `index_texts(adapters)`.
            threshold: the author's own; None for the one that the dialogues give.
        """
        self._names = list(adapters)
        self._adapters = adapters
        self._core = self._names.index(core) if core in adapters else None
        self._follow_ups = _pairs_group(FOLLOW_UPS, vectors).questions
        small_talk = _pairs_group(SMALL_TALK, vectors)
        self._small_talk = small_talk.questions
        groups = [_adapter_group(texts, vectors) for texts in adapters.values()]
        self._texts = TextIndex(groups, small_talk, _pairs_group(_GENERAL, vectors))
        most = min(_MAX_HELD_OUT, _MAX_COMPARED // self._texts.classes)
        held_out = self._texts.held_out_features(max(most, 1))
        self._calibration = calibrate(*held_out, self._core)
        self._threshold = self._calibration.threshold if threshold is None else threshold

    @property
    def calibration(self) -> Calibration:
        return self._calibration

    @property
    def threshold(self) -> float:
        """How sure it must be of an adapter to leave the core."""
        return self._threshold

    def adapter_similarities(self) -> tuple[Sequence[str], Floats]:
        """Names of the adapters, and how similar the centres of their texts are: (adapters, adapters), -1 to 1."""
        return self._names, self._texts.centre_similarities()

    def compare(self, message: str, vector: Vectors, subject: Subject | None) -> Comparison:
        """Find out which adapter a message belongs to; some milliseconds.

        Args:
            vector: that of the message.
            subject: what the conversation was about so far.
        """
        features = self._texts.features(vector)
        named = self._named_bonus(message)
        alone = self._log_odds(message, features, named)
        log_odds = self._log_odds(message, features, named + self._follow_up_bonus(message, vector, subject))
        chosen, sureness, likeliest = self._decide(softmax(log_odds))
        stayed = chosen is not None and chosen != self._decide(softmax(alone))[0]
        nearest, similarity = self._nearest_text(likeliest if chosen is None else chosen, vector)
        shares = softmax(log_odds)
        order = sorted(range(len(self._names)), key=lambda number: -shares[number])
        return Comparison(
            None if chosen is None else self._names[chosen],
            {self._names[number]: float(shares[number]) for number in order},
            sureness,
            stayed,
            nearest,
            similarity,
        )

    def _named_bonus(self, message: str) -> Floats:
        stems = text_stems(message)
        named = [self._adapters[name].is_named(stems) for name in self._names]
        return NAMED_BONUS * np.array([*named, False], np.float64)

    def _follow_up_bonus(self, message: str, vector: Vectors, subject: Subject | None) -> Floats:
        bonus = np.zeros(self._texts.classes)
        if subject is not None and subject.adapter in self._adapters:
            leaning = follow_up_bonus(message, vector, self._follow_ups, self._small_talk)
            bonus[self._names.index(subject.adapter)] = leaning * DECAY ** (subject.turns_ago - 1)
        return bonus

    def _log_odds(self, message: str, features: Floats, bonus: Floats) -> Floats:
        has_evidence = (bonus > 0) | ~self._texts.is_like_nothing(features)
        if not _WORD.search(message):
            has_evidence[:] = False
        has_evidence[-1] = True
        log_odds: Floats = self._calibration.log_odds(features) + bonus - _NO_EVIDENCE_LOSS * ~has_evidence
        return log_odds

    def _decide(self, shares: Floats) -> tuple[int | None, float, int]:
        """The adapter that it belongs to, if any; how sure it is of the likeliest beside the core; the likeliest."""
        best, sureness = choose(shares, self._core)
        likeliest = int(shares[:-1].argmax())
        if best >= 0 and sureness >= self._threshold:
            return best, sureness, likeliest
        if self._core is not None and shares[self._core] >= shares[-1]:
            return self._core, sureness, likeliest
        return None, sureness, likeliest

    def _nearest_text(self, number: int, vector: Vectors) -> tuple[str, float]:
        texts = self._adapters[self._names[number]]
        similarities = self._texts.similarities(number, vector)
        # What people read is a question, if there is one.
        candidates = texts.questions or texts.about
        if not candidates:
            return "", 0.0
        row = int(similarities[: len(candidates)].argmax())
        return candidates[row], float(similarities[row])


def index_texts(adapters: Mapping[str, AdapterTexts]) -> list[Text]:
    """All texts whose vectors an index needs, each once."""
    texts: dict[Text, None] = {}
    for pairs in (SMALL_TALK, _GENERAL, FOLLOW_UPS):
        texts |= dict.fromkeys(("query", text) for pair in pairs for text in pair)
    for adapter in adapters.values():
        texts |= dict.fromkeys(("query", question) for question in adapter.questions)
        texts |= dict.fromkeys(("passage", text) for text in adapter.about)
    return list(texts)


def _adapter_group(texts: AdapterTexts, vectors: Mapping[Text, Vectors]) -> TextGroup:
    numbers = [number for number, questions in enumerate(texts.conversations) for _ in questions]
    return TextGroup(
        _rows([("query", question) for question in texts.questions], vectors),
        np.array(numbers, np.int64),
        _rows([("passage", text) for text in texts.about], vectors),
    )


def _pairs_group(pairs: Pairs, vectors: Mapping[Text, Vectors]) -> TextGroup:
    return TextGroup(
        _rows([("query", text) for pair in pairs for text in pair], vectors),
        np.repeat(np.arange(len(pairs)), 2),
        _rows([], vectors),
    )


def _rows(texts: Sequence[Text], vectors: Mapping[Text, Vectors]) -> Vectors:
    dimensions = len(next(iter(vectors.values())))
    return np.array([vectors[text] for text in texts], np.float32).reshape(-1, dimensions)
