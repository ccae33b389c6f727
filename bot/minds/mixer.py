"""A mixer of adapters with buttons: what is chosen, what pressing a button changes, and all of it in a few characters.

A button carries the whole mix that pressing it leads to, so nothing is kept between two presses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from bot.minds.grammar import (
    MAX_TERMS,
    MAX_WEIGHT,
    MIN_WEIGHT,
    WEIGHT_STEP,
    Base,
    NamedBand,
    Sum,
    Term,
    parse_expression,
)
from inference.adapters.manifest import AdapterKind

if TYPE_CHECKING:
    from bot.minds.mind import Mind

PAGE_SIZE: Final = 5
"""Adapters shown at once."""
WEIGHT_INCREMENT: Final = Decimal("0.10")
MAX_ENCODED_LENGTH: Final = 4 + 4 * MAX_TERMS
"""Characters of a mix as it is written."""
_DIGITS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_BANDS: Final[tuple[NamedBand | None, ...]] = (None, *NamedBand)


@dataclass(frozen=True, slots=True)
class Mix:
    """What is chosen, and which page of the adapters is shown."""

    terms: tuple[Term, ...] = ()
    """In the order they were chosen; their bands are thirds or none."""
    page: int = 0

    @property
    def mode(self) -> str:
        """The mode it comes to."""
        return str(Sum(self.terms)) if self.terms else str(Base())

    def term(self, name: str) -> Term | None:
        """An adapter as it is chosen; None when it is not."""
        return next((term for term in self.terms if term.name == name), None)

    def toggle(self, name: str, mind: Mind) -> Mix:
        """With an adapter that was not chosen, or without one that was. Isolated ones are never with others."""
        if self.term(name) is not None:
            return replace(self, terms=tuple(term for term in self.terms if term.name != name))
        isolated = mind.adapters[name].kind is AdapterKind.ISOLATED
        kept = tuple(term for term in self.terms if (mind.adapters[term.name].kind is AdapterKind.ISOLATED) == isolated)
        return replace(self, terms=(*kept, Term(name))) if len(kept) < MAX_TERMS else self

    def increase_weight(self, name: str) -> Mix:
        """With more of a chosen adapter."""
        return self._adjust_weight(name, WEIGHT_INCREMENT)

    def decrease_weight(self, name: str) -> Mix:
        """With less of it."""
        return self._adjust_weight(name, -WEIGHT_INCREMENT)

    def reset_weight(self, name: str) -> Mix:
        """With its weight left to the composition again."""
        return self._set_weight(name, None)

    def _adjust_weight(self, name: str, step: Decimal) -> Mix:
        term = self.term(name)
        weight = Decimal(1) if term is None or term.weight is None else term.weight
        return self._set_weight(name, min(max(weight + step, MIN_WEIGHT), MAX_WEIGHT))

    def _set_weight(self, name: str, weight: Decimal | None) -> Mix:
        return replace(self, terms=tuple(replace(t, weight=weight) if t.name == name else t for t in self.terms))


def parse_mix(mode: str, mind: Mind) -> Mix:
    """The mix a mode is; none of `auto` and `base`. Bands of single layers are left out."""
    expression = parse_expression(mode)
    if not isinstance(expression, Sum):
        return Mix()
    known = [term for term in expression.terms if term.name in mind.adapters]
    return Mix(tuple(t if isinstance(t.band, NamedBand) else replace(t, band=None) for t in known))


def page_count(mind: Mind) -> int:
    """How many pages the adapters fill."""
    return max(1, -(-len(mind.adapters) // PAGE_SIZE))


def adapters_on_page(mix: Mix, mind: Mind) -> Sequence[str]:
    """The adapters on the page that is shown."""
    return tuple(mind.adapters)[mix.page * PAGE_SIZE : (mix.page + 1) * PAGE_SIZE]


def encode_mix(mix: Mix, mind: Mind) -> str:
    """A mix in at most `LONGEST` characters of ASCII."""
    names = list(mind.adapters)
    written = [_adapters_fingerprint(mind), _DIGITS[mix.page]]
    for term in mix.terms:
        index = names.index(term.name)
        weight = 0 if term.weight is None else int(term.weight / WEIGHT_STEP)
        band = _BANDS.index(term.band if isinstance(term.band, NamedBand) else None)
        written += (_DIGITS[index // 64], _DIGITS[index % 64], _DIGITS[weight], _DIGITS[band])
    return "".join(written)


def decode_mix(encoded: str, mind: Mind) -> Mix | None:
    """The mix that was written; None when the mind has other adapters now, or it is none."""
    mark, digits = encoded[:3], [_DIGITS.find(c) for c in encoded[3:]]
    if (
        mark != _adapters_fingerprint(mind)
        or not digits
        or -1 in digits
        or len(digits) % 4 != 1
        or digits[0] >= page_count(mind)
    ):
        return None
    names = list(mind.adapters)
    terms: dict[str, Term] = {}
    for high, low, weight, band in zip(*(iter(digits[1:]),) * 4, strict=True):
        index = 64 * high + low
        if index >= len(names) or weight > MAX_WEIGHT / WEIGHT_STEP or band >= len(_BANDS):
            return None
        terms[names[index]] = Term(names[index], weight * WEIGHT_STEP if weight else None, _BANDS[band])
    if len(terms) != len(digits) // 4 or len(terms) > MAX_TERMS:
        return None
    return Mix(tuple(terms.values()), digits[0])


def _adapters_fingerprint(mind: Mind) -> str:
    """What tells the mind's adapters from those of another, or of another day."""
    told = hashlib.sha256("\n".join(mind.adapters).encode()).digest()
    return "".join(_DIGITS[byte % 64] for byte in told[:3])
