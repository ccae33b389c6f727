"""Adds citation marks to an answer while it is being written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from bot.library.cite.evidence import collect_evidence, supporting_evidence
from bot.library.cite.marks import MARK, OPENING_BRACKETS, PARTIAL_MARK, is_list
from bot.library.passage import Passage
from bot.text.sentences import ends_sentence

_CLOSING_BRACKETS: Final = "]］】"
_NO_SPACE_BEFORE: Final = ".,;:!?…)»”"


class Citer:
    """Takes an answer piece by piece and returns it with marks: `[1]` after each sentence that a passage supports.

    Unsupported sentences carry no citation. Passages are numbered in the order they are first cited. Marks that the
    model wrote are removed; where the passage supports the sentence, a mark is added again. Code is left unchanged.
    The result does not depend on how the answer is cut into pieces.
    """

    def __init__(self, passages: Iterable[Passage], cited: Iterable[Passage] = ()) -> None:
        """Set up.

        Args:
            passages: of the prompt, in its order.
            cited: passages that the answer has already cited, in the order of their numbers.
        """
        self._evidence = collect_evidence(passages)
        self._cited = list(cited)
        self._sentence = ""
        self._pending_space = ""
        self._pending_bracket = ""
        self._requested: list[int] = []
        self._after_mark = False
        self._ticks = 0
        self._code_fence = 0
        """How many backticks opened the current code; 0 outside of code."""

    @property
    def cited(self) -> Sequence[Passage]:
        """The passages cited so far: the first is number 1."""
        return tuple(self._cited)

    def feed(self, text: str) -> str:
        """The text that can be shown after the next piece of the answer."""
        return "".join(map(self._consume, text))

    def finish(self) -> str:
        """The rest of the text: what was held back, and the mark of the last sentence."""
        pending, self._pending_bracket = self._pending_bracket, ""
        return "".join(map(self._emit, pending)) + self._finish_sentence()

    def mark(self, passage: Passage) -> str:
        """The mark of a passage, which counts as cited from now on."""
        if passage not in self._cited:
            self._cited.append(passage)
        return f"[{self._cited.index(passage) + 1}]"

    def _consume(self, character: str) -> str:
        if self._pending_bracket:
            return self._consume_bracket(character)
        self._count_ticks(character)
        if self._code_fence:
            return self._emit(character)
        if character in OPENING_BRACKETS:
            self._pending_bracket = character
            return ""
        return self._emit(character)

    def _consume_bracket(self, character: str) -> str:
        """Add a character to an open bracket that may become a mark."""
        pending = self._pending_bracket + character
        if character in _CLOSING_BRACKETS and MARK.fullmatch(pending) and not is_list(pending, self._sentence):
            self._requested += map(int, re.findall(r"\d+", pending))
            self._pending_bracket, self._after_mark = "", True
            return ""
        if PARTIAL_MARK.fullmatch(pending):
            self._pending_bracket = pending
            return ""
        self._pending_bracket = ""
        # Text that is not a mark may contain the beginning of one.
        return self._emit(pending[0]) + "".join(map(self._consume, pending[1:]))

    def _emit(self, character: str) -> str:
        if character.isspace() and not self._code_fence:
            if self._after_mark:
                self._after_mark, self._pending_space = False, ""
            self._pending_space += character
            return ""
        shown = ""
        if self._pending_space:
            if ends_sentence(self._sentence) or "\n" in self._pending_space:
                shown = self._finish_sentence()
            if not (self._after_mark and character in _NO_SPACE_BEFORE):
                shown += self._pending_space
                self._sentence += self._pending_space if self._sentence else ""
            self._pending_space = ""
        elif self._after_mark and character.isalnum():
            shown = " "
        self._after_mark = False
        self._sentence += character
        return shown + character

    def _count_ticks(self, character: str) -> None:
        if character == "`":
            self._ticks += 1
            return
        if self._ticks:
            self._code_fence = 0 if self._code_fence == self._ticks else (self._code_fence or self._ticks)
            self._ticks = 0

    def _finish_sentence(self) -> str:
        """Begin a new sentence; returns the marks of the one that has ended."""
        sentence, requested = self._sentence, self._requested
        self._sentence, self._requested = "", []
        if not sentence or self._code_fence:
            return ""
        supporting = supporting_evidence(sentence, self._evidence, requested)
        marks = "".join(self.mark(evidence.passage) for evidence in supporting)
        return f" {marks}" if marks else ""
