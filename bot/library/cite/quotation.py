"""The author's own words on a question: the sentences of the passages that cover it best."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Final

from bot.library.cite.evidence import Evidence
from bot.library.cite.marks import strip_footnotes
from bot.library.passage import Passage, innermost_heading
from bot.minds.schema import CollectionKind
from bot.text.analysis import TextFeatures, analyse
from bot.text.calendar import ENGLISH_TIME_UNITS, RUSSIAN_TIME_UNITS
from bot.text.follow_ups import LIGHT_STEMS, follows_up
from bot.text.numerals import HOW_QUANTITIES, asks_for_number
from bot.text.pronouns import FIRST_PERSON
from bot.text.questions import may_be_same, word_likeness, words_of
from bot.text.words import stem

MAX_LENGTH: Final = 320
"""Characters of a quotation at most."""
MIN_COVERAGE: Final = 0.4
"""Share of a question's content words that a quotation must have, each weighted by its rarity."""
_MIN_WINDOW_COVERAGE: Final = 0.15
"""The same for sentences of a passage that has `MIN_COVERAGE` as a whole."""
_FIRST_FOUND: Final = 3
"""Passages whose words are quoted for one shared word, where a quotation is the whole answer."""
MAX_SENTENCES: Final = 3
"""Sentences of a quotation at most."""
_MAX_ROW_FIELDS: Final = 6
"""Fields of a table row that are quoted at most."""
_SENTENCE_PENALTY: Final = 0.04
"""Subtracted for each sentence after the first."""
_SEARCH_SCORE_WEIGHT: Final = 0.55
"""Added for the best passage of the search; for the others in proportion to their search score."""
_NUMBER_WEIGHT: Final = 2.0
"""How many words a number of the question counts as."""
_NUMBER_BONUS: Final = 0.15
"""Added where the question asks for a number and the text has one."""
_REASON_BONUS: Final = 0.4
"""Added where the question asks why and the text says because of what."""
_REASON_QUESTION: Final = re.compile(r"\b(?:why|почему|отчего|зачем|из-за\s+чего)\b", re.IGNORECASE)
_REASON: Final = re.compile(
    r"\b(?:because|since|therefore|so\s+that|that\s+is\s+why|потому|поэтому|так\s+как|из-за|чтобы|ведь)\b",
    re.IGNORECASE,
)
_OWN_BONUS: Final = 0.2
"""Added where the question is about the author, who speaks of themself in the text."""
_QUESTION_TO_AUTHOR: Final = re.compile(
    r"\b(?:your|yours|yourself|(?:do|did|have|are|were|can|would)\s+you|"
    r"ты|тебя|тебе|тобой|тво[йяеёюи]\w*|вас|вам|вами|ваш\w*)\b",
    re.IGNORECASE,
)
_ENTRY_PENALTY: Final = 0.1
"""Subtracted for a table row and for a diary entry: a sentence of an article holds more generally."""
_OTHER_QUESTION_PENALTY: Final = 0.35
"""Subtracted for the answer to another question, which stands above it: the less, the more the two are alike."""
_OTHER_KIND: Final = 0.5
"""Likeness of a heading that asks for something else of the same words, or for other numbers, is so much of it."""
_LIKE_HEADING: Final = 0.65
"""Likeness of a question and a heading from which the answer below need not repeat a word."""
_MIDDLE_PENALTY: Final = 0.12
"""Subtracted where a quotation leaves out the beginning of a short answer."""
_STEP: Final = re.compile(r"(?:today|tomorrow|tonight|now|сегодня|завтра|вечером|сейчас)\s*:", re.IGNORECASE)
"""How a sentence begins that says what to do next, and means nothing alone."""
_LIGHT_WEIGHT: Final = 0.5
"""Weight of a word that asks how well or when and says nothing of the subject."""
_HEADING_WEIGHT: Final = 0.5
"""Weight of a word that is only in a heading."""
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
_TURNING_BONUS: Final = 0.1
"""Added for each of them that a text shares with a question that goes on from something."""
_BEFORE_WEIGHT: Final = 0.6
"""Weight of a word of what was asked before, in a question that goes on from it."""
_MIN_OWN_TERMS: Final = 2
"""Words of such a question that answer it without one of what was asked before."""
_SHORT_QUOTATION: Final = 100
"""A quotation of fewer characters is extended by the next sentence."""


@dataclass(frozen=True, slots=True)
class Quotation:
    """Words of a passage, verbatim; where fields of a table row are left out there is an ellipsis."""

    passage: Passage
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class SaidBefore:
    """What a question goes on from (`bot.text.follow_ups`)."""

    questions: str = ""
    """What was asked before it; empty where it stands alone."""
    answers: tuple[str, ...] = ()
    """What was answered to that, which is not quoted once more."""

    def with_question(self, question: str) -> str:
        """A question as one that can be searched for."""
        return f"{self.questions} {question}".strip()


