"""Wraps text at words while it is still coming."""

from __future__ import annotations

from rich.cells import cell_len


class WordWrap:
    """Takes an answer piece by piece and breaks its lines before the words that would cross the edge.

    A word is held back until it is whole; a word wider than a line is left to the terminal.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._column = 0
        self._spaces = ""
        self._word = ""

    def feed(self, text: str) -> str:
        """What can be shown after the next piece of text."""
        shown = []
        for character in text:
            if not character.isspace():
                self._word += character
                continue
            shown.append(self._flush_word())
            if character == "\n":
                shown.append("\n")
                self._column, self._spaces = 0, ""
            else:
                self._spaces += character
        return "".join(shown)

    def flush(self) -> str:
        """What was held back."""
        return self._flush_word()

    def _flush_word(self) -> str:
        word, self._word = self._word, ""
        if not word:
            return ""
        spaces, self._spaces = self._spaces, ""
        length = cell_len(word)
        if self._column and self._column + len(spaces) + length > self._width:
            self._column = length
            return f"\n{word}"
        self._column += len(spaces) + length
        return spaces + word
