"""A parsed file with what is to be known of it before it is cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from bot.locales import LANGUAGES, Language, Translator, detect_language
from bot.recall.library.chunk import Chunk, ChunkOptions, CountTokens, chunk_blocks
from bot.recall.library.chunk.units import document_title
from bot.recall.library.parse.block import Block
from bot.recall.library.sources import Source

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
