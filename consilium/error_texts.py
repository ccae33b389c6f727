"""What an exception says where people's texts must not go: logs, and reasons that become part of another error.

Many libraries quote what they were given: a validator its input, a database the row, a parser its line. So the message
of a foreign exception is withheld unless its class is known to speak of the program only; the class, and in a traceback
the place, remain. Our own errors say which of their details repeat what somebody wrote (`ConsiliumError.personal`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from consilium.errors import ConsiliumError

MAX_LENGTH: Final = 500
"""Characters of one description."""
_PROGRAM_ERRORS: Final = (
    ArithmeticError,
    AttributeError,
    BufferError,
    EOFError,
    ImportError,
    MemoryError,
    NameError,
    NotImplementedError,
    RecursionError,
    ReferenceError,
    StopAsyncIteration,
    StopIteration,
    SystemError,
    TimeoutError,
)
"""Built-in classes whose messages name parts of the program. `str(OSError)` is treated apart, for the paths in it."""
_OPERATION_LIBRARIES: Final = ("torch", "safetensors_rust", "ssl", "socket", "subprocess")
"""Libraries whose own error classes speak of the machine."""
_CONNECTION_SUFFIXES: Final = ("Timeout", "ConnectError", "ReadError", "WriteError", "CloseError", "ProtocolError")
"""Ends of the names of errors that tell of a connection and not of what went over it."""
_QUOTED: Final = re.compile(r"[\"'`“«].*[\"'`”»]", re.DOTALL)
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}\Z")


def describe_exception(error: BaseException, *, with_texts: bool = False) -> str:
    """One line about an error, without what anybody wrote unless `with_texts`; never empty.

    Secrets are not its business: whoever writes the line down takes those out.
    """
    if with_texts:
        return _one_line(str(error)) or type(error).__name__
    return _one_line(_message(error)) or f"{type(error).__name__} (its message is withheld)"


def without_quotes(text: str) -> str:
    """The text with everything from its first quotation mark to its last left out."""
    return _QUOTED.sub("“…”", text)


def _message(error: BaseException) -> str:
    if isinstance(error, ConsiliumError):
        return _own_message(error)
    module, name = type(error).__module__.partition(".")[0], type(error).__name__
    if module == "asyncpg" and hasattr(error, "sqlstate"):
        # The first line only: DETAIL holds the row. Postgres puts values between quotation marks.
        first = without_quotes(str(error).strip().partition("\n")[0])
        return f"{first} (SQLSTATE {error.sqlstate})"
    if module == "pydantic_core" and hasattr(error, "errors"):
        return _validation_message(error)
    if isinstance(error, (UnicodeDecodeError, UnicodeEncodeError)):
        return f"{name}: {error.reason} at {error.start}"
    if isinstance(error, OSError):
        # A subclass of a library may build its own message, with an address of the platform's API in it.
        return (error.strerror or "") if type(error).__module__ != "builtins" else _os_message(error)
    if type(error).__module__ == "builtins":
        return str(error) if isinstance(error, _PROGRAM_ERRORS) else ""
    if module in ("httpx", "httpcore") and name.endswith(_CONNECTION_SUFFIXES):
        return f"{name}: {without_quotes(str(error))}"
    if module in _OPERATION_LIBRARIES or _raised_in(error, "torch"):
        return without_quotes(str(error).partition("\n")[0])
    return ""


def _own_message(error: ConsiliumError) -> str:
    hidden = {name: "…" for name in error.personal if name in error.details}
    return " ".join(template.format(**(error.details | hidden)) for template in error.templates)


def _os_message(error: OSError) -> str:
    if error.strerror is None:
        return str(error) if isinstance(error, (ConnectionError, TimeoutError)) else ""
    return error.strerror if error.filename is None else f"{error.strerror}: {error.filename}"


def _validation_message(error: BaseException) -> str:
    """Where a pydantic model does not fit, and how; nothing of the input."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)  # type: ignore[attr-defined]  # duck-typed: this package knows no pydantic
    shown = "; ".join(f"{_location(problem['loc']) or 'the whole'}: {problem['type']}" for problem in problems[:5])
    return f"{len(problems)} validation errors: {shown}" if len(problems) != 1 else f"validation error: {shown}"


def _location(parts: Sequence[object]) -> str:
    """A path within a model; keys that are no identifiers were given, not declared."""
    return ".".join(
        str(part) if isinstance(part, int) or (isinstance(part, str) and _IDENTIFIER.match(part)) else "…"
        for part in parts
    )


def _raised_in(error: BaseException, package: str) -> bool:
    """Whether the innermost frame of the traceback is in a package's code."""
    trace = error.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    return str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == package


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_LENGTH else f"{line[: MAX_LENGTH - 1]}…"
