"""How Telegram says no."""

from __future__ import annotations

from typing import Any

PREFIXES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 409: "Conflict"}


class Refused(Exception):
    """An answer with `ok: false`. The reason gets its prefix and its small first letter as on real servers."""

    def __init__(self, code: int, reason: str, **parameters: int) -> None:
        self.code = code
        self.parameters = parameters
        prefix = PREFIXES.get(code)
        if prefix is not None and not reason.startswith(prefix):
            shouted = len(reason) > 1 and (reason[1] == "_" or reason[1].isupper())
            reason = f"{prefix}: {reason if shouted else reason[0].lower() + reason[1:]}"
        self.description = reason
        super().__init__(reason)

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        return body | ({"parameters": self.parameters} if self.parameters else {})


def bad(reason: str, **parameters: int) -> Refused:
    """A 400."""
    return Refused(400, reason, **parameters)


def too_many(seconds: int) -> Refused:
    """A 429."""
    return Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def message_not_modified() -> Refused:
    """An edit that changes nothing."""
    return bad(
        "message is not modified: specified new message content and reply markup are exactly the same as a current "
        "content and reply markup of the message"
    )
