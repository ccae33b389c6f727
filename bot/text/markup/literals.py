"""Tells text from formatting marks: formulas, identifiers, addresses, and stars and underscores that are meant as such.

Each decision depends on the marks and the characters next to them, not on what follows later: the beginning of a text
looks the same while more of it arrives.
"""

from __future__ import annotations

import re
from typing import Final

MATH: Final = re.compile(
    r"\\\((?:[^\\]|\\(?!\))){0,2000}?\\\)"
    r"|\\\[(?:[^\\]|\\(?!\])){0,2000}?\\\]"
    r"|\$\$(?=\S)(?:[^$\\]|\\.){1,2000}?\$\$"
    r"|\$(?=[^\s$])(?:[^$\\\n]|\\[^\n]){0,500}?(?<=[^\s\\$])\$(?![\w$])",
    re.DOTALL,
)
r"""A formula: `\(…\)`, `\[…\]`, `$$…$$` and `$…$`. Amounts of money such as “$5 or $10” are none."""
_MATH_ENDS: Final = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
IDENTIFIER: Final = re.compile(r"(?<![^\W_])__(?!_)[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*__(?!\w)")
"""A name as programs have it: `__init__`."""
URL: Final = re.compile(r"(?:https?|ftp|tg)://[^\s<>\[\]\"`|]+", re.IGNORECASE)
ESCAPED_MARKS: Final = frozenset("*_`~|#>")
"""A backslash before one of these is a mark itself, which keeps the other from being one; elsewhere it is text."""
_FIRST_WIDE_SCRIPT: Final = 0x2E80
"""Code points from here on belong to scripts that are written without spaces."""
_AFTER_URL: Final = "*_~.,:;!?'"
_BEFORE_NO_OPENING: Final = ")]}$%/\\"
_AFTER_NO_CLOSING: Final = "([{/\\"


def find_math(text: str, start: int, end: int) -> int | None:
    """The end of the formula that begins at `start` and ends before `end`; None if none does."""
    closing = _MATH_ENDS.get(text[start : start + 2], "$" if text[start] == "$" else None)
    if closing is None or text.find(closing, start + 1, end) < 0:
        return None
    match = MATH.match(text, start, end)
    return match.end() if match else None


def find_url(text: str, start: int) -> int | None:
    """The end of the address that begins at `start`, without punctuation and marks behind it; None if none does."""
    match = URL.match(text, start)
    if match is None:
        return None
    end = match.end()
    while end > start and (text[end - 1] in _AFTER_URL or _closes_bracket_before(text, start, end)):
        end -= 1
    return end


def _closes_bracket_before(text: str, start: int, end: int) -> bool:
    """Whether the last character closes a bracket that was opened before the address."""
    return text[end - 1] == ")" and text.count("(", start, end) < text.count(")", start, end)


def is_word_character(character: str) -> bool:
    """Whether it is a letter or digit of a script that separates words by spaces."""
    return character.isalnum() and ord(character) < _FIRST_WIDE_SCRIPT


def may_open(mark: str, length: int, before: str, after: str) -> bool:
    """Whether a run of stars or underscores can begin a formatted text, as far as its neighbours tell.

    Args:
        length: of the run.
        before, after: the characters next to it; a space at the ends of the text.
    """
    if is_word_character(before) and is_word_character(after):
        return False
    return not (mark == "*" and length == 1 and before in _BEFORE_NO_OPENING) and after != "/"


def may_close(mark: str, length: int, before: str, after: str) -> bool:
    """Whether a run of stars or underscores can end a formatted text; as `may_open`."""
    if is_word_character(before) and is_word_character(after):
        return False
    return not (mark == "*" and length == 1 and after in _AFTER_NO_CLOSING) and before != "/"
