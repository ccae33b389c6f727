"""Entrypoints of jobs. A process works for one mind, so each mind has entrypoints of its own."""

from __future__ import annotations

from typing import Final


def answer_entrypoint(mind: str) -> str:
    """Entrypoint of questions, which need an engine."""
    return f"answer:{mind}"


def delivery_entrypoint(mind: str) -> str:
    """Entrypoint of command results, which only have to be shown and need no engine."""
    return f"say:{mind}"


DELIVERY_PRIORITY: Final = 1
"""Higher than an answer's: showing a command result takes a moment and should not wait behind answers."""
