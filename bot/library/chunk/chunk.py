"""One chunk of a document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from blake3 import blake3

from db.infra.text import Language

CountTokens = Callable[[str], int]
"""How many tokens a text is to the model."""


def embedding_text(lead: str, content: str) -> str:
    """What a chunk's vector is made of."""
    return f"{lead}\n{content}" if lead else content


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is found, embedded and cited as one."""

    n: int
    """Its number in the document, from 0."""
    lead: str
    """What stands above it: title, headings, the table's caption. Searched with it and not quoted."""
    content: str
    repeats: int
    """Characters at the beginning of `content` that repeat the end of the chunk before."""
    place: str
    """Where in the document it is, as it is cited."""
    language: Language
    """How its words are stemmed."""
    dated: date | None

    @property
    def content_hash(self) -> str:
        """Of all that its vector and its words are made of."""
        return blake3(f"{self.language}\n{self.lead}\n\n{self.content}".encode()).hexdigest(16)
