"""Blocks: the pieces of a document in reading order, and their form as JSON."""

from __future__ import annotations

import json
from dataclasses import KW_ONLY, asdict, dataclass, fields
from enum import StrEnum
from typing import Final


class BlockKind(StrEnum):
    """The role of a block in its document."""

    TITLE = "title"
    """The title the document states for itself; not part of its text."""
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    CUE = "cue"
    """Speech between two timestamps of a transcript."""
    ROW = "row"
    """Of a table."""
    EXCHANGE = "exchange"
    """A question and its answer, or messages of a chat."""


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document and its place."""

    kind: BlockKind
    text: str
    """Of a row: its cells with their names, made from `header` and `cells`."""
    number: int = 0
    """Which paragraph, row or exchange of the document it is, from 1."""
    _: KW_ONLY
    level: int = 0
    """Of a heading: 1 is the highest."""
    page: int = 0
    """From 1; 0 where there are no pages."""
    start: float = 0.0
    end: float = 0.0
    """Of a cue: seconds from the beginning."""
    caption: str = ""
    """Of a row: the name of its table."""
    header: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    """Of a row: one for each name in `header`."""
    sent: str = ""
    sent_last: str = ""
    """Of an exchange in a chat: when its first and its last message were sent, to the minute in ISO 8601, as the clock
    of those who wrote showed it."""


_DEFAULTS: Final = {field.name: field.default for field in fields(Block)}


def block_to_json(block: Block) -> str:
    """A block as one line of JSON in ASCII; fields with their default value are left out."""
    return json.dumps({key: value for key, value in asdict(block).items() if value != _DEFAULTS[key]})


def block_from_json(line: str | bytes) -> Block:
    """The block of a line that `block_to_json` wrote."""
    values = json.loads(line)
    values["kind"] = BlockKind(values["kind"])
    for key in ("header", "cells"):
        values[key] = tuple(values.get(key, ()))
    return Block(**values)
