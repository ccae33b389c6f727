"""Makes the words of people and documents safe in a prompt, where they are data.

They cannot end their quotation, pass for another passage or open a message of the chat template.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bot.minds.schema import Trust

MAX_MEMORY_CHARACTERS: Final = 800
"""Maximum length of one memory in a prompt, in characters."""
MAX_PASSAGE_CHARACTERS: Final = 4000
"""Maximum length of one passage in a prompt, in characters."""
TRUST_LABELS: Final = {Trust.AUTHOR: "author's text", Trust.TABLES: "author's figures", Trust.USER: "what a user said"}
"""How a prompt names the origin of a passage."""

_CHAT_TEMPLATE_MARKER: Final = re.compile(r"<(?=[|/!a-z])", re.IGNORECASE)
_ZERO_WIDTH_JOINER: Final = "\u200d"
_CITATION_MARK: Final = re.compile(r"[\[［【](\s*[\^№#]?\s?\d[\d\s,;^№#–—-]*)[\]］】]")
_QUOTES: Final = dict.fromkeys(map(ord, "“”„‟"), "'")


@dataclass(frozen=True, slots=True)
class QuotedPassage:
    """A passage of the library as a template sees it. Each part is sanitised and on one line."""

    n: int
    """The number it is cited by."""
    trust: str
    """Where it comes from, in English (`TRUST_LABELS`)."""
    title: str
    where: str
    text: str

    @classmethod
    def from_untrusted(cls, n: int, trust: Trust, title: str, where: str, text: str) -> QuotedPassage:
        """Sanitise a passage's title, place and text."""
        return cls(
            n, TRUST_LABELS[trust], sanitise_quotation(title), sanitise_quotation(where), sanitise_quotation(text)
        )

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.title, self.where) if part)
        return f"[{self.n}] ({self.trust}) {place}: “{self.text}”"


def sanitise_line(text: str, max_length: int = MAX_MEMORY_CHARACTERS) -> str:
    """Untrusted text as one line of a prompt, without markers of a chat template, at most `max_length` characters."""
    line = " ".join("".join(c if c.isprintable() or c == _ZERO_WIDTH_JOINER else " " for c in text).split())
    line = _CHAT_TEMPLATE_MARKER.sub("< ", line)
    return line if len(line) <= max_length else line[: max_length - 1] + "…"


def sanitise_quotation(text: str, max_length: int = MAX_PASSAGE_CHARACTERS) -> str:
    """Untrusted text to stand between quotation marks: nothing in it ends the quotation or looks like a citation."""
    return _CITATION_MARK.sub(r"(\1)", sanitise_line(text, max_length)).translate(_QUOTES)
