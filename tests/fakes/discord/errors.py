"""How Discord refuses: an HTTP status, a code of its own and, for forms, where the mistakes are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Path = tuple[str | int, ...]

REFUSALS = {
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    20012: (403, "You are not authorized to perform this action on this application"),
    30015: (400, "Maximum number of attachments in a message reached (10)"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50013: (403, "Missing Permissions"),
    50027: (401, "Invalid Webhook Token"),
    50083: (400, "Thread is archived"),
    160002: (403, "Cannot reply without permission to read message history"),
}
"""Status and message of each code that needs no details."""


class ApiError(Exception):
    """A refusal as it is sent to the client."""

    def __init__(self, status: int, code: int, message: str, **details: Any) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.body = {"message": message, "code": code, **details}


def refusal(code: int) -> ApiError:
    """The refusal with one of the codes of `REFUSALS`."""
    status, message = REFUSALS[code]
    return ApiError(status, code, message)


class Form:
    """Collects what is wrong with a body, field by field."""

    def __init__(self) -> None:
        self.errors: dict[str, Any] = {}

    def add(self, path: Path, code: str, message: str) -> None:
        """Note one mistake."""
        errors = self.errors
        for part in path:
            errors = errors.setdefault(str(part), {})
        errors.setdefault("_errors", []).append({"code": code, "message": message})

    def text(self, value: Any, path: Path, low: int, high: int, *, required: bool = False) -> bool:
        """Whether a text is present and has between `low` and `high` characters; absence may be allowed."""
        if value is None:
            if required:
                self.add(path, "BASE_TYPE_REQUIRED", "This field is required")
            return False
        if not isinstance(value, str):
            self.add(path, "STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
        elif len(value) > high:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")
        elif len(value) < low:
            self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")
        else:
            return True
        return False

    def number(self, value: Any, path: Path, low: int, high: int) -> None:
        """Check that a number, if there is one, is an integer between `low` and `high`."""
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int):
            self.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        elif value < low:
            self.add(path, "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {low}.")
        elif value > high:
            self.add(path, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {high}.")

    def objects(self, value: Any, path: Path, low: int, high: int) -> list[dict[str, Any]]:
        """The items of a list of between `low` and `high` objects."""
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.add(path, "LIST_TYPE_CONVERT", "Only lists of dictionaries may be used here")
            return []
        if not low <= len(value) <= high:
            self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")
        return value

    def one_of(self, value: Any, path: Path, allowed: Sequence[Any]) -> bool:
        """Whether a value is one of these."""
        if value in allowed:
            return True
        self.add(path, "BASE_TYPE_CHOICES", f"Value must be one of {{{', '.join(map(str, allowed))}}}.")
        return False

    def check(self) -> None:
        """Refuse the body if anything is wrong with it."""
        if self.errors:
            raise ApiError(400, 50035, "Invalid Form Body", errors=self.errors)
