"""How long the service waits for a server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """All in seconds."""

    connect: float = 5.0
    control: float = 20.0
    """A question to a server about itself, or to the router about its servers."""
    first_token: float = 60.0
    """From the request to the first piece of the answer: the queue and the prompt."""
    between_tokens: float = 30.0
    load_adapter: float = 120.0
    """Loading one adapter, with the wait for a place to be free."""
    fair_wait: float = 2.0
    """How long an adapter waits for a place before those that hold one are given no new requests."""
    poll_interval: float = 5.0
    """Between two looks at which servers there are and what they hold."""
