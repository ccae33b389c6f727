"""A question, read for what a quotation that answers it should have."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from bot.library.cite.evidence import Evidence
from bot.library.passage import Passage, innermost_heading
from bot.text.analysis import TextFeatures, analyse
from bot.text.calendar import ENGLISH_TIME_UNITS, RUSSIAN_TIME_UNITS
from bot.text.light_stems import LIGHT_STEMS
from bot.text.numerals import HOW_QUANTITIES, asks_for_number
from bot.text.questions import may_be_same, word_likeness
from bot.text.words import stem

_OTHER_KIND: Final = 0.5
"""Likeness of a heading that asks for something else of the same words, or for other numbers, is so much of it."""
_LIGHT_WEIGHT: Final = 0.5
"""Weight of a word that asks how well or when and says nothing of the subject."""
_QUANTITY_QUESTION: Final = re.compile(rf"\bhow\s+(?:{'|'.join((*HOW_QUANTITIES, 'big', 'deep'))})\b", re.IGNORECASE)
"""Words that ask, but do not say about what."""
_DURATION_QUESTION: Final = re.compile(
    r"\bhow\s+long\b|\b(?:сколько|как)\s+(?:длится|длятся|продолжа\w+|времени|долго)\b", re.IGNORECASE
)
_TIME_UNITS: Final = frozenset(map(stem, (*ENGLISH_TIME_UNITS, *RUSSIAN_TIME_UNITS)))
_TURNING: Final = re.compile(
    r"\b(?:before|after|during|between|without|instead|rather|until|again|when|"
    r"до|перед|после|во\s+время|между|без|вместо|снова|опять|когда)\b",
    re.IGNORECASE,
)
"""Words without content that alone can be what a question asks for: "and after?"."""
_FREQUENCY: Final = re.compile(
    r"\b(?:once|twice|daily|weekly|every|each|дважды|трижды|ежедневно|еженедельно|кажд\w+|через\s+день)\b",
    re.IGNORECASE,
)
"""What says how often without a number."""
_BEFORE_WEIGHT: Final = 0.6
"""Weight of a word of what was asked before, in a question that goes on from it."""
_MIN_OWN_TERMS: Final = 2
"""Words of such a question that answer it without one of what was asked before."""
_NUMBER_WEIGHT: Final = 2.0
"""How many words a number of the question counts as."""
_REASON_QUESTION: Final = re.compile(r"\b(?:why|почему|отчего|зачем|из-за\s+чего)\b", re.IGNORECASE)
_QUESTION_TO_AUTHOR: Final = re.compile(
    r"\b(?:your|yours|yourself|(?:do|did|have|are|were|can|would)\s+you|"
    r"ты|тебя|тебе|тобой|тво[йяеёюи]\w*|вас|вам|вами|ваш\w*)\b",
    re.IGNORECASE,
)
REASON: Final = re.compile(
    r"\b(?:because|since|therefore|so\s+that|that\s+is\s+why|потому|поэтому|так\s+как|из-за|чтобы|ведь)\b",
    re.IGNORECASE,
)
"""What says because of what."""


@dataclass(frozen=True, slots=True)
class SaidBefore:
    """What a question goes on from (`bot.text.follow_ups`)."""

    questions: str = ""
    """What was asked before it; empty where it stands alone."""
    answers: tuple[str, ...] = ()
    """What was answered to that, which is not quoted once more."""

    def with_question(self, question: str) -> str:
        """A question with what it goes on from."""
        return f"{self.questions} {question}".strip()

    _said: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_said", _letters(" ".join(self.answers)))

    def has_said(self, text: str) -> bool:
        """Whether the answers have this text, apart from punctuation and marks of sources between its words."""
        return _letters(text) in self._said


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


NOTHING_BEFORE: Final = SaidBefore()


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question, read for what a quotation should have."""

    text: str
    searched: str
    """With what it goes on from."""
    features: TextFeatures
    """Of both."""
    own: TextFeatures
    """Of itself alone."""
    subject: frozenset[str]
    """Stems of what it goes on from; empty where it stands alone."""
    weights: dict[str, float]
    """How much each of its stems and numbers counts."""
    wants_number: bool
    wants_duration: bool
    wants_reason: bool
    is_to_author: bool

    def is_answered_by(self, text: TextFeatures) -> bool:
        """Whether a text has the kind of number that the question asks for and does not name itself."""
        new = [unit for number, unit in text.measures if number not in self.features.numbers]
        return self.wants_number and any(not self.wants_duration or unit in _TIME_UNITS for unit in new)

    def likeness_to(self, passage: Passage) -> float:
        """How much alike it and the question above an answer are, 0 to 1."""
        heading = innermost_heading(passage.where)
        likeness = word_likeness(self.searched, heading)
        by_words = likeness if self.subject or may_be_same(self.text, heading) else likeness * _OTHER_KIND
        return by_words if passage.nearness is None else min(1.0, max(0.0, passage.nearness.score))

    def goes_on_with(self, text: str, terms: AbstractSet[str], around: AbstractSet[str]) -> bool:
        """Whether a text goes on from what was said before: it is about that, and has what is asked now.

        What is asked now is a word or number of the question or, where it has none, a reason, a number, or a word such
        as "after". A text that has all of a question with several words need not be about what was said before.

        Args:
            terms: stems and numbers of the question that the text has.
            around: stems of what stands before and after the text, where it goes on from that itself.
        """
        if not self.subject:
            return True
        on_subject = self.subject & (terms | around)
        own = self.own.stems | self.own.numbers
        names_something = bool(self.own.stems - LIGHT_STEMS or self.own.numbers)
        if names_something and len(own) >= _MIN_OWN_TERMS and own <= terms:
            return True
        if not on_subject:
            return False
        if subject := own - LIGHT_STEMS:
            return not subject.isdisjoint(terms)
        return not own.isdisjoint(terms) or ((not own or len(on_subject) > 1) and self._has_what_is_asked(text))

    def _has_what_is_asked(self, text: str) -> bool:
        """The same for a question without a word of its own: "why?", "how often?", "and after?"."""
        if self.wants_reason:
            return REASON.search(text) is not None
        if self.wants_number:
            return bool(analyse(text).numbers) or _FREQUENCY.search(text) is not None
        return not self.turns or bool(self.shared_turns(text))

    @property
    def turns(self) -> set[str]:
        """Its words such as "after" and "again"."""
        return {word.lower() for word in _TURNING.findall(self.text)}

    def shared_turns(self, text: str) -> set[str]:
        """Those of them that a text has."""
        return self.turns & {word.lower() for word in _TURNING.findall(text)}


