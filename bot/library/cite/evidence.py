"""Passages as evidence: whether their sentences support a statement."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from bot.library.cite.alignment import Alignment, Options, align, find_options, is_in_headings, may_be_missing
from bot.library.cite.contradictions import contradicts, says_otherwise
from bot.library.cite.converse import converses
from bot.library.cite.lead_ins import strip_lead_ins
from bot.library.cite.reading import read_statement
from bot.library.cite.rows import Row, parse_row
from bot.library.cite.speakers import find_speaker, reported_speech, turns_by_speaker
from bot.library.cite.statement import Statement, join_statements
from bot.library.passage import Passage
from bot.minds.schema import CollectionKind, Trust
from bot.text.analysis import TextFeatures, analyse
from bot.text.operators import Operator
from bot.text.sentences import split_sentences

MIN_STATEMENT_TERMS: Final = 3
"""Terms and operators that a statement must have: with fewer nothing can be decided."""
MIN_SHARED_TERMS: Final = 2
"""Terms that the sentences must share with it, without the headings."""
MAX_WINDOW_SENTENCES: Final = 3
"""Neighbouring sentences that are read together at most: two, and a third if it refers back."""
_PARTS: Final = re.compile(r";\s+")
"""What stands on either side of a semicolon is a sentence of its own, with its own conditions."""
_SENTENCE_PENALTY: Final = 0.01
"""Subtracted for each sentence after the first: the fewer are needed, the better."""


@dataclass(frozen=True, slots=True)
class _Window:
    """Neighbouring sentences of a passage, read as one statement."""

    statement: Statement
    offset: int
    """Index of its first term in the passage."""
    size: int
    """How many sentences."""


@dataclass(frozen=True)
class Evidence:
    """A passage that may be cited."""

    number: int
    """Its number in the prompt, from 1."""
    passage: Passage
    sentences: tuple[str, ...]
    heading_features: TextFeatures
    """Of its title and headings."""
    heading: Statement = field(default_factory=lambda: read_statement(""))
    """Its title and headings, read as a statement."""

    def support(self, statement: str) -> float:
        """How well the passage supports a statement: 0 if it does not, up to 1 if it has it word for word.

        It does if neighbouring sentences, or a row of a table, have every one of its terms and say the same of them
        (`contradictions`). Other forms of a word, synonyms and words of the headings count as well; numbers, units,
        names and dates must be the same.
        """
        plain = strip_lead_ins(statement)
        return self._support_of(plain) or (self._support_of(statement) if plain != statement.strip() else 0.0)

    def is_denied_by(self, statement: str) -> bool:
        """Whether a statement has its words from the passage and plainly says otherwise.

        Rows of tables deny nothing: a statement with another number has not its words from the row.
        """
        claim = read_statement(strip_lead_ins(statement))
        if claim.is_question or len(claim.terms) < MIN_STATEMENT_TERMS or self._row is not None:
            return False
        options = find_options(claim, self._whole)
        if not all(options) or self.support(statement):
            return False
        alignments = (self._alignment(claim, window, options) for window in self._windows)
        return any(alignment is not None and says_otherwise(alignment) for alignment in alignments)

    def _support_of(self, statement: str) -> float:
        if self._turns and (spoken := self._support_of_speech(statement)):
            return spoken
        claim = read_statement(statement)
        negations = sum(term.is_negated for term in claim.terms)
        if claim.is_question or len(claim.terms) + len(claim.operators) + negations < MIN_STATEMENT_TERMS:
            return 0.0
        if self._row is not None:
            return self._row.support(claim, self.heading)
        support = self._support(claim)
        return support or max((self._support(turned) for turned in converses(claim, self._whole)), default=0.0)

    def _support(self, claim: Statement) -> float:
        options = find_options(claim, self._whole)
        if not all(
            found or may_be_missing(term, claim, self._whole) or is_in_headings(term, self.heading.terms)
            for term, found in zip(claim.terms, options, strict=True)
        ):
            return 0.0
        return max((self._window_support(claim, window, options) for window in self._windows), default=0.0)

    @cached_property
    def _turns(self) -> Mapping[str, Sequence[str]]:
        return turns_by_speaker(self.sentences)

    def _support_of_speech(self, statement: str) -> float:
        """How well a transcript supports that somebody says something: by what they say themselves."""
        said = reported_speech(statement)
        speaker = find_speaker(said[0], self._turns) if said else None
        if said is None or speaker is None:
            return 0.0
        own = replace(self, sentences=tuple(self._turns[speaker]))
        return own.support(said[1])

    @cached_property
    def _row(self) -> Row | None:
        return parse_row(self.passage.quote)

    @cached_property
    def _read(self) -> list[Statement]:
        """Its sentences as statements; what the next one calls a myth is not stated."""
        read = [read_statement(part) for sentence in self.sentences for part in _PARTS.split(sentence)]
        return [*map(_with_verdict, read, read[1:]), *read[-1:]]

    @cached_property
    def _whole(self) -> Statement:
        return join_statements(self._read)

    @cached_property
    def _windows(self) -> list[_Window]:
        windows = []
        for size in range(1, MAX_WINDOW_SENTENCES + 1):
            for start in range(len(self._read) - size + 1):
                sentences = self._read[start : start + size]
                if size == MAX_WINDOW_SENTENCES and not sentences[-1].referring:
                    continue
                joined = join_statements(sentences)
                if not joined.is_question:
                    offset = sum(len(sentence.terms) for sentence in self._read[:start])
                    windows.append(_Window(joined, offset, size))
        return windows

    def _window_support(self, claim: Statement, window: _Window, options: Options) -> float:
        alignment = self._alignment(claim, window, options)
        if alignment is None or contradicts(alignment, self.heading.operators):
            return 0.0
        return max(alignment.quality - _SENTENCE_PENALTY * (window.size - 1), _SENTENCE_PENALTY)

    def _alignment(self, claim: Statement, window: _Window, options: Options) -> Alignment | None:
        """A statement laid beside neighbouring sentences, where they share enough of it themselves."""
        end = window.offset + len(window.statement.terms)
        inside = [
            [(quality, at - window.offset) for quality, at in found if window.offset <= at < end] for found in options
        ]
        alignment = align(claim, window.statement, self.heading.terms, inside)
        if alignment is None or sum(place is not None for place in alignment.places) < MIN_SHARED_TERMS:
            return None
        return alignment


def supporting_evidence(
    statement: str, evidence: Iterable[Evidence], requested: Collection[int] = ()
) -> list[Evidence]:
    """The evidence that supports a statement: all of it that is requested by number, else the best one.

    Of equally good ones the first is taken.
    """
    supporting = [(support, candidate) for candidate in evidence if (support := candidate.support(statement))]
    chosen = [candidate for _, candidate in supporting if candidate.number in requested]
    return chosen or ([max(supporting, key=lambda pair: pair[0])[1]] if supporting else [])


def collect_evidence(passages: Iterable[Passage]) -> list[Evidence]:
    """The passages of a prompt that may be cited, numbered by their position there.

    Style examples and the words of users never may: neither is the author's statement.
    """
    return [
        Evidence(
            number,
            passage,
            tuple(split_sentences(passage.quote)),
            analyse(_heading_text(passage)),
            read_statement(_heading_text(passage).replace("\n", ". ")),
        )
        for number, passage in enumerate(passages, 1)
        if passage.kind is not CollectionKind.VOICE and passage.trust is not Trust.USER
    ]


def _heading_text(passage: Passage) -> str:
    # The place in a lecture is a time, and in a table the number of a row: neither says anything about the content.
    has_headings = passage.kind not in (CollectionKind.LECTURE, CollectionKind.TABLE)
    return f"{passage.title}\n{passage.where}" if has_headings else passage.title


def _with_verdict(statement: Statement, following: Statement) -> Statement:
    """A sentence with what the next one says of it: "It is a myth.", «Это неправда»."""
    verdicts = [found for found in following.operators if found.operator is Operator.FALSE]
    if not verdicts or not following.referring or len(following.terms) > 1:
        return statement
    return replace(statement, operators=(*statement.operators, verdicts[0]))
