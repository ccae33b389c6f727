"""The author's own words on a question: the sentences of the passages that cover it best."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Final

from bot.library.cite.asked_question import NOTHING_BEFORE, REASON, AskedQuestion, SaidBefore, read_question
from bot.library.cite.evidence import Evidence
from bot.library.cite.marks import strip_footnotes
from bot.library.near_answers import ACROSS_LANGUAGES, POSSIBLE, RELATED
from bot.library.passage import Passage, innermost_heading
from bot.minds.schema import CollectionKind
from bot.text.analysis import TextFeatures, analyse
from bot.text.follow_ups import follows_up
from bot.text.language import is_same_alphabet
from bot.text.pronouns import FIRST_PERSON
from bot.text.questions import word_likeness, words_of

MAX_LENGTH: Final = 320
"""Characters of a quotation at most."""
MIN_COVERAGE: Final = 0.4
"""Share of a question's content words that a quotation must have, each weighted by its rarity."""
_MOST_WORDS: Final = 0.6
"""The same for a quotation that goes before the answer to a question of nearly the same meaning."""
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
_NUMBER_BONUS: Final = 0.15
"""Added where the question asks for a number and the text has one."""
_REASON_BONUS: Final = 0.4
"""Added where the question asks why and the text says because of what."""
_OWN_BONUS: Final = 0.2
"""Added where the question is about the author, who speaks of themself in the text."""
_ENTRY_PENALTY: Final = 0.1
"""Subtracted for a table row and for a diary entry: a sentence of an article holds more generally."""
_OTHER_QUESTION_PENALTY: Final = 0.8
"""Subtracted for the answer to another question, which stands above it: the less, the more the two are alike."""
_LIKE_HEADING: Final = 0.65
"""Likeness of a question and a heading from which the answer below need not repeat a word."""
_ASKED_BEFORE: Final = 0.85
"""Likeness of a heading and what was asked before from which they are one question."""
_SCORE_SHARE: Final = 0.3
"""Of the words, in the order of answers to questions that mean nearly the same."""
_LIKELY_SCORE: Final = 0.5
"""Of both together, from which such an answer goes before words found elsewhere that have half of the question."""
_POSSIBLE_SCORE: Final = 0.35
"""From which it is quoted where there are none."""
_GOES_ON_SCORE: Final = 0.5
"""Score of the nearness from which such an answer goes on from what was said before."""
_MIDDLE_PENALTY: Final = 0.12
"""Subtracted where a quotation leaves out the beginning of a short answer."""
_STEP: Final = re.compile(r"(?:today|tomorrow|tonight|now|сегодня|завтра|вечером|сейчас)\s*:", re.IGNORECASE)
"""How a sentence begins that says what to do next, and means nothing alone."""
_HEADING_WEIGHT: Final = 0.5
"""Weight of a word that is only in a heading."""
_TURNING_BONUS: Final = 0.1
"""Added for each of them that a text shares with a question that goes on from something."""
_SHORT_QUOTATION: Final = 100
"""A quotation of fewer characters is extended by the next sentence."""


@dataclass(frozen=True, slots=True)
class Quotation:
    """Words of a passage, verbatim; where fields of a table row are left out there is an ellipsis."""

    passage: Passage
    text: str
    score: float


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
    asked = read_question(question, before, evidence)
    if not asked.features.stems:
        return None
    evidence = _not_yet_said(evidence, before)
    related = [each for each in evidence if _is_related(each.passage, asked, before)]
    best_score = max((candidate.passage.score for candidate in evidence), default=0.0) or 1.0
    bonuses = [_SEARCH_SCORE_WEIGHT * candidate.passage.score / best_score for candidate in related]

    def by_words(min_coverage: float, may_quote: Callable[[Evidence], bool]) -> Iterator[Quotation]:
        for candidate, bonus in zip(related, bonuses, strict=True):
            for window in _windows(candidate) if may_quote(candidate) else ():
                found = _score_window(asked, candidate, window, search_bonus=bonus, min_coverage=min_coverage)
                if found is not None:
                    yield found

    def by_meaning(min_score: float) -> Iterator[Quotation]:
        for candidate in evidence:
            if (found := _answer_by_meaning(asked, before, candidate, min_score)) is not None:
                yield found

    stages = [
        by_words(_MOST_WORDS, _has_windows),
        by_meaning(_LIKELY_SCORE),
        by_words(MIN_COVERAGE, _has_windows),
        by_words(_MIN_WINDOW_COVERAGE, partial(_covers, asked)),
        by_meaning(_POSSIBLE_SCORE),
    ]
    if is_whole_answer:
        first = sorted(related, key=lambda candidate: -candidate.passage.score)[:_FIRST_FOUND]
        stages.append(by_words(_MIN_WINDOW_COVERAGE, lambda candidate: candidate in first))
    for quotations in stages:
        if best := max(quotations, key=lambda quotation: quotation.score, default=None):
            return best
    return None


