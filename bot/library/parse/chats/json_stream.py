"""Walks through a JSON file that may be large, with one value of it in memory at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, TextIO

from bot.library.parse.errors import DamagedExport

_READ_SIZE: Final = 1 << 16
_SPACE: Final = re.compile(r"[ \t\r\n\ufeff]*")
_SCALAR: Final = re.compile(r"[^\s,:{}\[\]\"]+")
_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_WHOLE_STRING: Final = re.compile(_STRING, re.DOTALL)
# The last alternative is a string that goes on beyond what has been read.
_BRACKET_OR_STRING: Final = re.compile(rf'{_STRING}|[{{}}\[\]]|"', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|.)", re.DOTALL)


class BadValue(ValueError):
    """A value ends where it should but cannot be decoded; what follows it can be read."""


class JsonStream:
    """A cursor in a JSON text. Each of its methods begins at the value under the cursor and moves behind it.

    Every method raises `DamagedExport` where the text is no JSON or breaks off.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._buffer = ""
        self._at = 0
        self._dropped = 0
        """Characters that were in the buffer before."""

    def peek(self) -> str:
        """The first character of the value under the cursor; empty at the end of the text."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            assert match is not None
            self._at = match.end()
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._read_more():
                return ""

    def members(self) -> Iterator[str]:
        """The keys of the object under the cursor; after each, the caller moves the cursor behind its value."""
        self._expect("{")
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            if self.peek() != '"':
                raise self._broken()
            try:
                key = self.value()
            except BadValue:
                key = ""
            self._expect(":")
            yield key
            if self._comma_or("}"):
                return

    def items(self) -> Iterator[None]:
        """Stops at each item of the array under the cursor; the caller moves the cursor behind it."""
        self._expect("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield
            if self._comma_or("]"):
                return

    def value(self) -> Any:
        """The value under the cursor.

        Raises:
            BadValue: it is not valid in itself; the cursor is behind it.
        """
        end = self._value_end()
        text = self._buffer[self._at : end]
        self._at = end
        try:
            return _decode(text)
        except (ValueError, RecursionError) as error:
            raise BadValue from error

    def skip(self) -> None:
        """Move behind the value under the cursor. Nothing of a long one is kept in memory."""
        if self.peek() in ("{", "["):
            self._skip_nested()
        else:
            self._at = self._value_end()

    def _value_end(self) -> int:
        """Where the value under the cursor ends in the buffer, which then holds all of it."""
        first = self.peek()
        if first in ("{", "["):
            return self._nested_end()
        if first == '"':
            while True:
                if match := _WHOLE_STRING.match(self._buffer, self._at):
                    return match.end()
                self._need_more()
        while True:
            match = _SCALAR.match(self._buffer, self._at)
            if match is None:
                raise self._broken()
            if match.end() < len(self._buffer) or not self._read_more():
                return match.end()

    def _nested_end(self) -> int:
        depth, scan = 0, self._at
        while True:
            depth, at, ended = self._scan(depth, scan)
            if ended:
                return at
            scan = at - self._at
            self._need_more()

    def _skip_nested(self) -> None:
        depth = 0
        while True:
            depth, self._at, ended = self._scan(depth, self._at)
            if ended:
                return
            self._need_more()

    def _scan(self, depth: int, start: int) -> tuple[int, int, bool]:
        """Count brackets from `start` in the buffer.

        Returns:
            The depth reached, where the scan stopped, and whether it stopped because the depth is back at 0.
        """
        for match in _BRACKET_OR_STRING.finditer(self._buffer, start):
            token = match[0]
            if token in ("{", "["):
                depth += 1
            elif token in ("}", "]"):
                depth -= 1
                if not depth:
                    return depth, match.end(), True
            elif len(token) == 1:
                return depth, match.start(), False
        return depth, len(self._buffer), False

    def _expect(self, character: str) -> None:
        if self.peek() != character:
            raise self._broken()
        self._at += 1

    def _comma_or(self, end: str) -> bool:
        """Move behind the comma or the bracket under the cursor; whether it was the bracket."""
        found = self.peek()
        if found not in (",", end) or not found:
            raise self._broken()
        self._at += 1
        return found == end

    def _need_more(self) -> None:
        if not self._read_more():
            raise DamagedExport(self._dropped + len(self._buffer) + 1)

    def _read_more(self) -> bool:
        """Read on, dropping what is before the cursor; returns whether there was anything.

        As much again as is held already: so a long value is not looked through too often.
        """
        more = self._stream.read(max(_READ_SIZE, len(self._buffer) - self._at))
        self._buffer = self._buffer[self._at :] + more
        self._dropped += self._at
        self._at = 0
        return bool(more)

    def _broken(self) -> DamagedExport:
        return DamagedExport(self._dropped + self._at + 1)


def _decode(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except ValueError:
        # Telegram Desktop writes control characters as \x1F, which JSON does not know.
        return json.loads(_ESCAPE.sub(lambda match: f"\\u00{match[1]}" if match[1] else match[0], text), strict=False)
