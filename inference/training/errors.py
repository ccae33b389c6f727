"""What goes wrong while training, and a file of dialogues that cannot be read.

TrainingError
    InvalidDialogues    a file, with each of its bad records
    TooFewDialogues, LeakedDialogues
    RecordRefused       one record, or the file itself: see `inference.training.forms.refusals`
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from consilium.errors import N_, N_plural
from inference.errors import InferenceError

MAX_LISTED: Final = 20
"""Bad records that an error spells out; of more it gives the number."""


class TrainingError(InferenceError):
    """Root of what goes wrong while training."""


class RecordRefused(TrainingError):
    """Root of what is wrong with one record of a file, or with the file as a whole."""


class Place(StrEnum):
    """What the number of a record counts."""

    FILE = "file"
    """Nothing: the file itself is at fault."""
    LINE = "line"
    RECORD = "record"
    """Elements of a JSON array."""


_PLACES: Final = {
    Place.FILE: N_("{file}: {problem}"),
    Place.LINE: N_("{file}, line {number}: {problem}"),
    Place.RECORD: N_("{file}, record {number}: {problem}"),
}


@dataclass(frozen=True, slots=True)
class BadRecord:
    """One thing to correct in a file of dialogues."""

    file: str
    place: Place
    number: int
    """Counted from 1; 0 when the file itself is at fault."""
    refusal: RecordRefused

    def localize(self, language: str, translate: Callable[[str], str]) -> str:
        """Where it is, what is wrong there, and what to write instead, in one language."""
        details = self.refusal.details
        problem = " ".join(translate(template).format(**details) for template in self.refusal.templates)
        return translate(_PLACES[self.place]).format(file=self.file, number=self.number, problem=problem)

    def __str__(self) -> str:
        return self.localize("en", str)


class BadRecords(tuple[BadRecord, ...]):
    """Bad records in the order of the file; as text one a line, and of many the first."""

    __slots__ = ()

    def localize(self, language: str, translate: Callable[[str], str]) -> str:
        """The first `MAX_LISTED` in one language, and how many more there are."""
        lines = [bad.localize(language, translate) for bad in self[:MAX_LISTED]]
        if (more := len(self) - MAX_LISTED) > 0:
            lines.append(translate(N_("… and {more} more.")).format(more=more))
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.localize("en", str)


class InvalidDialogues(TrainingError):
    """A file of dialogues cannot be read, or some of its records cannot.

    Attributes:
        problems: every bad record, in the order of the file.
    """

    sentence = N_("{path} cannot be used until this is corrected:\n{problems}")

    def __init__(self, path: Path, problems: Sequence[BadRecord]) -> None:
        self.problems = BadRecords(problems)
        super().__init__(path=path, line=problems[0].number, problems=self.problems)


class LeakedDialogues(TrainingError):
    """Held-out dialogues are among those trained on, and that was not to be let pass."""

    sentence = N_plural(
        "{found} held-out dialogue of the adapter “{name}” is also trained on.",
        "{found} held-out dialogues of the adapter “{name}” are also trained on.",
        "found",
    )
    remedy = N_("Take them out of one of the two files, or leave out --strict.")

    def __init__(self, name: str, found: int) -> None:
        super().__init__(name=name, found=found)


class TooFewDialogues(TrainingError):
    """There is not enough to learn from and to stop by."""

    sentence = N_("The adapter “{name}” has {found} dialogues; training needs at least {needed}.")
    remedy = N_("Write more dialogues: below that, an adapter learns the examples and not the voice.")

    def __init__(self, name: str, found: int, needed: int) -> None:
        super().__init__(name=name, found=found, needed=needed)