NOTHING_BEFORE: Final = SaidBefore()


@dataclass(frozen=True, slots=True)
class _Question:
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

    def likeness_to(self, heading: str) -> float:
        """How much alike it and the question above an answer are, 0 to 1."""
        likeness = word_likeness(self.searched, heading)
        return likeness if self.subject or may_be_same(self.text, heading) else likeness * _OTHER_KIND

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
            return _REASON.search(text) is not None
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


def best_quotation(
    question: str,
    evidence: Sequence[Evidence],
    *,
    before: SaidBefore = NOTHING_BEFORE,
    is_whole_answer: bool = False,
) -> Quotation | None:
    """What the passages say about a question in their own words; None when none says enough about it.

    A better place in the search, a shorter text and, if a number is asked for, one with a number are preferred.

    Args:
        before: what the question goes on from. Its words count too, and no sentence of its answers is quoted again.
        is_whole_answer: nothing else will be said, so one shared word is enough in the passages that the search found
            first.
    """
    own = analyse(_QUANTITY_QUESTION.sub(" ", question))
    features = analyse(_QUANTITY_QUESTION.sub(" ", before.with_question(question)))
    if not features.stems:
        return None
    evidence = _not_yet_said(evidence, before.answers)
    asked = _Question(
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
    best_score = max((candidate.passage.score for candidate in evidence), default=0.0) or 1.0
    bonuses = [_SEARCH_SCORE_WEIGHT * candidate.passage.score / best_score for candidate in evidence]
    stages: list[tuple[float, Callable[[Evidence], bool]]] = [
        (MIN_COVERAGE, _has_windows),
        (_MIN_WINDOW_COVERAGE, partial(_covers, asked)),
    ]
    if is_whole_answer:
        first = sorted(evidence, key=lambda candidate: -candidate.passage.score)[:_FIRST_FOUND]
        stages.append((_MIN_WINDOW_COVERAGE, lambda candidate: candidate in first))
    for min_coverage, may_quote in stages:
        quotations = [
            quotation
            for candidate, bonus in zip(evidence, bonuses, strict=True)
            if may_quote(candidate)
            for window in _windows(candidate)
            if (quotation := _score_window(asked, candidate, window, search_bonus=bonus, min_coverage=min_coverage))
        ]
        if quotations:
            return max(quotations, key=lambda quotation: quotation.score)
    return None


def _subject_of(questions: str) -> frozenset[str]:
    """What questions were about; all their words where each of them only asks how much or when."""
    stems = analyse(questions).stems
    return stems - LIGHT_STEMS or stems


def _not_yet_said(evidence: Sequence[Evidence], answers: Sequence[str]) -> list[Evidence]:
    """The evidence without the sentences that were said in answers."""
    said = _letters(" ".join(answers))
    if not said:
        return list(evidence)
    return [
        replace(each, sentences=tuple(sentence for sentence in each.sentences if _letters(sentence) not in said))
        for each in evidence
    ]


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _has_windows(evidence: Evidence) -> bool:
    return bool(evidence.sentences)


def _covers(question: _Question, evidence: Evidence) -> bool:
    """Whether a whole passage has enough of the question, though no part of it that is short enough to quote has."""
    if evidence.passage.kind is CollectionKind.TABLE:
        return False
    text, headings = analyse(" ".join(evidence.sentences)), evidence.heading_features
    asked = question.features
    in_text = (asked.stems & text.stems) | (asked.numbers & text.numbers)
    shared = in_text | (asked.stems & headings.stems) | (asked.numbers & headings.numbers)
    coverage = sum(question.weights[term] for term in shared) / sum(question.weights.values())
    return len(in_text) >= 2 and coverage >= MIN_COVERAGE


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


def _windows(evidence: Evidence) -> Iterator[Sequence[str]]:
    """Runs of neighbouring sentences that are short enough to quote."""
    max_size = 1 if evidence.passage.kind is CollectionKind.TABLE else MAX_SENTENCES
    for start, first in enumerate(evidence.sentences):
        if start and _STEP.match(first):
            continue
        for size in range(1, max_size + 1):
            window = evidence.sentences[start : start + size]
            if len(window) < size or (size > 1 and sum(map(len, window)) + size > MAX_LENGTH):
                break
            yield window


def _score_window(
    question: _Question, evidence: Evidence, window: Sequence[str], *, search_bonus: float, min_coverage: float
) -> Quotation | None:
    """The quotation of a window with its score; None when it covers too little of the question.

    Args:
        search_bonus: added to the score for the passage's place in the search.
        min_coverage: share of the question's words that the window must have. With less than `MIN_COVERAGE` one word
            is enough: the whole passage has the others.
    """
    passage, headings = evidence.passage, evidence.heading_features
    asked, weights = question.features, question.weights
    text = " ".join(window)
    features = analyse(text)
    is_row = passage.kind is CollectionKind.TABLE
    numbers = _matching_numbers(asked, features, is_row=is_row)
    if is_row and not asked.numbers <= numbers | headings.numbers:
        # The row of another week or year looks like the requested one, but is not.
        return None
    in_text = (asked.stems & features.stems) | numbers
    shared = in_text | (asked.stems & headings.stems) | (asked.numbers & headings.numbers)
    total = sum(weights.values())
    coverage = sum(weights[term] for term in shared) / total
    asked_for = question.subject | question.own.stems | question.own.numbers if question.subject else weights.keys()
    min_shared = min(2, len(asked_for)) if min_coverage == MIN_COVERAGE else 1
    likeness = question.likeness_to(innermost_heading(passage.where)) if passage.answers_other else 0.0
    is_first = window[0] is evidence.sentences[0]
    answers_heading = (is_first and likeness >= _LIKE_HEADING) or _is_below_its_question(asked, evidence, window)
    if not (in_text or answers_heading) or coverage < min_coverage or len(shared) < min_shared:
        return None
    if question.subject:
        around = analyse(passage.content).stems if follows_up(innermost_heading(passage.where)) else frozenset()
        if not question.goes_on_with(text, shared, around):
            return None
    only_in_headings = sum(weights[term] for term in shared - in_text - asked.numbers) / total
    score = coverage - (1 - _HEADING_WEIGHT) * only_in_headings
    score += search_bonus - _SENTENCE_PENALTY * (len(window) - 1)
    if question.subject:
        score += _TURNING_BONUS * len(question.shared_turns(f"{passage.where} {text}"))
    if question.is_answered_by(features):
        score += _NUMBER_BONUS
    if question.wants_reason and _REASON.search(text):
        score += _REASON_BONUS
    if question.is_to_author and not FIRST_PERSON.isdisjoint(words_of(text)):
        score += _OWN_BONUS
    if is_row:
        return Quotation(passage, strip_footnotes(_select_fields(text, asked)), score - _ENTRY_PENALTY)
    if passage.kind is CollectionKind.DIARY:
        score -= _ENTRY_PENALTY
    if passage.answers_other:
        score -= _OTHER_QUESTION_PENALTY * (1 - likeness)
        if not is_first and sum(map(len, evidence.sentences)) <= MAX_LENGTH:
            score -= _MIDDLE_PENALTY
    return Quotation(passage, _clean_up(_extend_short_quotation(text, evidence.sentences)), score)


def _is_below_its_question(asked: TextFeatures, evidence: Evidence, window: Sequence[str]) -> bool:
    """Whether a window begins the answer to a question that stands above it as a heading and is the one asked.

    Such an answer need not repeat a word of its question.
    """
    if window[0] is not evidence.sentences[0] or evidence.passage.kind is CollectionKind.TABLE:
        return False
    if not evidence.passage.where.rstrip("»”\"' ").endswith("?"):
        return False
    headings = evidence.heading_features
    return asked.stems <= headings.stems and asked.numbers <= headings.numbers


def _matching_numbers(question: TextFeatures, text: TextFeatures, *, is_row: bool) -> set[str]:
    """The question's numbers that a text has; in a row, which has many, only with the same label: week 4."""
    labels = {number: label for number, label in question.labels if label} if is_row else {}
    return {
        number
        for number in question.numbers & text.numbers
        if number not in labels or (number, labels[number]) in text.labels
    }


def _extend_short_quotation(text: str, sentences: Sequence[str]) -> str:
    """A short quotation with the sentence after it."""
    following = next((after for last, after in pairwise(sentences) if text.endswith(last)), "")
    longer = f"{text} {following}"
    return longer if following and len(text) < _SHORT_QUOTATION and len(longer) <= MAX_LENGTH else text


def _select_fields(row: str, question: TextFeatures) -> str:
    """The first field of a table row and those that the question is about."""
    fields = row.split("; ")
    if len(fields) <= _MAX_ROW_FIELDS:
        return row
    features = [analyse(field) for field in fields]
    shared = [len(question.stems & field.stems) + len(question.numbers & field.numbers) for field in features]
    ranked = sorted(range(1, len(fields)), key=lambda at: -shared[at])
    selected = sorted([0, *(at for at in ranked[: _MAX_ROW_FIELDS - 1] if shared[at])])
    text = fields[0]
    for previous, at in pairwise(selected):
        text += ("; " if at == previous + 1 else "; …; ") + fields[at]
    return text


def _clean_up(text: str) -> str:
    """Without Markdown emphasis and traces of footnotes, and no longer than `MAX_LENGTH`."""
    plain = " ".join(strip_footnotes(text.replace("**", "").replace("__", "")).split())
    return plain if len(plain) <= MAX_LENGTH else plain[: plain.rfind(" ", 0, MAX_LENGTH)].rstrip(" ,;:") + " …"
