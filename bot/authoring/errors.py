"""Errors of making a mind from what an author has written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.core.errors import BotError
from consilium.errors import N_


class AuthoringError(BotError):
    """Base class of what stops an import."""

    exit_code = 2


class NoMind(AuthoringError):
    """The folder to import into is no mind."""

    sentence = N_("There is no mind in {folder}: it has no mind.yaml.")
    remedy = N_("Make one first: consilium init {folder}")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)


class NothingToImport(AuthoringError):
    """The sources have no file that an import reads."""

    sentence = N_("There is nothing to import in {sources}.")
    remedy = N_(
        "Name files or folders: an export of Telegram (JSON), WhatsApp or Discord, questions and answers, articles."
    )

    def __init__(self, sources: Sequence[Path]) -> None:
        super().__init__(sources=", ".join(map(str, sources)))


class AuthorNotGiven(AuthoringError):
    """Chats are imported, and nobody has said who their author is."""

    sentence = N_("Who of those who write in the chats is the author? Most likely “{likely}”.")
    remedy = N_("Add --author with a name or an id. Those who write: {names}.")
    personal = ("likely", "names")

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(likely=names[0], names=", ".join(names))


class UnknownAuthor(AuthoringError):
    """No sender in the chats has the name that was given for the author."""

    sentence = N_("Nobody in the chats is called “{name}”.")
    remedy = N_("Those who write there: {names}.")
    personal = ("name", "names")

    def __init__(self, name: str, names: Sequence[str]) -> None:
        super().__init__(name=name, names=", ".join(names))


class AmbiguousAuthor(AuthoringError):
    """Two accounts in one export have the author's name."""

    sentence = N_("Several accounts are called “{name}”: {ids}.")
    remedy = N_("Give the id in place of the name.")
    personal = ("name", "ids")

    def __init__(self, name: str, ids: Sequence[str]) -> None:
        super().__init__(name=name, ids=", ".join(ids))


class NotImported(AuthoringError):
    """A review is asked for before an import."""

    sentence = N_("Nothing has been imported into {folder}.")
    remedy = N_("Run: consilium mind import {folder} --from EXPORT")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)


class NoSuchDialogue(AuthoringError):
    """A decision of a review names a dialogue that the import does not have."""

    sentence = N_("The import has no dialogue “{id}”.")
    remedy = N_("The review shows the ids; they change when other files are imported.")

    def __init__(self, id: str) -> None:  # noqa: A002 - the name that the template and the reader know
        super().__init__(id=id)


class NoSuchSubject(AuthoringError):
    """A subject is renamed, merged or dropped that was not proposed."""

    sentence = N_("No subject “{name}” was proposed.")
    remedy = N_("The proposed ones are: {known}.")

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(name=name, known=", ".join(known) or "–")


class SubjectNameUnusable(AuthoringError):
    """Modes cannot be written with the name that a subject is given, or it stands for something else already."""

    sentence = N_("“{name}” cannot be the name of a topic.")
    remedy = N_("Begin with a letter, use letters, digits, “-” and “_”, and no name that is in use.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class EditNotUsable(AuthoringError):
    """An edited dialogue cannot be trained on."""

    sentence = N_("The edited dialogue cannot be learnt: user and assistant must take turns, the assistant last.")
    remedy = N_("Keep the lines [user] and [assistant], each with words below it.")


class WebPageExport(AuthoringError):
    """An export of Telegram as web pages, in which replies and authors cannot be recognised reliably."""

    sentence = N_("This is an export of Telegram as web pages.")
    remedy = N_("Export the chat again: in Telegram Desktop choose “Machine-readable JSON” as the format.")


class BadQuestions(AuthoringError):
    """The questions of an evaluation cannot be read."""

    sentence = N_("{path}, line {line}: this is no question.")
    remedy = N_('Write one a line, such as {{"question": "…", "mode": "core"}}; the manual of `mind eval` tells more.')

    def __init__(self, path: Path, line: int) -> None:
        super().__init__(path=path, line=line)


class EvaluationTimeOver(AuthoringError):
    """The time that was given for an evaluation is over."""

    exit_code = 75
    sentence = N_("The time for the evaluation is over; what is measured so far is kept.")
    remedy = N_("Run the same command again: it goes on from there.")


class NothingToEvaluate(AuthoringError):
    """A mind has no questions to be measured with."""

    sentence = N_("{folder} has nothing to be measured with: no questions and no held-out dialogues.")
    remedy = N_("Write evaluation/questions.jsonl, or give an adapter `heldout: dialogues/FILE.jsonl` in mind.yaml.")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)
