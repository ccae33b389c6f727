"""Reads a document that is to be held whole: its chunks, and nothing of it left in the parser's hands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bot.recall.library.chunk import Chunk, Cutting
from bot.recall.library.document import Document, read_document
from bot.recall.library.manner import Counter
from bot.recall.library.parse.parser import Parsed, Parser
from bot.recall.library.parse.refusals import TooSlow
from bot.recall.library.sources import Source, digest_of


@dataclass(frozen=True, slots=True)
class Manner:
    """How a document is read."""

    languages: Sequence[str]
    """Those it may be in."""
    cutting: Cutting
    hash: str = ""
    """Of all that decides how it is cut, where that is kept."""
    spoken: bool = False
    """Whether it is a dialogue."""
    most: int | None = None
    """Chunks after which no more are cut."""


class Reading:
    """Reads one document after another, whoever asks."""

    def __init__(self, parser: Parser, counter: Counter, seconds: float) -> None:
        """Set up.

        Args:
            seconds: how long a document may be parsed and cut.
        """
        self._parser = parser
        self._counter = counter
        self._seconds = seconds
        self._turn = asyncio.Lock()

    async def read(self, path: Path, source: Source, manner: Manner) -> tuple[Document, list[Chunk]]:
        """A document and its chunks.

        Args:
            path: where it lies, under any name that ends as its own.
            source: what it is known by.

        Raises:
            DocumentRefused: why it cannot be read.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(self._seconds):
                    digest = await asyncio.to_thread(digest_of, path, self._parser.limits)
                    parsed = await self._parser.parse(path, spoken=manner.spoken)
                    return await asyncio.to_thread(self._cut, parsed, source, manner, digest)
            except TimeoutError:
                raise TooSlow(round(self._seconds)) from None

    def _cut(self, parsed: Parsed, source: Source, manner: Manner, digest: str) -> tuple[Document, list[Chunk]]:
        document = read_document(parsed, source, manner.languages, digest, manner.hash)
        return document, list(islice(document.cut(manner.cutting, self._counter.count), manner.most))
