"""Why a document is left out of the library: a branch of the error tree that can be written down and read back."""

from __future__ import annotations

from typing import Any

from bot.core.errors import BotError
from consilium.errors import N_


class DocumentRefused(BotError):
    """Root of the reasons for leaving a document out; the others go on."""

    is_transient = False
    """Whether the same file may be read another time."""


class UnknownFormat(DocumentRefused):
    sentence = N_("Files that end in “{suffix}” are not read.")
    remedy = N_("Save it as one of: {known}.")

    def __init__(self, suffix: str, known: str) -> None:
        super().__init__(suffix=suffix, known=known)


class TooLarge(DocumentRefused):
    """The file, or what it unpacks to, is larger than is read."""

    sentence = N_("It holds more than {limit} MB.")
    remedy = N_("Split it into smaller files.")

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)


class TooManyPages(DocumentRefused):
    sentence = N_("It has more than {limit} pages.")
    remedy = N_("Split it into smaller files.")

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)


class TooManyRows(DocumentRefused):
    sentence = N_("It has more than {limit} rows.")
    remedy = N_("Split it into smaller files.")

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)


class TooMuchText(DocumentRefused):
    sentence = N_("It holds more than {limit} characters of text.")
    remedy = N_("Split it into smaller files.")

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)


class Bomb(DocumentRefused):
    """An archive unpacks to far more than any honest document."""

    sentence = N_("It unpacks to more than {ratio} times its size, as no honest document does.")
    remedy = N_("Open it in an office program and save it anew.")

    def __init__(self, ratio: int) -> None:
        super().__init__(ratio=ratio)


class TooSlow(DocumentRefused):
    """Reading it took longer than is allowed; on a quieter machine it might not."""

    sentence = N_("Reading it took longer than {seconds} seconds.")
    remedy = N_("Split it into smaller files; it is tried again next time.")
    is_transient = True

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds=seconds)


class TooMuchMemory(DocumentRefused):
    sentence = N_("Reading it needs more than {limit} MB of memory.")
    remedy = N_("Split it into smaller files.")

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)


class ReaderDied(DocumentRefused):
    sentence = N_("The process that read it broke down.")
    remedy = N_("Save it anew, or in another format.")

    def __init__(self) -> None:
        super().__init__()


class Protected(DocumentRefused):
    sentence = N_("It is protected by a password.")
    remedy = N_("Save it without one.")

    def __init__(self) -> None:
        super().__init__()


class NotText(DocumentRefused):
    sentence = N_("It is not text in any encoding that is known.")
    remedy = N_("Save it as UTF-8.")

    def __init__(self) -> None:
        super().__init__()


class NoText(DocumentRefused):
    """There is nothing in it to be found."""

    sentence = N_("There is no text in it.")
    remedy = N_("A scanned document needs its text recognised first.")

    def __init__(self) -> None:
        super().__init__()


class Unreadable(DocumentRefused):
    sentence = N_("It cannot be read: {reason}.")
    remedy = N_("Save it anew, or in another format.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class Gone(DocumentRefused):
    """The file system does not give it: no such file, or no right to read it."""

    sentence = N_("It cannot be opened: {reason}.")
    remedy = N_("Check that the file is there and may be read.")
    is_transient = True

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


_BY_NAME = {kind.__name__: kind for kind in DocumentRefused.__subclasses__()}


def refusal_to_record(refusal: DocumentRefused) -> dict[str, Any]:
    """A refusal as plain values."""
    return {"name": type(refusal).__name__, "details": refusal.details}


def refusal_from_record(record: dict[str, Any]) -> DocumentRefused:
    """The refusal that `as_record` wrote down; one that this release does not know is `Unreadable`."""
    kind = _BY_NAME.get(record["name"])
    return kind(**record["details"]) if kind else Unreadable(record["name"])


def error_reason(error: BaseException) -> str:
    """What a library said when it gave up, in one short line."""
    lines = str(error).strip().splitlines()
    return (lines[0][:200].rstrip(". ") if lines else "") or type(error).__name__
