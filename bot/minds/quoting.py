"""What people and documents say, made fit for a prompt: it is data there, and cannot pass for anything else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bot.minds.schema import Trust

MAX_MEMORY_CHARACTERS: Final = 800
"""Characters of one memory in a prompt."""
MAX_PASSAGE_CHARACTERS: Final = 4000
"""Characters of one passage in a prompt."""
TRUST_LABELS: Final = {Trust.AUTHOR: "author's text", Trust.TABLES: "author's figures", Trust.USER: "what a user said"}
"""How a prompt says whose word a passage is."""

_CHAT_TEMPLATE_MARKER: Final = re.compile(r"<(?=[|/!a-z])", re.IGNORECASE)
_ZERO_WIDTH_JOINER: Final = "\u200d"
_CITATION_MARK: Final = re.compile(r"\[(\s*\d[\d\s,;]*)\]")
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
    def from_untrusted(cls, n: int, trust: Trust, title: str, where: str, text: str) -> QuotedPassage:
        """Take a passage's own words."""
        return cls(
            n, TRUST_LABELS[trust], sanitise_quotation(title), sanitise_quotation(where), sanitise_quotation(text)
        )

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.title, self.where) if part)
        return f"[{self.n}] ({self.trust}) {place}: “{self.text}”"


def sanitise_line(text: str, max_length: int = MAX_MEMORY_CHARACTERS) -> str:
    """Foreign words made fit for a line of a prompt: one line, no markers of a chat template, not too long."""
    line = " ".join("".join(c if c.isprintable() or c == _ZERO_WIDTH_JOINER else " " for c in text).split())
    line = _CHAT_TEMPLATE_MARKER.sub("< ", line)
    return line if len(line) <= max_length else line[: max_length - 1] + "…"


def sanitise_quotation(text: str, max_length: int = MAX_PASSAGE_CHARACTERS) -> str:
    """Foreign words between quotation marks: nothing in them ends the quotation, or looks like a citation."""
    return _CITATION_MARK.sub(r"(\1)", sanitise_line(text, max_length)).translate(_QUOTES)
