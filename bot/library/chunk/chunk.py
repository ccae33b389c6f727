"""One chunk of a document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from blake3 import blake3

from db.infra.text import Language

CountTokens = Callable[[str], int]
"""How many tokens a text has for the model."""


def embedding_text(lead: str, content: str) -> str:
    """The text a chunk's vector is computed from."""
    return f"{lead}\n{content}" if lead else content


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A unit of text that is embedded, found and cited."""

    n: int
    """Its number in the document, from 0."""
    lead: str
    """What stands above it: title, headings, the table's caption. It is searched but never quoted."""
    content: str
    repeats: int
    """How many characters at the beginning of `content` repeat the end of the chunk before."""
    place: str
    """Its place in the document as shown in a citation."""
    language: Language
    """By which its words are stemmed."""
    dated: date | None
    """The day of a diary entry, or of a chat's messages."""

    @property
    def content_hash(self) -> str:
        """Of everything its vector and its search index depend on."""
        return blake3(f"{self.language}\n{self.lead}\n\n{self.content}".encode()).hexdigest(16)
