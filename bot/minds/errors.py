"""Errors of minds: mistakes in a mind's folder, and modes that cannot be used.

MindError
  BrokenMind               a folder with mistakes in it
ModeError
  EmptyMode, ModeTooLong, TooManyAdapters, UnreadableMode, BadWeight, BadBand    the text is not a mode
  RepeatedAdapter, MustStandAlone, UnknownAdapter                                the names do not fit
  IsolatedAdapter, ForbiddenComposition, LayersOutOfRange, ModeNotAllowed        the mind or its model refuses
  AdapterOutOfService                                                            an adapter cannot be used
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.core.errors import BotError, localize_details
from consilium.errors import N_

if TYPE_CHECKING:
    from bot.core.errors import Localizable


EXCERPT_LENGTH: Final = 60
"""Characters of a person's text that an error repeats."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A part of a sentence that is translated on its own."""

    template: str
    details: Mapping[str, object] = field(default_factory=dict)

    def localize(self, language: str, translate: Callable[[str], str]) -> str:
        """The phrase in one language."""
        return translate(self.template).format(**localize_details(self.details, language, translate))

    def __str__(self) -> str:
        return self.localize("en", str)


class InvalidValue(ValueError):
    """A value in a mind's file that one of our validators rejects. Pydantic reports it as a `value_error`.

    Attributes:
        sentence: what is wrong, as a template over `details`; it may also name `{place}` and `{found}`.
        remedy: what to write instead, as a template over the same.
        details: the values the templates name.
    """

    def __init__(self, sentence: str, remedy: str, **details: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.remedy = remedy
        self.details = details


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to correct in a mind's folder."""

    file: str
    """Relative to the mind's folder."""
    line: int | None
    """Counted from 1; None when the mistake is the file itself."""
    sentence: str
    """What is wrong, as a template over `details`."""
    remedy: str
    """What to write instead, as a template over `details`."""
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
    """Mistakes in the order of their lines; as text, one per line."""

    __slots__ = ()

    def localize(self, language: str, translate: Callable[[str], str]) -> str:
        """All of them in one language."""
        return "\n".join(mistake.localize(language, translate) for mistake in self)

    def __str__(self) -> str:
        return self.localize("en", str)


class MindError(BotError):
    """Base class of errors in a mind's folder."""


class BrokenMind(MindError):
    """A mind's folder has mistakes; it lists all that could be found.

    Attributes:
        mistakes: what to correct, sorted by file and line.
    """

    sentence = N_("The mind in {folder} cannot be used until this is corrected:\n{mistakes}")

    def __init__(self, folder: Path, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = Mistakes(sorted(mistakes, key=lambda mistake: (mistake.file, mistake.line or 0)))
        super().__init__(folder=folder, mistakes=self.mistakes)


def safe_excerpt(text: str) -> str:
    """`text` as an error may repeat it: printable, on one line, at most `EXCERPT_LENGTH` characters."""
    clean = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " for c in text[: EXCERPT_LENGTH * 4])
    clean = " ".join(clean.split())
    return clean if len(clean) <= EXCERPT_LENGTH else clean[: EXCERPT_LENGTH - 1] + "…"


class ModeError(BotError):
    """Base class of errors about a mode.

    Attributes:
        alternatives: modes that work, the likeliest first; never empty.
    """

    def __init__(self, alternatives: Sequence[str], **details: object) -> None:
        self.alternatives = tuple(alternatives)
        super().__init__(working=", ".join(self.alternatives), **details)


class EmptyMode(ModeError):
    """The text is empty, or has only spaces."""

    sentence = N_("No mode was named.")
    remedy = N_("Try {working}, or the names of adapters joined with “+”.")

    def __init__(self) -> None:
        super().__init__(["auto", "base"])


class ModeTooLong(ModeError):
    """The text is longer than any mode."""

    sentence = N_("A mode has at most {limit} characters; this one has {length}.")
    remedy = N_("Try {working}, or the names of a few adapters joined with “+”.")

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(["auto", "base"], length=length, limit=limit)


class TooManyAdapters(ModeError):
    """The mode names more adapters than one composition may have."""

    sentence = N_("A mode composes at most {limit} adapters; this one has {count}.")
    remedy = N_("Try {working}.")

    def __init__(self, count: int, limit: int, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, count=count, limit=limit)


class UnreadableMode(ModeError):
    """A part of the expression is not an adapter's name with an optional weight and band."""

    sentence = N_("“{piece}” cannot be read as an adapter's name with an optional weight and band.")
    remedy = N_("Try {working}; names are joined with “+”, a weight follows “*”, a band follows “@”.")
    personal = ("piece",)

    def __init__(self, piece: str, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, piece=safe_excerpt(piece))


class BadWeight(ModeError):
    """The text after “*” is not a weight."""

    sentence = N_("“{weight}” is not a weight for {name}.")
    remedy = N_("Weights go from -3.00 to 3.00 in steps of 0.01, without 0; try {working}.")
    personal = ("name", "weight")

    def __init__(self, name: str, weight: str, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, name=safe_excerpt(name), weight=safe_excerpt(weight))


class BadBand(ModeError):
    """The text after “@” is not a band."""

    sentence = N_("“{band}” is not a band for {name}.")
    remedy = N_("A band is early, mid, late or the first and last layer, as in 8-15; try {working}.")
    personal = ("name", "band")

    def __init__(self, name: str, band: str, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, name=safe_excerpt(name), band=safe_excerpt(band))


class RepeatedAdapter(ModeError):
    """One adapter is named twice, perhaps under two of its names."""

    sentence = N_("{name} is named twice.")
    remedy = N_("Name it once, with a weight if it should be stronger; try {working}.")
    personal = ("name",)

    def __init__(self, name: str, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, name=safe_excerpt(name))


class MustStandAlone(ModeError):
    """`auto`, `base` or a named mode is joined with something, or has a weight or a band."""

    sentence = N_("{name} stands alone: it takes neither a weight nor a band, and nothing joins it.")
    remedy = N_("Try {working}.")
    personal = ("name",)

    def __init__(self, name: str, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, name=safe_excerpt(name))


class UnknownAdapter(ModeError):
    """The mind has no adapter, alias or named mode of this name."""

    sentence = N_("This mind has no adapter or mode named “{name}”.")
    remedy = N_("Try {working}.")
    personal = ("name",)

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
    """A band names layers that the base model does not have."""

    sentence = N_("The base model has layers 0-{last}; {band} is not among them.")
    remedy = N_("Try {working}.")

    def __init__(self, band: str, layer_count: int, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, band=band, last=layer_count - 1)


class AdapterOutOfService(ModeError):
    """An adapter of the mode is damaged, or is not for this mind's base model; the others answer."""

    sentence = N_("{name} is out of service: its adapter is damaged, or is not for this mind's base model.")
    remedy = N_("Try {working}. The operator finds the reason with: consilium doctor")

    def __init__(self, name: str, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, name=name)


class CostsTooMuch(ModeError):
    """By the mind's policy, the mode's composition costs more than it may."""

    sentence = N_(
        "In {mode}, {core} would keep about {kept:.0%} of what it has learnt; this mind asks for {least:.0%}."
    )
    remedy = N_("Try {working}.")

    def __init__(self, mode: str, core: str, kept: float, least: float, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, mode=mode, core=core, kept=kept, least=least)


class DriftsTooFar(ModeError):
    """By the mind's policy, the mode's composition drifts further from the base model than it may."""

    sentence = N_(
        "{mode} would drift {drift:.1f} times as far from the base model as {topic} alone; {most:g} is allowed."
    )
    remedy = N_("Try {working}.")

    def __init__(self, mode: str, topic: str, drift: float, most: float, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, mode=mode, topic=topic, drift=drift, most=most)


class ModeNotAllowed(ModeError):
    """Only people with certain roles may use this mode, or an adapter in it."""

    sentence = N_("{name} is not open to everyone in this mind.")
    remedy = N_("Try {working}.")

    def __init__(self, name: str, alternatives: Sequence[str]) -> None:
        super().__init__(alternatives, name=name)
