"""What of HTTP requests an operator can watch."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

_REQUESTS: Final = Counter(
    "consilium_http_requests", "Requests that have ended; 499 when the client went away before.", ("path", "status")
)


def count_request(path: str, status: int) -> None:
    """A request has ended; `path` as it is written in the routes."""
    _REQUESTS.labels(path, str(status)).inc()
