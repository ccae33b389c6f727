"""Transcripts with timestamps: SubRip, WebVTT, SubStation Alpha and those of YouTube."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.cues import Cue, without_repetitions
from bot.library.parse.decoding import read_text
from bot.library.parse.errors import NoTimestamps
from bot.library.parse.limits import ParseLimits

_TIMESTAMP: Final = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,:](\d{1,3}))?"
_TIMING: Final = re.compile(rf"\s*{_TIMESTAMP}\s*-+>\s*{_TIMESTAMP}(?:\s.*)?")
_YOUTUBE_TIMING: Final = re.compile(r"^(\d{1,4}:\d{1,2}:\d{1,2}\.\d{1,3}),(\d{1,4}:\d{1,2}:\d{1,2}\.\d{1,3})\s*$")
_EVENT_FIELDS: Final = ("layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text")
"""Of SubStation Alpha, where a file does not state others."""
_LINE_BREAK: Final = re.compile(r"\\[Nn]")
_DRAWING: Final = re.compile(r"\{[^{}]{0,200}\\p[1-9][^{}]{0,200}\}")
"""What follows are the lines of a shape, and no text."""
_SPEAKER: Final = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]{1,100})>")
_TAG: Final = re.compile(r"</?[a-zA-Z0-9:.][^<>]{0,200}>|\{\\[^{}]{0,100}\}|\{[iIbBuU]\}")
_METADATA_BLOCK: Final = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")


def read(path: Path, limits: ParseLimits) -> Iterator[Block]:
    """What is said, cue by cue; styling is dropped, the name of a speaker is kept.

    Lines that roll through several cues, as in automatic captions, are read once.

    Raises:
        NoTimestamps: there is none in it.
    """
    suffix = path.suffix.lower()
    lines = read_text(path).split("\n")
    if suffix in (".ass", ".ssa"):
        cues = list(_events(lines))
    else:
        cues = list(_cues([_YOUTUBE_TIMING.sub(r"\1 --> \2", line) for line in lines] if suffix == ".sbv" else lines))
    if not cues:
        raise NoTimestamps
    for cue in cues:
        cue.lines = [text for line in cue.lines if (text := _plain(line))]
    for cue in without_repetitions(cues):
        if text := " ".join(cue.lines):
            yield Block(BlockKind.CUE, text, start=cue.start, end=cue.end)


def _cues(lines: list[str]) -> Iterator[Cue]:
    """The cues by their timing lines, whether blank lines stand between them, within them or nowhere."""
    timings = [(index, timing) for index, line in enumerate(lines) if "->" in line and (timing := _TIMING.match(line))]
    counters = 0
    for place, (index, timing) in enumerate(timings):
        next_index = timings[place + 1][0] if place + 1 < len(timings) else len(lines)
        text = lines[index + 1 : next_index]
        counters += _has_counter(lines, index)
        if place + 1 < len(timings):
            text = _without_identifier(text, are_counted=counters * 2 > place + 1)
        parts = timing.groups()
        yield Cue(_seconds(parts[:4]), _seconds(parts[4:]), _without_metadata(text))


def _events(lines: list[str]) -> Iterator[Cue]:
    """The cues of SubStation Alpha in the order of their times, with the names of speakers where they are stated."""
    fields = list(_EVENT_FIELDS)
    cues: list[Cue] = []
    is_event = False
    for line in lines:
        kind, _, rest = line.strip().partition(":")
        if line.startswith("["):
            is_event = line.strip().lower() == "[events]"
        elif is_event and kind.lower() == "format":
            fields = [field.strip().lower() for field in rest.split(",")]
        elif kind.lower() == "dialogue" and len(values := rest.split(",", len(fields) - 1)) == len(fields):
            event = dict(zip(fields, values, strict=True))
            timing = _TIMING.match(f"{event.get('start', '')} --> {event.get('end', '')}")
            text = event.get("text", "")
            if timing is None or _DRAWING.search(text):
                continue
            name = f"{event.get('name', '').strip()}: " if event.get("name", "").strip() else ""
            parts = timing.groups()
            said = _LINE_BREAK.sub("\n", text.replace("\\h", " ")).split("\n")
            cues.append(Cue(_seconds(parts[:4]), _seconds(parts[4:]), [f"{name}{said[0]}", *said[1:]]))
    yield from sorted(cues, key=lambda cue: (cue.start, cue.end))


def _has_counter(lines: list[str], timing: int) -> bool:
    return timing > 0 and lines[timing - 1].strip().isdigit()


def _without_identifier(lines: list[str], *, are_counted: bool) -> list[str]:
    """The lines of a cue without the one directly above the next timing that identifies the next cue.

    That is one after a blank line, or a number where the cues are counted.
    """
    if not lines or not lines[-1].strip():
        return lines
    is_identifier = len(lines) > 1 and not lines[-2]
    return lines[:-1] if is_identifier or (are_counted and lines[-1].strip().isdigit()) else lines


def _without_metadata(lines: list[str]) -> list[str]:
    """The lines of a cue without the blocks of comments and styles that follow it after a blank line."""
    kept: list[str] = []
    is_metadata = False
    for index, line in enumerate(lines):
        if not line:
            is_metadata = False
        elif index and not lines[index - 1] and _METADATA_BLOCK.match(line):
            is_metadata = True
        if not is_metadata:
            kept.append(line)
    return kept


def _plain(text: str) -> str:
    text = _TAG.sub("", _SPEAKER.sub(r"\1: ", text))
    return " ".join(html.unescape(text).split())


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    return (
        int(hours or 0) * 3600
        + int(minutes or 0) * 60
        + int(seconds or 0)
        + int((fraction or "0").ljust(3, "0")) / 1000
    )
