"""Errors of minds: mistakes in a mind's folder, and modes that are refused."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.errors import BotError, localize_details
from consilium.errors import N_

if TYPE_CHECKING:
    from bot.core.errors import Localizable


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


EXCERPT_LENGTH = 60
"""Characters of a person's text that an error repeats."""


def safe_excerpt(text: str) -> str:
    """`text` as an error may repeat it: printable, on one line, not too long."""
    clean = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " for c in text[: EXCERPT_LENGTH * 4])
    clean = " ".join(clean.split())
    return clean if len(clean) <= EXCERPT_LENGTH else clean[: EXCERPT_LENGTH - 1] + "…"


class ModeError(BotError):
    """Root of refused modes.

    Attributes:
        working: what may be written instead, the likeliest first; never empty.
    """

    def __init__(self, alternatives: Sequence[str], **details: object) -> None:
        self.alternatives = tuple(alternatives)
        super().__init__(working=", ".join(self.alternatives), **details)


class EmptyMode(ModeError):
    """Nothing is left of the text once spaces are gone."""

    sentence = N_("No mode was named.")
    remedy = N_("Try {working}, or the names of adapters joined with “+”.")

    def __init__(self) -> None:
        super().__init__(["auto", "base"])


class ModeTooLong(ModeError):
    """The text is longer than any mode can be."""

    sentence = N_("A mode has at most {limit} characters; this one has {length}.")
    remedy = N_("Try {working}, or the names of a few adapters joined with “+”.")

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(["auto", "base"], length=length, limit=limit)


class TooManyAdapters(ModeError):
    """More adapters are named than one mode composes."""

    sentence = N_("A mode composes at most {limit} adapters; this one has {count}.")
    remedy = N_("Try {working}.")

    def __init__(self, count: int, limit: int, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, count=count, limit=limit)


class UnreadableMode(ModeError):
    """A piece of the expression is not an adapter's name with an optional weight and band."""

    sentence = N_("“{piece}” cannot be read as an adapter's name with an optional weight and band.")
    remedy = N_("Try {working}; names are joined with “+”, a weight follows “*”, a band follows “@”.")

    def __init__(self, piece: str, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, piece=safe_excerpt(piece))


class BadWeight(ModeError):
    """What stands after “*” is not a weight the grammar knows."""

    sentence = N_("“{weight}” is not a weight for {name}.")
    remedy = N_("Weights go from 0.05 to 2.00 in steps of 0.05; try {working}.")

    def __init__(self, name: str, weight: str, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, name=safe_excerpt(name), weight=safe_excerpt(weight))


class BadBand(ModeError):
    """What stands after “@” is not a band the grammar knows."""

    sentence = N_("“{band}” is not a band for {name}.")
    remedy = N_("A band is early, mid, late or the first and last layer, as in 8-15; try {working}.")

    def __init__(self, name: str, band: str, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, name=safe_excerpt(name), band=safe_excerpt(band))


class RepeatedAdapter(ModeError):
    """One adapter is named twice, perhaps by two of its names."""

    sentence = N_("{name} is named twice.")
    remedy = N_("Name it once, with a weight if it should be stronger; try {working}.")

    def __init__(self, name: str, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, name=safe_excerpt(name))


class MustStandAlone(ModeError):
    """`auto`, `base` or a named mode is joined with something, or carries a weight or a band."""

    sentence = N_("{name} stands alone: it takes neither a weight nor a band, and nothing joins it.")
    remedy = N_("Try {working}.")

    def __init__(self, name: str, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, name=safe_excerpt(name))


class UnknownAdapter(ModeError):
    """No adapter, alias or named mode of the mind has this name."""

    sentence = N_("This mind has no adapter or mode named “{name}”.")
    remedy = N_("Try {working}.")

    def __init__(self, name: str, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, name=safe_excerpt(name))


class IsolatedAdapter(ModeError):
    """An isolated adapter is joined with the core or a topic."""

    sentence = N_("{isolated} is kept apart from the author's own voice, so it never joins {others}.")
    remedy = N_("Try {working}.")

    def __init__(self, isolated: Collection[str], others: Collection[str], alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, isolated=", ".join(isolated), others=", ".join(others))


class ForbiddenComposition(ModeError):
    """The mind's policies forbid these adapters together."""

    sentence = N_("This mind does not join {adapters}: “{reason}”")
    remedy = N_("Try {working}.")

    def __init__(self, adapters: Collection[str], reason: Localizable, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, adapters=", ".join(adapters), reason=reason)


class LayersOutOfRange(ModeError):
    """A band names layers the base model does not have."""

    sentence = N_("The base model has layers 0-{last}; {band} is not among them.")
    remedy = N_("Try {working}.")

    def __init__(self, band: str, layer_count: int, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, band=band, last=layer_count - 1)


class ModeNotAllowed(ModeError):
    """The mind keeps this mode, or an adapter in it, for people in other roles."""

    sentence = N_("{name} is not open to everyone in this mind.")
    remedy = N_("Try {working}.")

    def __init__(self, name: str, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, name=name)
