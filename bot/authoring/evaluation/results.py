"""What has been measured and answered so far, kept by what it was made from: a killed evaluation goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from bot.authoring.stages import digest_of

_VERSION: Final = 1
"""Raised when the same inputs give another result."""


class ResultStore:
    """Results by the digest of their inputs, one a line; each is on the disk before it is used. Blocking."""

    def __init__(self, path: Path) -> None:
        """Read what is there; a line that a crash has cut short is passed over."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._known: dict[str, Any] = {}
        if path.exists():
            for line in path.read_text("utf-8").split("\n"):
                try:
                    record = json.loads(line)
                    self._known[record["key"]] = record["result"]
                except (ValueError, KeyError, TypeError):
                    continue

    def key(self, *inputs: object) -> str:
        """The digest of what a result is made from; each input as JSON."""
        return digest_of(_VERSION, *inputs)

    def get(self, key: str) -> Any:
        """The result, or None if it is not there yet."""
        return self._known.get(key)

    def add(self, key: str, result: Any) -> None:
        """Keep a result for good."""
        self._known[key] = result
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            # The line end before it parts it from a line that a crash has cut short.
            out.write("\n" + json.dumps({"key": key, "result": result}, ensure_ascii=False))
            out.flush()
            os.fsync(out.fileno())
