"""What can go wrong between a folder and a mind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import BotError, localize_details
from consilium.errors import N_


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to correct in a mind's folder."""

    file: str
    """Relative to the mind's folder."""
    line: int | None
    """Counted from 1; None when the mistake is the file itself."""
    sentence: str
    """What is wrong: a template over `details`."""
    remedy: str
    """What to write instead: a template over `details`."""
    details: Mapping[str, object] = field(default_factory=dict)

    def localize(self, language: str, translate: Callable[[str], str]) -> str:
        """``file:line: what is wrong and what to write``, in one language."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        details = localize_details(self.details, language, translate)
        texts = (translate(template).format(**details) for template in (self.sentence, self.remedy) if template)
        return f"{place}: {' '.join(texts)}"

    def __str__(self) -> str:
        return self.localize("en", str)


class Mistakes(tuple[Mistake, ...]):
    """Mistakes in the order of reading, one a line."""

    __slots__ = ()

    def localize(self, language: str, translate: Callable[[str], str]) -> str:
        """All of them in one language."""
        return "\n".join(mistake.localize(language, translate) for mistake in self)

    def __str__(self) -> str:
        return self.localize("en", str)


class MindError(BotError):
    """Root of what goes wrong with a mind's folder."""


class BrokenMind(MindError):
    """A mind's folder has mistakes; every one that could be found is listed.

    Attributes:
        mistakes: what to correct, sorted by file and line.
    """

    sentence = N_("The mind in {folder} cannot be used until this is corrected:\n{mistakes}")

    def __init__(self, folder: Path, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = Mistakes(sorted(mistakes, key=lambda mistake: (mistake.file, mistake.line or 0)))
        super().__init__(folder=folder, mistakes=self.mistakes)
