"""How a collection's documents are read and cut, and what tells when they have to be anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blake3 import blake3

from bot.mind.collections import Collection, CollectionKind
from bot.recall.library.chunk import Cutting, TokenCounter
from bot.recall.library.parse.formats import VERSION as PARSER_VERSION

CUTTING_VERSION: Final = 1
"""Raised when the same blocks are cut in another way, so that everything is cut anew."""


@dataclass(frozen=True, slots=True)
class Counter:
    """The model's measure of text."""

    name: str
    """Of the tokenizer: when it changes, everything is cut anew."""
    count: TokenCounter


def chunking_hash(collection: Collection, counter: str) -> str:
    """Of all that decides how the collection's documents are cut, beside what is in them.

    Args:
        counter: its name.
    """
    all_of_it = (
        PARSER_VERSION,
        CUTTING_VERSION,
        counter,
        cutting_of(collection),
        is_spoken(collection),
        collection.language,
    )
    return str(blake3(repr(all_of_it).encode()).hexdigest(8))


def is_spoken(collection: Collection) -> bool:
    """Whether its documents are dialogues."""
    return collection.kind in (CollectionKind.DIALOGUE, CollectionKind.VOICE)


def cutting_of(collection: Collection) -> Cutting:
    """How its documents are cut."""
    chunking = collection.chunking
    return Cutting(chunking.size, chunking.overlap, diary=collection.kind is CollectionKind.DIARY)