def _is_related(passage: Passage, question: AskedQuestion, before: SaidBefore) -> bool:
    """Whether a passage may be quoted for its words.

    The answer to a question that is about something else, or that was asked before, may not; nor may one in another
    language, unless it is to the same question.
    """
    if passage.nearness is None:
        return True
    if not is_same_alphabet(passage.quote, question.searched) and passage.nearness.similarity < ACROSS_LANGUAGES:
        return False
    if not passage.answers_other:
        return True
    return passage.nearness.score >= RELATED and not _is_asked_again(passage, before)


def _answer_by_meaning(
    question: AskedQuestion, before: SaidBefore, evidence: Evidence, min_score: float
) -> Quotation | None:
    """A short answer whose heading means nearly the same as the question, in whatever words."""
    nearness = evidence.passage.nearness
    text = " ".join(evidence.sentences)
    if nearness is None or nearness.similarity < POSSIBLE or not text:
        return None
    score = (1 - _SCORE_SHARE) * nearness.similarity + _SCORE_SHARE * nearness.score
    if score < min_score:
        return None
    if not is_same_alphabet(text, question.searched):
        return None
    if question.subject and (nearness.score < _GOES_ON_SCORE or _is_asked_again(evidence.passage, before)):
        return None
    asked, features = question.features, analyse(f"{evidence.passage.where} {text}")
    shared = (asked.stems & features.stems) | (asked.numbers & features.numbers)
    if not question.goes_on_with(text, shared, frozenset()):
        return None
    return Quotation(evidence.passage, _clean_up(text), score)


def _is_asked_again(passage: Passage, before: SaidBefore) -> bool:
    """Whether the question above a passage was asked before, so that its answer says nothing new."""
    return word_likeness(before.questions, innermost_heading(passage.where)) >= _ASKED_BEFORE


def _not_yet_said(evidence: Sequence[Evidence], before: SaidBefore) -> list[Evidence]:
    """The evidence without the sentences that were said in answers."""
    if not before.answers:
        return list(evidence)
    return [
        replace(each, sentences=tuple(sentence for sentence in each.sentences if not before.has_said(sentence)))
        for each in evidence
    ]


def _has_windows(evidence: Evidence) -> bool:
    return bool(evidence.sentences)


def _covers(question: AskedQuestion, evidence: Evidence) -> bool:
    """Whether a whole passage has enough of the question, though no part of it that is short enough to quote has."""
    if evidence.passage.kind is CollectionKind.TABLE:
        return False
    text, headings = analyse(" ".join(evidence.sentences)), evidence.heading_features
    asked = question.features
    in_text = (asked.stems & text.stems) | (asked.numbers & text.numbers)
    shared = in_text | (asked.stems & headings.stems) | (asked.numbers & headings.numbers)
    coverage = sum(question.weights[term] for term in shared) / sum(question.weights.values())
    return len(in_text) >= 2 and coverage >= MIN_COVERAGE


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
    question: AskedQuestion, evidence: Evidence, window: Sequence[str], *, search_bonus: float, min_coverage: float
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
    min_shared = min(2, len(asked_for)) if min_coverage >= MIN_COVERAGE else 1
    likeness = question.likeness_to(passage) if passage.answers_other else 0.0
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
    if question.wants_reason and REASON.search(text):
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
