"""Keeps what is typed while an answer streams out of the answer: it becomes the messages that are asked next."""

from __future__ import annotations

import codecs
import os
import re
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

if sys.platform != "win32":
    import termios

_LOCAL_MODES: Final = 3
"""Index of the local modes among a terminal's attributes."""
_CHUNK: Final = 4096
_KEY_SEQUENCE: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?")
"""Arrows and other keys without a character."""
_BACKSPACES: Final = "\x7f\b"
_CLEAR_LINE, _END_OF_INPUT = "\x15", "\x04"


class TypedAhead:
    """Lines and the beginning of a line that were typed before there was a prompt for them.

    Args:
        descriptor: of the terminal; standard input by default.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._keys = ""

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Switch off echo and line editing of the terminal while this is open; Ctrl-C is still a signal.

        A prompt sets what it needs by itself, and comes back to this.
        """
        if sys.platform == "win32" or not os.isatty(self._descriptor):
            yield
            return
        before = termios.tcgetattr(self._descriptor)
        attributes = list(before)
        attributes[_LOCAL_MODES] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(self._descriptor, termios.TCSANOW, attributes)
        try:
            yield
        finally:
            with suppress(termios.error):
                termios.tcsetattr(self._descriptor, termios.TCSANOW, before)

    def next_line(self) -> str | None:
        """The next line that was ended with Enter; None if there is none.

        Raises:
            EOFError: Ctrl-D was pressed in an empty line.
        """
        self._read()
        line = ""
        for at, key in enumerate(self._keys):
            if key in "\r\n":
                self._keys = self._keys[at + 1 :]
                return line
            if key == _END_OF_INPUT and not line:
                raise EOFError
            line = edit_line(line, key)
        return None

    def take_beginning(self) -> str:
        """What was typed after the last Enter, to be gone on with at a prompt."""
        keys, self._keys = self._keys, ""
        line = ""
        for key in keys:
            line = edit_line(line, key)
        return line

    def _read(self) -> None:
        """Read the keys that wait in the terminal."""
        if sys.platform == "win32":
            # There is no such terminal, and nothing of it is shown.
            return
        while select.select([self._descriptor], [], [], 0)[0]:
            chunk = os.read(self._descriptor, _CHUNK)
            if not chunk:
                return
            self._keys += self._decoder.decode(chunk)
        self._keys = _KEY_SEQUENCE.sub("", self._keys)


def edit_line(line: str, key: str) -> str:
    """A line after a key was pressed."""
    if key in _BACKSPACES:
        return line[:-1]
    if key == _CLEAR_LINE:
        return ""
    if key == "\t":
        return f"{line} "
    return line + key if key.isprintable() else line
