"""What a parser makes of a file: blocks in reading order."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Final


class BlockKind(StrEnum):
    """What a block is in its document."""

    TITLE = "title"
    """The document's own name for itself; not part of its text."""
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    CUE = "cue"
    """What is said in one stretch of time."""
    ROW = "row"
    EXCHANGE = "exchange"
    """A question and its answer."""


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a document, with its place."""

    kind: BlockKind
    text: str
    """Of a row: its cells as words, made from `header` and `cells`."""
    number: int = 0
    """Which paragraph, row or exchange of the document it is, from 1."""
    level: int = 0
    """Of a heading: 1 is the highest."""
    page: int = 0
    """From 1; 0 where there are no pages."""
    start: float = 0.0
    end: float = 0.0
    """Of a cue: seconds from the beginning."""
    caption: str = ""
    """Of a row: what its table is called."""
    header: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    """Of a row: as many as `header` has names."""


_DEFAULTS: Final = {field.name: field.default for field in fields(Block)}


def block_to_json(block: Block) -> str:
    """A block as one line of JSON in ASCII."""
    return json.dumps({key: value for key, value in asdict(block).items() if value != _DEFAULTS[key]})


def block_from_json(line: str | bytes) -> Block:
    """The block of a line that `encode` wrote."""
    values = json.loads(line)
    values["kind"] = BlockKind(values["kind"])
    for key in ("header", "cells"):
        values[key] = tuple(values.get(key, ()))
    return Block(**values)
