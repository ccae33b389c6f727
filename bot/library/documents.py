"""Documents: parsed files with their title and language, and a loader that parses and chunks one."""

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
from bot.library.parse.notes import Note
from bot.library.parse.parser import ParsedBlocks, Parser
from bot.library.sources import Source, file_digest
from bot.text.language import detect_language

_SAMPLE_BLOCKS: Final = 200
_SAMPLE_CHARACTERS: Final = 20_000
"""Characters by which the language is detected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed file with its title and language."""

    source: Source
    blocks: Iterable[Block]
    """Can be iterated more than once."""
    title: str
    language: str
    """ISO 639."""
    content_hash: str
    chunking_hash: str
    notes: tuple[Note, ...] = ()
    """What is told about it beside its text."""

    def chunks(self, options: ChunkOptions, count_tokens: CountTokens) -> Iterator[Chunk]:
        """The chunks, computed while they are iterated."""
        language: Language = next((code for code in LANGUAGES if code == self.language), "en")
        return chunk_blocks(self.blocks, self.title, options, count_tokens, Translator(language))


def build_document(
    blocks: ParsedBlocks, source: Source, languages: Sequence[str], content_hash: str, chunking_hash: str
) -> Document:
    """A document from the blocks of a file; blocking.

    Args:
        languages: those the document may be in.
        content_hash: of the file.
        chunking_hash: of everything else its chunks depend on.
    """
    sample = " ".join(block.text for block in islice(blocks, _SAMPLE_BLOCKS))[:_SAMPLE_CHARACTERS]
    return Document(
        source=source,
        blocks=blocks,
        title=document_title(blocks, source.path.stem),
        language=_detect_language(sample, languages),
        content_hash=content_hash,
        chunking_hash=chunking_hash,
        notes=blocks.notes,
    )


def _detect_language(sample: str, languages: Sequence[str]) -> str:
    """The language of the sample's letters where it is among `languages`, else the first of them."""
    detected = detect_language(sample)
    return detected if detected is not None and detected in languages else languages[0]


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a document is parsed and chunked."""

    languages: Sequence[str]
    """Those it may be in."""
    chunk_options: ChunkOptions
    chunking_hash: str = ""
    """Of everything its chunks depend on apart from its content; empty where it is not stored."""
    is_dialogue: bool = False
    max_chunks: int | None = None
    """Chunks after which the rest of the document is ignored."""


class DocumentLoader:
    """Loads one document at a time; concurrent calls wait for each other."""

    def __init__(self, parser: Parser, counter: NamedTokenCounter, timeout: float) -> None:
        """Set up.

        Args:
            timeout: seconds that parsing and chunking a document may take.
        """
        self._parser = parser
        self._counter = counter
        self._timeout = timeout
        self._lock = asyncio.Lock()

    async def load(self, path: Path, source: Source, options: LoadOptions) -> tuple[Document, list[Chunk]]:
        """A document and its chunks.

        Args:
            path: of a file with the content; its suffix decides the format, its name does not matter.
            source: what the document is known by.

        Raises:
            DocumentRefused: it cannot be read.
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
        self, parsed: ParsedBlocks, source: Source, options: LoadOptions, digest: str
    ) -> tuple[Document, list[Chunk]]:
        document = build_document(parsed, source, options.languages, digest, options.chunking_hash)
        return document, list(islice(document.chunks(options.chunk_options, self._counter.count), options.max_chunks))
