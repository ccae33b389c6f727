"""Tells a model's thoughts from its answer while both are streamed.

Models that think write their thoughts first, between marks of their own, and then the answer. A mark may arrive in
pieces, so the end of the text is held back while it may be the beginning of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from inference.engines.port import TextDelta, ThoughtDelta

_MARKS: Final = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",
    "[THINK]": "[/THINK]",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|channel>thought\n": "<channel|>",
    "<|channel|>analysis<|message|>": "<|end|>",
    "<|channel|>commentary<|message|>": "<|end|>",
    "to=self<|message|>": "<|eom|>",
}
"""What begins a thought, and what ends it."""
_ANSWER_MARKS: Final = ("<|start|>assistant", "<|channel|>final<|message|>", "to=user<|message|>", "<|START_RESPONSE|>")
"""What some models write between their thoughts and the answer."""
_OPEN: Final = re.compile(f"({'|'.join(map(re.escape, (mark.strip() for mark in _MARKS)))})\\s*\\Z")


@dataclass(frozen=True, slots=True)
class OpenThought:
    """A thought that a prompt has begun, and not ended."""

    end: str
    """What ends it."""


def find_open_thought(prompt: str) -> OpenThought | None:
    """The thought in which a prompt ends; None if the model has yet to begin one, or may answer at once."""
    found = _OPEN.search(prompt)
    if found is None:
        return None
    return next(OpenThought(end) for mark, end in _MARKS.items() if mark.strip() == found[1])


class ReasoningParser:
    """Parts one generated text into thoughts and answer, piece by piece.

    A thought can only come before the answer: marks within the answer are the answer's own text.
    """

    def __init__(self, thought_end: str | None = None, clean: Callable[[str], str] = str) -> None:
        """Set up.

        Args:
            thought_end: what ends the thought that the prompt has begun; None if it has begun none.
            clean: takes out of an answer's text what does not belong in it.
        """
        self._end = thought_end
        self._clean = clean
        self._rest = ""
        self._answering = False
        self._has_thought = thought_end is not None

    def feed(self, piece: str) -> Iterator[TextDelta | ThoughtDelta]:
        """What has become certain with this piece."""
        self._rest += piece
        while self._rest:
            if self._answering:
                yield from self._take_answer(len(self._rest))
            elif self._end is not None:
                at = self._rest.find(self._end)
                if at < 0:
                    yield from self._take_thought(len(self._rest) - held_length(self._rest, [self._end]))
                    return
                yield from self._take_thought(at)
                self._rest = self._rest.removeprefix(self._end)
                self._end = None
            elif not self._take_mark():
                return

    def close_thought(self) -> None:
        """Take what follows for the answer: its thoughts have come by another way."""
        self._end = None

    def finish(self) -> Iterator[TextDelta | ThoughtDelta]:
        """What was held back, when nothing will follow."""
        if self._end is not None:
            yield from self._take_thought(len(self._rest))
        else:
            yield from self._take_answer(len(self._rest))

    def _take_mark(self) -> bool:
        """Go past the mark that the text begins with, or find that it begins the answer; False if more is needed."""
        text = self._rest.lstrip()
        for mark in (*_MARKS, *_ANSWER_MARKS):
            if text.startswith(mark):
                self._rest = text.removeprefix(mark)
                self._end = _MARKS.get(mark)
                self._has_thought = True
                return True
        if not text or any(mark.startswith(text) for mark in (*_MARKS, *_ANSWER_MARKS)):
            return False
        # White space after a thought parts it from the answer; without one it is the answer's own.
        self._rest = text if self._has_thought else self._rest
        self._answering = True
        return True

    def _take_thought(self, length: int) -> Iterator[ThoughtDelta]:
        text, self._rest = self._rest[:length], self._rest[length:]
        if text:
            yield ThoughtDelta(text)

    def _take_answer(self, length: int) -> Iterator[TextDelta]:
        text, self._rest = self._clean(self._rest[:length]), self._rest[length:]
        if text:
            yield TextDelta(text)


def split_thought(text: str, parser: ReasoningParser | None = None) -> tuple[str, str]:
    """A whole text's thought, without white space around it, and its answer."""
    parser = parser or ReasoningParser()
    events = [*parser.feed(text), *parser.finish()]
    thought = "".join(event.text for event in events if isinstance(event, ThoughtDelta))
    return thought.strip(), "".join(event.text for event in events if isinstance(event, TextDelta))


def held_length(text: str, marks: Sequence[str]) -> int:
    """How many characters at the end of `text` may be the beginning of a mark."""
    longest = min(len(text), max(map(len, marks)) - 1)
    return next((n for n in range(longest, 0, -1) if any(mark.startswith(text[-n:]) for mark in marks)), 0)
