"""Why a document is left out of the library: a branch of the error tree that can be stored and restored.

Class names and their details are stored with the document (`documents.skipped`): a renamed class needs its old name in
`_BY_NAME`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from bot.core.errors import BotError
from consilium.errors import N_


class DocumentRefused(BotError):
    """Base class of the reasons for leaving out one document; the others are read nevertheless."""

    is_transient: ClassVar[bool] = False
    """Whether the same file may be readable later."""


class UnknownFormat(DocumentRefused):
    sentence = N_("Files that end in “{suffix}” are not read.")
    remedy = N_("Save it as one of: {known}.")
    personal = ("suffix",)

    def __init__(self, suffix: str, known: str) -> None:
        super().__init__(suffix=suffix, known=known)


class TooLarge(DocumentRefused):
    """The file, or what it unpacks to, is over the limit."""

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
    """An archive unpacks to many times its own size."""

    sentence = N_("It unpacks to more than {ratio} times its size, like a zip bomb.")
    remedy = N_("Open it in an office program and save it again.")

    def __init__(self, ratio: int) -> None:
        super().__init__(ratio=ratio)


class TooSlow(DocumentRefused):
    """Reading it took too long; on a less busy machine it might not."""

    sentence = N_("Reading it took longer than {seconds} seconds.")
    remedy = N_("Split it into smaller files; the next update of the library tries it again.")
    is_transient = True

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds=seconds)


class TooMuchMemory(DocumentRefused):
    sentence = N_("Reading it needs more than {limit} MB of memory.")
    remedy = N_("Split it into smaller files.")

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)


class ReaderDied(DocumentRefused):
    sentence = N_("The process that was reading it crashed.")
    remedy = N_("Save it again, or in another format.")

    def __init__(self) -> None:
        super().__init__()


class Protected(DocumentRefused):
    sentence = N_("It is protected by a password.")
    remedy = N_("Save it without one.")

    def __init__(self) -> None:
        super().__init__()


class CopyProtected(DocumentRefused):
    """A book that only some programs may open (DRM)."""

    sentence = N_("It is protected against copying (DRM).")
    remedy = N_("Use an edition without protection.")

    def __init__(self) -> None:
        super().__init__()


class OldFormat(DocumentRefused):
    """A binary file of an old office program, or of a program's own."""

    sentence = N_("Files that end in “{suffix}” are of an old format that is not read.")
    remedy = N_("Open it in an office program and save it as {better}.")

    def __init__(self, suffix: str, better: str) -> None:
        super().__init__(suffix=suffix, better=better)


class IsPicture(DocumentRefused):
    sentence = N_("“{suffix}” files are pictures: there is no text in them.")
    remedy = N_("Recognise the text first (OCR), and save it as PDF or text.")

    def __init__(self, suffix: str) -> None:
        super().__init__(suffix=suffix)


class IsRecording(DocumentRefused):
    sentence = N_("“{suffix}” files are recordings: there is no text in them.")
    remedy = N_("Add a transcript (.srt, .vtt or .txt).")

    def __init__(self, suffix: str) -> None:
        super().__init__(suffix=suffix)


class OtherContent(DocumentRefused):
    """A file holds something else than its suffix says."""

    sentence = N_("Its name ends in “{suffix}”, but its content is that of a “{found}” file.")
    remedy = N_("Give it the ending of what it is, or save it again.")

    def __init__(self, suffix: str, found: str) -> None:
        super().__init__(suffix=suffix, found=found)


class NotText(DocumentRefused):
    sentence = N_("It is not text in any known encoding.")
    remedy = N_("Save it as UTF-8.")

    def __init__(self) -> None:
        super().__init__()


class NoText(DocumentRefused):
    sentence = N_("There is no text in it.")
    remedy = N_("A scanned document needs text recognition first.")

    def __init__(self) -> None:
        super().__init__()


class EmptyFile(NoText):
    sentence = N_("There is no text in it: the file is empty.")
    remedy = N_("Copy or download it again.")


class OnlyPictures(NoText):
    """A PDF whose pages are scanned."""

    sentence = N_("Its pages are pictures: there is no text in it.")
    remedy = N_("Recognise the text first (OCR), and save it with the text.")


