"""Citations set into an answer while it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from bot.recall.library.cite.evidence import borne_out_by, evidence_of
from bot.recall.library.cite.sentences import is_over
from bot.recall.library.passage import Passage

_MARK: Final = re.compile(r"\[\s*[\^№#]?\s?\d{1,3}(?:\s*[,;–—-]\s*[\^№#]?\s?\d{1,3})*\s*\]")
_MARK_AND_BLANK: Final = re.compile(rf"[ \t]*{_MARK.pattern}")
_BEGUN: Final = re.compile(r"\[[\d\s,;–—^№#-]{0,40}")
_NO_BLANK_BEFORE: Final = ".,;:!?…)»”"


class Citer:
    """Takes an answer piece by piece and gives it back with its marks: `[1]` behind each sentence that a passage of the
    prompt bears out, and no other. Passages are numbered as they are first cited.

    Marks that the model wrote are taken out; one that the passage bears out is set again. What stands in code is left
    as it is. However the answer is cut into pieces, the same comes of it.
    """

    def __init__(self, passages: Iterable[Passage], cited: Iterable[Passage] = ()) -> None:
        """Set up.

        Args:
            passages: of the prompt, in its order.
            cited: those that the answer has cited before these pieces, in order.
        """
        self._evidence = evidence_of(passages)
        self._cited = list(cited)
        self._sentence = ""
        self._blank = ""
        self._bracket = ""
        self._asked: list[int] = []
        self._after_mark = False
        self._ticks = 0
        self._code = 0
        """Backticks that the code we are in was opened with."""

    @property
    def cited(self) -> Sequence[Passage]:
        """The passages cited so far: the first is number 1."""
        return tuple(self._cited)

    def feed(self, text: str) -> str:
        """What can be shown after the next piece."""
        return "".join(map(self._take, text))

    def end(self) -> str:
        """The rest: what was held back, and the last sentence's mark."""
        held, self._bracket = self._bracket, ""
        return "".join(map(self._pass, held)) + self._settle()

    def mark(self, passage: Passage) -> str:
        """The mark of a passage, which is cited from now on."""
        if passage not in self._cited:
            self._cited.append(passage)
        return f"[{self._cited.index(passage) + 1}]"

    def _take(self, character: str) -> str:
        if self._bracket:
            return self._hold(character)
        self._count_ticks(character)
        if self._code:
            return self._pass(character)
        if character == "[":
            self._bracket = character
            return ""
        return self._pass(character)

    def _hold(self, character: str) -> str:
        """A bracket is open that may become a mark."""
        held = self._bracket + character
        if character == "]" and _MARK.fullmatch(held):
            self._asked += map(int, re.findall(r"\d+", held))
            self._bracket, self._after_mark = "", True
            return ""
        if _BEGUN.fullmatch(held):
            self._bracket = held
            return ""
        self._bracket = ""
        # What is not a mark may hold the beginning of one.
        return self._pass(held[0]) + "".join(map(self._take, held[1:]))

    def _pass(self, character: str) -> str:
        if character.isspace() and not self._code:
            if self._after_mark:
                self._after_mark, self._blank = False, ""
            self._blank += character
            return ""
        shown = ""
        if self._blank:
            if is_over(self._sentence) or "\n" in self._blank:
                shown = self._settle()
            if not (self._after_mark and character in _NO_BLANK_BEFORE):
                shown += self._blank
                self._sentence += self._blank if self._sentence else ""
            self._blank = ""
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
            self._code = 0 if self._code == self._ticks else (self._code or self._ticks)
            self._ticks = 0

    def _settle(self) -> str:
        """The sentence is over: its mark, if it has earned one."""
        sentence, asked = self._sentence, self._asked
        self._sentence, self._asked = "", []
        if not sentence or self._code:
            return ""
        marks = "".join(self.mark(one.passage) for one in borne_out_by(sentence, self._evidence, asked))
        return f" {marks}" if marks else ""


def without_marks(text: str) -> str:
    """A text without the marks that a model wrote into it."""
    return _MARK_AND_BLANK.sub("", text)
