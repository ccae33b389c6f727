"""Characters as people see them: letters with their accents, emoji of several code points, flags."""

from __future__ import annotations

from typing import Final

import regex
from rich.cells import cell_len

_CLUSTER: Final = regex.compile(r"\X")
_LOOK_BACK: Final = 200
"""Code points before the place that is asked about; longer clusters do not occur in text that people read."""


def cluster_boundary(text: str, end: int, start: int = 0) -> int:
    """The last place at or before `end`, and after `start`, where a text can be cut without breaking a character.

    `end` itself if there is none.
    """
    if end >= len(text):
        return len(text)
    position = max(start, end - _LOOK_BACK)
    boundary = position
    # A line or a space begins a new cluster, so counting from there is right.
    for at in range(end, position, -1):
        if text[at - 1] in "\n ":
            position = boundary = at - 1 if at - 1 > start else at
            break
    for match in _CLUSTER.finditer(text, position):
        if match.start() > end:
            break
        boundary = match.start()
    return boundary if boundary > start else end


def split_to_width(text: str, width: int) -> list[str]:
    """A text in lines of at most `width` cells of a terminal: cut at spaces, in longer words between characters.

    A character that is wider than a line is a line of its own.
    """
    lines, line = [], ""
    for word in text.split():
        if line and cell_len(line) + 1 + cell_len(word) <= width:
            line += f" {word}"
            continue
        if line:
            lines.append(line)
        line = ""
        for cluster in _CLUSTER.findall(word):
            if line and cell_len(line) + cell_len(cluster) > width:
                lines.append(line)
                line = ""
            line += cluster
    return [*lines, line] if line or not lines else lines
