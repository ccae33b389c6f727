"""How Discord refuses: an HTTP status, a code of its own and, for forms, where the mistakes are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

REFUSALS = {
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10014: (400, "Unknown Emoji"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    20012: (403, "You are not authorized to perform this action on this application"),
    30010: (400, "Maximum number of reactions reached (20)"),
    30015: (400, "Maximum number of attachments in a message reached (10)"),
    30032: (400, "Maximum number of application commands reached (100)"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50003: (403, "Cannot execute action on a DM channel"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50008: (400, "Cannot send messages in a non-text channel"),
    50013: (403, "Missing Permissions"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50033: (400, "Invalid Recipient(s)"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    50278: (403, "Cannot send messages to this user due to having no mutual guilds"),
    160002: (403, "Cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (403, "Thread is locked"),
}
"""Status and message of each code that needs no details."""


class ApiError(Exception):
    """A refusal, as it is sent to the client."""

    def __init__(self, status: int, code: int, message: str, **more: Any) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.body = {"message": message, "code": code, **more}


def refusal(code: int) -> ApiError:
    """The refusal with one of the codes of `REFUSALS`."""
    status, message = REFUSALS[code]
    return ApiError(status, code, message)


def plain(status: int, reason: str) -> ApiError:
    """A refusal without a code, as Discord gives for paths, methods and tokens."""
    return ApiError(status, 0, f"{status}: {reason}")


def too_soon(code: int, message: str, seconds: float) -> ApiError:
    """The refusal of something that may be done again after some seconds, apart from rate limits."""
    return ApiError(429, code, message, retry_after=seconds, **{"global": False})


class Form:
    """Gathers what is wrong with a body, field by field."""

    def __init__(self) -> None:
        self.errors: dict[str, Any] = {}

    def add(self, path: Sequence[str | int], code: str, message: str) -> None:
        """Notes one mistake at a place."""
        place = self.errors
        for part in path:
            place = place.setdefault(str(part), {})
        place.setdefault("_errors", []).append({"code": code, "message": message})

    def text(self, value: Any, path: Sequence[str | int], low: int, high: int, *, needed: bool = False) -> bool:
        """Whether a text is there and between these lengths; absent is a mistake only where it is needed."""
        if value is None:
            if needed:
                self.add(path, "BASE_TYPE_REQUIRED", "This field is required")
            return False
        if not isinstance(value, str):
            self.add(path, "STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
        elif len(value) > high and low <= 1 and value:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")
        elif not low <= len(value) <= high:
            self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")
        else:
            return True
        return False

    def number(self, value: Any, path: Sequence[str | int], low: int, high: int) -> bool:
        """Whether a number, where there is one, is whole and between these."""
        if value is None:
            return False
        if isinstance(value, bool) or not isinstance(value, int):
            self.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        elif value < low:
            self.add(path, "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {low}.")
        elif value > high:
            self.add(path, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {high}.")
        else:
            return True
        return False

    def listed(self, value: Any, path: Sequence[str | int], low: int, high: int) -> list[Any]:
        """The items of a list; one that is too long or too short is a mistake."""
        if not isinstance(value, list):
            self.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        if not low <= len(value) <= high:
            code = "BASE_TYPE_BAD_LENGTH" if low else "BASE_TYPE_MAX_LENGTH"
            span = f"between {low} and {high}" if low else f"{high} or fewer"
            self.add(path, code, f"Must be {span} in length.")
        return value

    def objects(self, value: Any, path: Sequence[str | int], low: int, high: int) -> list[dict[str, Any]]:
        """The items of such a list that are objects, as all have to be; empty ones in place of others."""
        items = self.listed(value, path, low, high)
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                self.add((*path, index), "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return [item if isinstance(item, dict) else {} for item in items]

    def one_of(self, value: Any, path: Sequence[str | int], allowed: Sequence[Any]) -> bool:
        """Whether a value is one of these."""
        if value in allowed:
            return True
        self.add(path, "BASE_TYPE_CHOICES", f"Value must be one of {{{', '.join(map(str, allowed))}}}.")
        return False

    def check(self) -> None:
        """Refuses the body if anything was wrong with it."""
        if self.errors:
            raise ApiError(400, 50035, "Invalid Form Body", errors=self.errors)