class Unreadable(DocumentRefused):
    """A library could not read it.

    Args:
        reason: what that library said, in its own words.
    """

    sentence = N_("It cannot be read: {reason}.")
    remedy = N_("Save it again, or in another format.")
    personal = ("reason",)

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class DamagedJson(Unreadable):
    sentence = N_("It is not valid JSON: see line {line}, column {column}.")
    remedy = N_("Correct it there, or save it again.")

    def __init__(self, line: int, column: int) -> None:
        DocumentRefused.__init__(self, line=line, column=column)


class TooDeep(Unreadable):
    sentence = N_("Its parts are nested too deeply.")
    remedy = N_("Save it again, or in another format.")

    def __init__(self) -> None:
        DocumentRefused.__init__(self)


class DamagedArchive(Unreadable):
    """An office file or an archive is no complete zip archive."""

    sentence = N_("It is damaged or incomplete.")
    remedy = N_("Copy or download it again, or save it again.")

    def __init__(self) -> None:
        DocumentRefused.__init__(self)


class NoTimestamps(Unreadable):
    sentence = N_("There are no timestamps in it.")
    remedy = N_("Save it as SubRip (.srt) or WebVTT (.vtt).")

    def __init__(self) -> None:
        DocumentRefused.__init__(self)


class NotADialogue(Unreadable):
    sentence = N_("Line {line} is not a dialogue.")
    remedy = N_(
        "Write each line as a JSON object with a list “messages” of roles and contents, or in another form to train on."
    )

    def __init__(self, line: int) -> None:
        DocumentRefused.__init__(self, line=line)


class NotAChat(Unreadable):
    """A JSON file or an archive is no chat export."""

    sentence = N_("It is not a chat export of a known program.")
    remedy = N_("Export the chat from Telegram Desktop (JSON), WhatsApp, or Discord with DiscordChatExporter (JSON).")

    def __init__(self) -> None:
        DocumentRefused.__init__(self)


class NoReadableMessages(NotAChat):
    sentence = N_("It is a chat, but none of its messages can be read.")
    remedy = N_("Export the chat again.")


class ArchiveWithoutChat(NotAChat):
    sentence = N_("It is an archive without a chat that WhatsApp has exported.")
    remedy = N_("Unpack it, and add the files in it.")


class DamagedExport(Unreadable):
    sentence = N_("The chat export is damaged at character {position}.")
    remedy = N_("Export the chat again.")

    def __init__(self, position: int) -> None:
        DocumentRefused.__init__(self, position=position)


class Gone(DocumentRefused):
    """The file system does not open it: there is no such file, or no permission to read it.

    Args:
        reason: what the system said.
    """

    sentence = N_("It cannot be opened: {reason}.")
    remedy = N_("Check that the file exists and that it may be read.")
    is_transient = True

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class BadName(DocumentRefused):
    """The bytes of a file's name are no text, so that it can be neither stored nor cited."""

    sentence = N_("Its name is not text in UTF-8.")
    remedy = N_("Rename it.")

    def __init__(self) -> None:
        super().__init__()


class UploadRemoved(Gone):
    """An uploaded document was deleted while the library was being updated."""

    sentence = N_("It has just been deleted.")
    remedy = N_("Send it again if it is still needed.")

    def __init__(self) -> None:
        DocumentRefused.__init__(self)


def _subclasses(kind: type[DocumentRefused]) -> Iterator[type[DocumentRefused]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


_BY_NAME = {kind.__name__: kind for kind in _subclasses(DocumentRefused)}


def refusal_to_record(refusal: DocumentRefused) -> dict[str, Any]:
    """A refusal as plain values, to be stored as JSON."""
    return {"name": type(refusal).__name__, "details": refusal.details}


def refusal_from_record(record: dict[str, Any]) -> DocumentRefused:
    """The refusal that `refusal_to_record` stored; one of a class that this release does not know is `Unreadable`."""
    kind = _BY_NAME.get(record["name"])
    return kind(**record["details"]) if kind else Unreadable(record["name"])


def error_reason(error: BaseException) -> str:
    """What a library said when it failed, in one short line."""
    lines = str(error).strip().splitlines()
    return (lines[0][:200].rstrip(". ") if lines else "") or type(error).__name__
