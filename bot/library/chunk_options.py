"""How a collection's documents are read and cut, and what tells when they have to be anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blake3 import blake3

from bot.library.chunk import ChunkOptions, CountTokens
from bot.library.parse.formats import PARSER_VERSION
from bot.minds.schema import Collection, CollectionKind

CHUNKING_VERSION: Final = 1
"""Raised when the same blocks are cut in another way, so that everything is cut anew."""


@dataclass(frozen=True, slots=True)
class NamedTokenCounter:
    """The model's measure of text."""

    name: str
    """Of the tokenizer: when it changes, everything is cut anew."""
    count: CountTokens


def chunking_hash(collection: Collection, counter_name: str) -> str:
    """Of all that decides how the collection's documents are cut, beside what is in them.

    Args:
        counter: its name.
    """
    options = chunk_options_of(collection)
    # Spelled out, not the dataclass's own repr: renaming a class must not have every stored document cut anew.
    cutting = f"Cutting(size={options.size!r}, overlap={options.overlap!r}, diary={options.diary!r})"
    parts = (PARSER_VERSION, CHUNKING_VERSION, counter_name, holds_dialogues(collection), collection.language)
    versions = ", ".join(repr(part) for part in parts[:3])
    rest = ", ".join(repr(part) for part in parts[3:])
    return str(blake3(f"({versions}, {cutting}, {rest})".encode()).hexdigest(8))


def holds_dialogues(collection: Collection) -> bool:
    """Whether its documents are dialogues."""
    return collection.kind in (CollectionKind.DIALOGUE, CollectionKind.VOICE)


def chunk_options_of(collection: Collection) -> ChunkOptions:
    """How its documents are cut."""
    chunking = collection.chunking
    return ChunkOptions(chunking.size, chunking.overlap, diary=collection.kind is CollectionKind.DIARY)
