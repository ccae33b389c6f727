"""How long the service waits for a server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadlines:
    """All in seconds."""

    connect: float = 5.0
    first_token: float = 60.0
    """From the request to the first piece of the answer: the queue and the prompt."""
    between_tokens: float = 30.0
    load_adapter: float = 120.0
