"""Ends an answer before any of certain texts, whichever pieces they come in."""

from __future__ import annotations

from collections.abc import Sequence


class StopTextFilter:
    """Lets an answer through piece by piece, up to the first of the texts that end it."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Set up; with no texts everything goes through as it comes."""
        self.stopped = False
        self._texts = [text for text in texts if text]
        self._buffer = ""
        """The end of what came, which may be the beginning of such a text."""

    def feed(self, piece: str) -> str:
        """What may be shown now; once `found`, nothing more may."""
        if self.stopped:
            return ""
        text = self._buffer + piece
        ends = [at for stop in self._texts if (at := text.find(stop)) >= 0]
        if ends:
            self.stopped = True
            self._buffer = ""
            return text[: min(ends)]
        kept = max((_overlap_length(text, stop) for stop in self._texts), default=0)
        shown, self._buffer = text[: len(text) - kept], text[len(text) - kept :]
        return shown

    def flush(self) -> str:
        """What was held back, when nothing will follow."""
        held, self._buffer = self._buffer, ""
        return held


def _overlap_length(text: str, stop: str) -> int:
    """How much of the text's end is a beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if stop.startswith(text[len(text) - n :])), 0)
