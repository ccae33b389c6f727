"""How the documents of a collection are chunked, and the hash that shows when they must be chunked again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blake3 import blake3

from bot.library.chunk import ChunkOptions, CountTokens
from bot.library.parse.formats import DIALOGUE_VERSION, PARSER_VERSION
from bot.minds.schema import Collection, CollectionKind

CHUNKING_VERSION: Final = 1
"""Raised when the same blocks are split in another way, so that all documents are chunked again."""


@dataclass(frozen=True, slots=True)
class NamedTokenCounter:
    """Counts tokens as the model does."""

    name: str
    """Of the tokenizer: when it changes, all documents are chunked again."""
    count: CountTokens


def chunking_hash(collection: Collection, counter_name: str) -> str:
    """Hash of everything that decides how a collection's documents are chunked, apart from their content.

    Args:
        counter_name: name of the token counter.
    """
    options = chunk_options_of(collection)
    # Spelled out instead of repr(options): renaming the class must not have every stored document chunked again.
    options_text = f"Cutting(size={options.size!r}, overlap={options.overlap!r}, diary={options.diary!r})"
    parts = (PARSER_VERSION, CHUNKING_VERSION, counter_name, holds_dialogues(collection), collection.language)
    versions = ", ".join(repr(part) for part in parts[:3])
    rest = ", ".join(repr(part) for part in parts[3:])
    # Only of chats, so that the documents of other collections are not read again.
    dialogues = f", {DIALOGUE_VERSION!r}" if collection.kind is CollectionKind.DIALOGUE else ""
    return str(blake3(f"({versions}, {options_text}, {rest}{dialogues})".encode()).hexdigest(8))


def holds_dialogues(collection: Collection) -> bool:
    """Whether the documents of a collection are dialogues."""
    return collection.kind in (CollectionKind.DIALOGUE, CollectionKind.VOICE)


def chunk_options_of(collection: Collection) -> ChunkOptions:
    """How the documents of a collection are split into chunks."""
    chunking = collection.chunking
    return ChunkOptions(chunking.size, chunking.overlap, diary=collection.kind is CollectionKind.DIARY)
