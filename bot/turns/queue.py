"""What jobs are called. A process works for one mind, and leaves the jobs of others alone."""

from __future__ import annotations

from typing import Final


def answer_entrypoint(mind: str) -> str:
    """Questions: they need an engine."""
    return f"answer:{mind}"


def delivery_entrypoint(mind: str) -> str:
    """What is to be shown and needs no engine: what commands have said."""
    return f"say:{mind}"


DELIVERY_PRIORITY: Final = 1
"""Priority of what is only to be shown: it takes a moment, and nobody should wait behind an answer for it."""
