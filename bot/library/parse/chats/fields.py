"""Fields of decoded JSON that may be of any type, because a file may hold anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

OnSkip = Callable[[], None]
"""Called for each message that cannot be read and is left out."""


def text_of(value: Any) -> str:
    """A text without space around it, or a number as text; empty for anything else."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def objects_of(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; empty for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def object_of(value: Any) -> dict[str, Any]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def time_of(value: Any) -> datetime:
    """A time in ISO 8601.

    Raises:
        ValueError: it is none.
    """
    return datetime.fromisoformat(text_of(value))
