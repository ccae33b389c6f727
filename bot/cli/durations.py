"""Lengths of time as they are typed: `15m`, `1h30m`, `90s`."""

from __future__ import annotations

import re
from typing import Final

import typer

_DURATION: Final = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s?)?")
_SECONDS: Final = (3600, 60, 1)


def parse_duration(text: str) -> float:
    """Seconds of a length of time; a bare number is seconds.

    Raises:
        typer.BadParameter: it is none, or it is 0.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    seconds = sum(float(part or 0) * unit for part, unit in zip(found.groups(), _SECONDS, strict=True)) if found else 0
    if seconds <= 0:
        raise typer.BadParameter(f"“{text}” is no length of time: write 90s, 15m or 1h30m.")
    return seconds


def format_duration(seconds: float) -> str:
    """A length of time for a person: `8 s`, `14 min`, `2 h 5 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
