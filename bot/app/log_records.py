"""What a log record may say: processors that take people's texts and secrets out of it and bound its size.

Our own records say what their call names; an exception among the values is described without what anybody wrote
(`consilium.error_texts`). Records of libraries are different: what they are about is up to the library. Those of
libraries that only speak of themselves are kept; of the others, the template remains.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final

from structlog.typing import EventDict, Processor

from bot.core.redaction import redact_values
from consilium.error_texts import describe_exception

MAX_VALUE_LENGTH: Final = 1000
"""Characters of one value."""
MAX_FOREIGN_LENGTH: Final = 300
"""Characters of a library's message."""
MAX_FRAMES: Final = 20
"""Frames of one exception's traceback, the innermost."""
MAX_EXCEPTIONS: Final = 8
"""Exceptions of a chain or group that are shown."""
MAX_ITEMS: Final = 50
"""Items of a list or an object among the values."""
_TRUSTED: Final = (
    "aiogram", "aiohttp", "alembic", "discord", "filelock", "huggingface_hub", "opentelemetry", "peft",
    "sentence_transformers", "torch", "transformers", "uvicorn", "uvloop",
)  # fmt: skip
"""Libraries whose records, from INFO on, speak of connections, models and files, and not of what they were given."""


def summarise_foreign_records(logger: logging.Logger | None, _method: str, event: EventDict) -> EventDict:
    """Shorten the message of a library to one line, and withhold it if it may hold what somebody wrote."""
    if event["_from_structlog"]:
        return event
    record: logging.LogRecord = event["_record"]
    package = record.name.partition(".")[0]
    if package in _TRUSTED:
        message = str(event["event"]).strip().partition("\n")[0]
    elif package == "asyncio":
        # The rest of it are representations of tasks and exceptions.
        message = str(event["event"]).strip().partition("\n")[0].partition("<")[0]
    elif package == "py":
        message = f"a {_warning_category(str(event['event']))} was issued"
    else:
        # The template says what it is about; one without arguments may have been filled in before.
        message = str(record.msg) if str(record.msg) != event["event"] else "(the message is withheld)"
    event["event"] = message[:MAX_FOREIGN_LENGTH]
    return event


def describe_exceptions(*, with_texts: bool) -> Processor:
    """A processor that replaces exceptions among the values, and `exc_info` by the traceback under `exception`."""

    def describe(_logger: Any, _method: str, event: EventDict) -> EventDict:
        for key, value in event.items():
            if isinstance(value, BaseException) and key != "exc_info":
                event[key] = describe_exception(value, with_texts=with_texts)
        error = _exception_of(event.pop("exc_info", None))
        if error is not None:
            event["exception"] = [_describe(each, with_texts) for each in _chain(error)]
        return event

    return describe


def redact_and_shorten(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Hide secrets in all values, then bound their lengths."""
    return {key: _shorten(redact_values(value, key)) for key, value in event.items()}


def _exception_of(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what a group of it holds, and what it was raised from or during; `MAX_EXCEPTIONS` at most."""
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < MAX_EXCEPTIONS:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        cause = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        if cause is not None:
            waiting.append(cause)


def _describe(error: BaseException, with_texts: bool) -> dict[str, object]:
    return {
        "exc_type": type(error).__name__,
        "exc_value": describe_exception(error, with_texts=with_texts),
        "frames": _frames(error.__traceback__),
    }


def _frames(trace: TracebackType | None) -> list[str]:
    """`file:line in function` of each frame. No source lines and no variables: they hold people's messages."""
    frames = []
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename}:{trace.tb_lineno} in {code.co_name}")
        trace = trace.tb_next
    return frames[-MAX_FRAMES:]


def _warning_category(message: str) -> str:
    """The category within `path:line: Category: message`, as the standard library logs a warning."""
    parts = message.split(": ")
    return next((part for part in parts if part.isidentifier() and part.endswith("Warning")), "Warning")


def _shorten(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= MAX_VALUE_LENGTH else f"{value[: MAX_VALUE_LENGTH - 1]}…"
    if isinstance(value, dict):
        return {name: _shorten(item) for name, item in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list):
        return [_shorten(item) for item in value[:MAX_ITEMS]]
    return value
