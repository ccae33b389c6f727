"""Cues of captions, and those that roll: each shows the end of the one before again, and every line is read once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_MIN_SHARE: Final = 0.3
"""Of the cues, at least so many go on with the one before where captions roll."""
_MAX_GAP: Final = 1.0
"""Seconds between two cues after which the second shows nothing of the first."""


@dataclass(slots=True)
class Cue:
    """What is shown between two times."""

    start: float
    end: float
    """Seconds from the beginning."""
    lines: list[str] = field(default_factory=list)


def without_repetitions(cues: Sequence[Cue]) -> list[Cue]:
    """The cues with every line once, where they roll; as they are, where they only happen to repeat a word.

    Captions roll when many cues begin with the end of the one before and go on from there. A cue that merely repeats
    the one before proves nothing: people do say things twice.
    """
    shown = [cue for cue in cues if cue.lines]
    pairs = list(itertools.pairwise(shown))
    repeated = [_repeated(before, after) for before, after in pairs]
    rolls = sum(
        1
        for (_, after), (lines, length) in zip(pairs, repeated, strict=True)
        if lines and _goes_on(after, lines, length)
    )
    if not rolls or sum(1 for lines, _ in repeated if lines) < _MIN_SHARE * len(pairs):
        return shown
    spoken: list[Cue] = []
    for index, cue in enumerate(shown):
        lines, length = repeated[index - 1] if index else (0, 0)
        if not lines:
            spoken.append(_copy(cue, cue.lines))
            continue
        rest = cue.lines[lines - 1][length:].strip()
        if rest and spoken and spoken[-1].lines:
            # A line that grows word by word is one line.
            spoken[-1].lines[-1] += f" {rest}"
        spoken[-1].end = max(spoken[-1].end, cue.end) if rest else spoken[-1].end
        if cue.lines[lines:]:
            spoken.append(_copy(cue, cue.lines[lines:]))
    return spoken


def _copy(cue: Cue, lines: Sequence[str]) -> Cue:
    return type(cue)(cue.start, cue.end, list(lines))


def _repeated(before: Cue, after: Cue) -> tuple[int, int]:
    """How many lines of a cue repeat the last lines of the one before, and how many characters of the last of them:
    it may go on."""
    if after.start - before.end > _MAX_GAP:
        return 0, 0
    for count in range(min(len(before.lines), len(after.lines)), 0, -1):
        former, lines = before.lines[-count:], after.lines[:count]
        last = former[-1]
        goes_on = lines[-1] == last or lines[-1].startswith(f"{last} ")
        if former[:-1] == lines[:-1] and goes_on:
            return count, len(last)
    return 0, 0


def _goes_on(cue: Cue, lines: int, length: int) -> bool:
    return len(cue.lines) > lines or len(cue.lines[lines - 1]) > length
