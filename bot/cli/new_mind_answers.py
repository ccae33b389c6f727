"""What `consilium mind new` is told, once: kept in the mind, so that the same command goes on where it was killed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from bot.authoring.outcome import WORK_FOLDER
from bot.authoring.stages import StageFolder
from consilium.files import write_atomically

_FILE: Final = "new.json"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a new mind is made with."""

    authors: tuple[str, ...] = ()
    """Names or ids; empty until the author is known."""
    others_words: bool | None = None
    """None until it is known."""

    def given(self, authors: Sequence[str] | None, others_words: bool | None) -> Answers:
        """With what a command line says, which goes before what was said earlier."""
        return replace(
            self,
            authors=tuple(authors) if authors else self.authors,
            others_words=self.others_words if others_words is None else others_words,
        )


def begin_answers(folder: Path, answers: Answers) -> None:
    """Mark a folder as a mind that is being made; blocking."""
    StageFolder(folder / WORK_FOLDER)
    write_answers(folder, answers)


def write_answers(folder: Path, answers: Answers) -> None:
    """Keep what was said; blocking."""
    text = json.dumps(asdict(answers), ensure_ascii=False, indent=1) + "\n"
    write_atomically(folder / WORK_FOLDER / _FILE, text, mode=0o600)


def read_answers(folder: Path) -> Answers | None:
    """What was said before; None where no mind is being made. Damaged answers are asked for again."""
    try:
        text = (folder / WORK_FOLDER / _FILE).read_text("utf-8")
    except OSError:
        return None
    try:
        record = json.loads(text)
        return Answers(tuple(map(str, record["authors"])), record["others_words"])
    except (ValueError, KeyError, TypeError):
        return Answers()
