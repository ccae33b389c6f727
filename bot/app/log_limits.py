"""Bounds what one cause can write into the log: of equal records in a minute, a few are kept, the rest counted."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Final

import structlog

RECORDS_PER_MINUTE: Final = 60
"""Equal records that are written in a window."""
_WINDOW: Final = 60.0
"""Seconds."""
_MAX_KINDS: Final = 1000
"""Kinds of records that are counted at the same time; more are not told apart."""
_UNLIMITED: Final = ("turn.ended", "turn.answered")
"""One a turn each, and limits of their own bound how many turns there are."""

log = structlog.get_logger(__name__)


class RepeatLimiter(logging.Filter):
    """Passes a number of equal records a minute, and says afterwards how many it has dropped.

    Records are equal when logger, level, and event or message template are.
    """

    def __init__(self, per_minute: int = RECORDS_PER_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._per_minute = per_minute
        self._clock = clock
        self._lock = Lock()
        self._started = clock()
        self._counts: dict[tuple[str, int, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if record.name == __name__:
            return True
        finished: dict[tuple[str, int, str], int] = {}
        with self._lock:
            if self._clock() - self._started >= _WINDOW:
                finished, self._counts, self._started = self._counts, {}, self._clock()
            key = _kind(record)
            if key not in self._counts and len(self._counts) >= _MAX_KINDS:
                key = ("", 0, "")
            self._counts[key] = count = self._counts.get(key, 0) + 1
        self._report(finished)
        return count <= self._per_minute or key[2] in _UNLIMITED

    def close(self) -> None:
        """Say what has been dropped in the window that has not ended yet, if the filter is still in use."""
        if not any(self in handler.filters for handler in logging.getLogger().handlers):
            return
        with self._lock:
            finished, self._counts = self._counts, {}
        self._report(finished)

    def _report(self, counts: dict[tuple[str, int, str], int]) -> None:
        for (name, _level, event), count in counts.items():
            if count > self._per_minute and event not in _UNLIMITED:
                log.warning("log.repeats_dropped", source=name, repeated=event, dropped=count - self._per_minute)


def _kind(record: logging.LogRecord) -> tuple[str, int, str]:
    message = record.msg
    event = message.get("event", "") if isinstance(message, dict) else message
    return record.name, record.levelno, str(event)[:200]
