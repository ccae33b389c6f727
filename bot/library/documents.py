"""A parsed file with its title and language, and the loader that parses and chunks one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from bot.core.i18n import LANGUAGES, Language, Translator
from bot.library.chunk import Chunk, ChunkOptions, CountTokens, chunk_blocks
from bot.library.chunk.units import document_title
from bot.library.chunk_options import NamedTokenCounter
from bot.library.parse.block import Block
from bot.library.parse.errors import TooSlow
from bot.library.parse.parser import ParsedBlocks, Parser
from bot.library.sources import Source, file_digest
from bot.text.language import detect_language

_SAMPLE_BLOCKS: Final = 200
_SAMPLE_CHARACTERS: Final = 20_000
"""Characters from which the language is told."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file's blocks, its title and its language."""

    source: Source
    blocks: Iterable[Block]
    """Can be gone through more than once."""
    title: str
    language: str
    """ISO 639."""
    content_hash: str
    chunking_hash: str

    def chunks(self, options: ChunkOptions, count_tokens: CountTokens) -> Iterator[Chunk]:
        """The chunks, as they are asked for."""
        spoken: Language = next((code for code in LANGUAGES if code == self.language), "en")
        return chunk_blocks(self.blocks, self.title, options, count_tokens, Translator(spoken))


def build_document(
    blocks: Iterable[Block], source: Source, languages: Sequence[str], content_hash: str, chunking_hash: str
) -> Document:
    """Tell the title and the language of a file; blocking.

    Args:
        languages: those the collection's documents may be in.
    """
    title = document_title(blocks, source.path.stem)
    sample = " ".join(block.text for block in islice(blocks, _SAMPLE_BLOCKS))[:_SAMPLE_CHARACTERS]
    return Document(source, blocks, title, _detect_language(sample, languages), content_hash, chunking_hash)


def _detect_language(sample: str, languages: Sequence[str]) -> str:
    """The one of the collection's languages that its letters speak for; the first when they speak for none."""
    written = detect_language(sample)
    return written if written is not None and written in languages else languages[0]


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
