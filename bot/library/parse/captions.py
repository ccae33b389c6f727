"""Transcripts with timestamps: SubRip and WebVTT."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.decoding import read_text
from bot.library.parse.errors import NoTimestamps
from bot.library.parse.limits import ParseLimits

_TIMESTAMP: Final = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMING: Final = re.compile(rf"\s*{_TIMESTAMP}\s*-->\s*{_TIMESTAMP}(?:\s.*)?")
_SPEAKER: Final = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]{1,100})>")
_TAG: Final = re.compile(r"</?[a-zA-Z0-9:.][^<>]{0,200}>|\{\\[^{}]{0,100}\}")
_METADATA_BLOCK: Final = re.compile(r"(?:NOTE|STYLE|REGION)\b")


def read(path: Path, limits: ParseLimits) -> Iterator[Block]:
    """What is said, cue by cue; styling is dropped, the name of a speaker is kept.

    Raises:
        NoTimestamps: there is none in it.
    """
    has_timestamps = False
    for section in re.split(r"\n[ \t]*\n", read_text(path)):
        lines = section.strip("\n").split("\n")
        at = next((index for index, line in enumerate(lines[:3]) if _TIMING.fullmatch(line)), None)
        if at is None or _METADATA_BLOCK.match(lines[0]):
            continue
        has_timestamps = True
        timing = _TIMING.fullmatch(lines[at])
        assert timing is not None
        if text := _cue_text(" ".join(lines[at + 1 :])):
            parts = timing.groups()
            yield Block(BlockKind.CUE, text, start=_seconds(parts[:4]), end=_seconds(parts[4:]))
    if not has_timestamps:
        raise NoTimestamps


def _cue_text(text: str) -> str:
    text = _TAG.sub("", _SPEAKER.sub(r"\1: ", text))
    return " ".join(html.unescape(text).split())


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    assert fraction is not None
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + int(fraction.ljust(3, "0")) / 1000