def read_question(question: str, before: SaidBefore, evidence: Sequence[Evidence]) -> AskedQuestion:
    """Read a question.

    Args:
        before: what it goes on from.
        evidence: in which it shows which of its words are rare.
    """
    own = analyse(_QUANTITY_QUESTION.sub(" ", question))
    features = analyse(_QUANTITY_QUESTION.sub(" ", before.with_question(question)))
    return AskedQuestion(
        question,
        before.with_question(question),
        features,
        own,
        _subject_of(before.questions) - own.stems,
        _term_weights(features, evidence, own),
        wants_number=asks_for_number(question),
        wants_duration=_DURATION_QUESTION.search(question) is not None,
        wants_reason=_REASON_QUESTION.search(question) is not None,
        is_to_author=_QUESTION_TO_AUTHOR.search(question) is not None,
    )


def _subject_of(questions: str) -> frozenset[str]:
    """What questions were about; all their words where each of them only asks how much or when."""
    stems = analyse(questions).stems
    return stems - LIGHT_STEMS or stems


def _term_weights(question: TextFeatures, evidence: Sequence[Evidence], own: TextFeatures) -> dict[str, float]:
    """How much each stem or number of the question counts: the fewer sentences have it, the more.

    One that no sentence has counts like one of a single sentence: it may be said there in another word. What was asked
    before counts for less than what is asked now.
    """
    sentences = [analyse(sentence) for candidate in evidence for sentence in candidate.sentences]
    counts = Counter(term for sentence in sentences for term in sentence.stems | sentence.numbers)
    rarity = {
        term: math.log(2 + len(sentences) / (1 + max(1, counts[term]))) for term in question.stems | question.numbers
    }
    now = own.stems | own.numbers

    def weight(term: str) -> float:
        of_number = _NUMBER_WEIGHT if term in question.numbers else 1.0
        if term not in now:
            return rarity[term] * of_number * _BEFORE_WEIGHT
        is_light = term in LIGHT_STEMS and len(now) == len(rarity)
        return rarity[term] * of_number * (_LIGHT_WEIGHT if is_light else 1.0)

    return {term: weight(term) for term in rarity}
