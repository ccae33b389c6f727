"""What people and documents say, made fit for a prompt: it is data there, and cannot pass for anything else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bot.mind.collections import Trust

MAX_MEMORY: Final = 800
"""Characters of one memory in a prompt."""
MAX_PASSAGE: Final = 4000
"""Characters of one passage in a prompt."""
TRUST: Final = {Trust.AUTHOR: "author's text", Trust.TABLES: "author's figures", Trust.USER: "what a user said"}
"""How a prompt says whose word a passage is."""

_MARKER: Final = re.compile(r"<(?=[|/!a-z])", re.IGNORECASE)
_JOINER: Final = "\u200d"
_CITATION: Final = re.compile(r"\[(\s*\d[\d\s,;]*)\]")
_QUOTES: Final = dict.fromkeys(map(ord, "“”„‟"), "'")


@dataclass(frozen=True, slots=True)
class QuotedPassage:
    """A passage of the library as a template sees it: every part of it on one line, with nothing in it that could end
    the quotation, number another passage or open a message of the chat.
    """

    n: int
    """As it is cited."""
    trust: str
    """Whose word it is, in English."""
    title: str
    where: str
    text: str

    @classmethod
    def of(cls, n: int, trust: Trust, title: str, where: str, text: str) -> QuotedPassage:
        """Take a passage's own words."""
        return cls(n, TRUST[trust], as_quotation(title), as_quotation(where), as_quotation(text))

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.title, self.where) if part)
        return f"[{self.n}] ({self.trust}) {place}: “{self.text}”"


def as_data(text: str, most: int = MAX_MEMORY) -> str:
    """Foreign words made fit for a line of a prompt: one line, no markers of a chat template, not too long."""
    line = " ".join("".join(c if c.isprintable() or c == _JOINER else " " for c in text).split())
    line = _MARKER.sub("< ", line)
    return line if len(line) <= most else line[: most - 1] + "…"


def as_quotation(text: str, most: int = MAX_PASSAGE) -> str:
    """Foreign words between quotation marks: nothing in them ends the quotation, or looks like a citation."""
    return _CITATION.sub(r"(\1)", as_data(text, most)).translate(_QUOTES)
