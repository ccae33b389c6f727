"""Reads a document that is to be held whole: its chunks, and nothing of it left in the parser's hands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bot.recall.library.chunk import Chunk, ChunkOptions
from bot.recall.library.document import Document, build_document
from bot.recall.library.manner import NamedTokenCounter
from bot.recall.library.parse.parser import ParsedBlocks, Parser
from bot.recall.library.parse.refusals import TooSlow
from bot.recall.library.sources import Source, file_digest


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a document is read."""

    languages: Sequence[str]
    """Those it may be in."""
    chunk_options: ChunkOptions
    chunking_hash: str = ""
    """Of all that decides how it is cut, where that is kept."""
    is_dialogue: bool = False
    """Whether it is a dialogue."""
    max_chunks: int | None = None
    """Chunks after which no more are cut."""


class DocumentLoader:
    """Reads one document after another, whoever asks."""

    def __init__(self, parser: Parser, counter: NamedTokenCounter, timeout: float) -> None:
        """Set up.

        Args:
            seconds: how long a document may be parsed and cut.
        """
        self._parser = parser
        self._counter = counter
        self._timeout = timeout
        self._lock = asyncio.Lock()

    async def load(self, path: Path, source: Source, options: LoadOptions) -> tuple[Document, list[Chunk]]:
        """A document and its chunks.

        Args:
            path: where it lies, under any name that ends as its own.
            source: what it is known by.

        Raises:
            DocumentRefused: why it cannot be read.
        """
        async with self._lock:
            try:
                async with asyncio.timeout(self._timeout):
                    digest = await asyncio.to_thread(file_digest, path, self._parser.limits)
                    parsed = await self._parser.parse(path, is_dialogue=options.is_dialogue)
                    return await asyncio.to_thread(self._build_chunks, parsed, source, options, digest)
            except TimeoutError:
                raise TooSlow(round(self._timeout)) from None

    def _build_chunks(
        self, parsed: ParsedBlocks, source: Source, manner: LoadOptions, digest: str
    ) -> tuple[Document, list[Chunk]]:
        document = build_document(parsed, source, manner.languages, digest, manner.chunking_hash)
        return document, list(islice(document.chunks(manner.chunk_options, self._counter.count), manner.max_chunks))
