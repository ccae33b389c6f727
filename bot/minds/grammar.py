"""The grammar of modes: adapters, weights and bands of layers, and their canonical form.

mode = "auto" | "base" | term {"+" term}
    term = name ["*" weight] ["@" band]

A weight is from -3 to 3 in steps of 0.01, without 0; a negative one takes the adapter away.
Parsing accepts any case and width of letters, spaces, a decimal comma, `×`, and weight and band in either order.
`str` gives the one canonical form: ``parse_expression(str(mode)) == mode`` for every mode.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from bot.minds.errors import (
    BadBand,
    BadWeight,
    EmptyMode,
    LayersOutOfRange,
    ModeTooLong,
    MustStandAlone,
    RepeatedAdapter,
    TooManyAdapters,
    UnreadableMode,
)

MAX_EXPRESSION_LENGTH: Final = 200
"""Maximum length of an expression in characters."""
MAX_TERMS: Final = 8
"""Maximum number of adapters in one composition."""
MAX_WEIGHT: Final = Decimal("3.00")
"""The largest weight; its negative is the smallest."""
WEIGHT_STEP: Final = Decimal("0.01")
_DASHES: Final = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043"), "-")
_TIMES: Final = dict.fromkeys(map(ord, "×∗⋅·✕✖"), "*")
_TERM: Final = re.compile(
    r"(?P<name>[^*@\s]+)\s*"
    r"(?:(?P<times>\*)\s*(?P<weight>[^*@]*?)\s*)?(?:(?P<at>@)\s*(?P<band>[^*@]*?)\s*)?"
    r"(?:(?P<times_after>\*)\s*(?P<weight_after>[^*@]*?)\s*)?"
)
_NUMBER: Final = re.compile(r"(?P<minus>-\s*)?(?P<digits>[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)")
_LAYER_RANGE: Final = re.compile(r"([0-9]{1,3})\s*-\s*([0-9]{1,3})")


class NamedBand(StrEnum):
    """A third of the model's layers, counted from the input."""

    EARLY = "early"
    MID = "mid"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class LayerRange:
    """Layers from `first` to `last`, both included, counted from 0."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


Band = NamedBand | LayerRange


@dataclass(frozen=True, slots=True)
class Auto:
    """A mode is chosen for each message."""

    def __str__(self) -> str:
        return "auto"


@dataclass(frozen=True, slots=True)
class Base:
    """The base model alone, with no adapter."""

    def __str__(self) -> str:
        return "base"


@dataclass(frozen=True, slots=True)
class Term:
    """One adapter in a mode."""

    name: str
    """Normalised. It may be an alias: names are looked up when the mode is resolved."""
    weight: Decimal | None = None
    """None: the composition chooses the weight. A negative one takes the adapter away."""
    band: Band | None = None
    """None: all layers."""

    def __str__(self) -> str:
        weight = "" if self.weight is None else f"*{self.weight.normalize():f}"
        band = "" if self.band is None else f"@{self.band}"
        return f"{self.name}{weight}{band}"


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum of adapters. Their order does not matter."""

    terms: tuple[Term, ...]
    """Sorted by name; each name is there once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", tuple(sorted(self.terms, key=lambda term: term.name)))

    def __str__(self) -> str:
        return "+".join(map(str, self.terms))


ModeExpression = Auto | Base | Sum
RESERVED: Final[dict[str, Auto | Base]] = {"auto": Auto(), "авто": Auto(), "base": Base(), "база": Base()}
"""Words that cannot name an adapter, an alias or a named mode."""


def normalise(text: str) -> str:
    """Unify the width and case of letters and the kinds of dashes, and drop invisible characters. Idempotent."""
    for _ in range(8):
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(_DASHES)
        folded = "".join(c for c in folded if unicodedata.category(c) != "Cf")
        if folded == text:
            break
        text = folded
    return text


def is_valid_name(text: str) -> bool:
    """Whether normalised `text` can name an adapter: letters of any script, digits, `-` and `_`."""
    return bool(text) and text[0].isalnum() and all(_is_name_character(c) for c in text)


def parse_expression(text: str) -> ModeExpression:
    """Parse an expression. Names are not looked up.

    Raises:
        ModeError: the text is not an expression. The error names similar ones that are.
    """
    text = text.strip()
    if len(text) > MAX_EXPRESSION_LENGTH:
        raise ModeTooLong(len(text), MAX_EXPRESSION_LENGTH)
    folded = normalise(text).translate(_TIMES).strip()
    if not folded:
        raise EmptyMode
    if folded in RESERVED:
        return RESERVED[folded]
    pieces = [piece.strip() for piece in folded.split("+")]
    terms = [_parse_term(piece, folded) for piece in pieces]
    return _build_sum(terms)


def _build_sum(terms: list[Term]) -> Sum:
    seen: dict[str, Term] = {}
    for term in terms:
        if term.name in RESERVED:
            others = [str(Sum((other,))) for other in terms if other.name not in RESERVED]
            raise MustStandAlone(term.name, [*dict.fromkeys(others), str(RESERVED[term.name])])
        if term.name in seen:
            raise RepeatedAdapter(term.name, [f"{term.name}*1.5", term.name])
        seen[term.name] = term
    if len(terms) > MAX_TERMS:
        raise TooManyAdapters(len(terms), MAX_TERMS, [str(Sum(tuple(terms[:MAX_TERMS])))])
    return Sum(tuple(terms))


def _parse_term(piece: str, expression: str) -> Term:
    match = _TERM.fullmatch(piece)
    if not match or not is_valid_name(match["name"]) or (match["times"] and match["times_after"]):
        raise UnreadableMode(piece or expression, [_suggest_expression(expression)])
    name = match["name"]
    if name in RESERVED:
        # It must stand alone; whether its weight or band is valid does not matter.
        return Term(name)
    weight = band = None
    if match["times"] or match["times_after"]:
        weight = _parse_weight(name, match["weight"] if match["times"] else match["weight_after"])
    if match["at"]:
        band = parse_band(match["band"])
        if band is None:
            raise BadBand(name, match["band"], [f"{name}@late", f"{name}@8-15"])
    return Term(name, weight, band)


def _parse_weight(name: str, text: str) -> Decimal:
    match = _NUMBER.fullmatch(text)
    if not match:
        raise BadWeight(name, text, [f"{name}*0.7", name])
    size = Decimal(match["digits"].replace(",", "."))
    weight = nearest_weight(-size if match["minus"] else size)
    if abs(weight) != size:
        raise BadWeight(name, text, [str(Term(name, weight))])
    return weight


def nearest_weight(number: Decimal) -> Decimal:
    """The weight nearest to a number; for 0 the smallest, for nothing is composed with weight 0."""
    steps = round(min(max(number, -MAX_WEIGHT), MAX_WEIGHT) / WEIGHT_STEP)
    if not steps:
        steps = -1 if number < 0 else 1
    return (steps * WEIGHT_STEP).normalize()


def _suggest_expression(text: str) -> str:
    """An expression of the words in `text` that can be names; `auto` if there are none."""
    words = "".join(c if _is_name_character(c) else " " for c in text).split()
    names = [word for word in words if is_valid_name(word) and not word.isdecimal() and parse_band(word) is None]
    adapters = [name for name in dict.fromkeys(names) if name not in RESERVED]
    return "+".join(adapters[:MAX_TERMS]) or "auto"


def _is_name_character(character: str) -> bool:
    return character in "-_" or unicodedata.category(character)[0] in "LNM"


def parse_band(text: str) -> Band | None:
    """The band that normalised `text` stands for; None if it is not a band."""
    if text in tuple(NamedBand):
        return NamedBand(text)
    if match := _LAYER_RANGE.fullmatch(text):
        first, last = int(match[1]), int(match[2])
        return LayerRange(first, last) if first <= last else None
    return None


def resolve_band(band: Band, layer_count: int) -> LayerRange:
    """The layers of `band` in a model with `layer_count` layers. The three named bands cover each layer once.

    Raises:
        LayersOutOfRange: the model does not have those layers.
    """
    if isinstance(band, LayerRange):
        first, last = band.first, band.last
    else:
        third = list(NamedBand).index(band)
        first, last = third * layer_count // 3, (third + 1) * layer_count // 3 - 1
    if not first <= last < layer_count:
        nearest = LayerRange(first, layer_count - 1) if first < layer_count else LayerRange(0, layer_count - 1)
        raise LayersOutOfRange(str(band), layer_count, [str(nearest)])
    return LayerRange(first, last)
