"""The adapter mixer: a mode that people put together with buttons.

The data of each button is the whole mix that pressing it leads to, encoded in a few characters. So the service keeps no
state between two presses.
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
    WEIGHT_STEP,
    Base,
    NamedBand,
    Sum,
    Term,
    nearest_weight,
    parse_expression,
)
from inference.adapters.manifest import AdapterKind

if TYPE_CHECKING:
    from bot.minds.mind import Mind

PAGE_SIZE: Final = 5
"""Adapters shown on one page."""
WEIGHT_INCREMENT: Final = Decimal("0.10")
MAX_ENCODED_LENGTH: Final = 4 + 4 * MAX_TERMS
"""Maximum length of an encoded mix in characters."""
_DIGITS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_BANDS: Final[tuple[NamedBand | None, ...]] = (None, *NamedBand)
_MAX_STEPS: Final = int(MAX_WEIGHT / WEIGHT_STEP)
_ENCODING: Final = "weights from -3"
"""What buttons mean; those of a version with another encoding decode to nothing."""


@dataclass(frozen=True, slots=True)
class Mix:
    """The chosen adapters, and the page of adapters that is shown."""

    terms: tuple[Term, ...] = ()
    """In the order they were chosen. Their bands are named ones or None."""
    page: int = 0
    """Counted from 0."""

    @property
    def mode(self) -> str:
        """The canonical form of the mode."""
        return str(Sum(self.terms)) if self.terms else str(Base())

    def term(self, name: str) -> Term | None:
        """The term of a chosen adapter; None if it is not chosen."""
        return next((term for term in self.terms if term.name == name), None)

    def toggle(self, name: str, mind: Mind) -> Mix:
        """The mix with one adapter more or less.

        Choosing an isolated adapter drops the others, and the other way round. At `MAX_TERMS` nothing is added.
        """
        if self.term(name) is not None:
            return replace(self, terms=tuple(term for term in self.terms if term.name != name))
        isolated = mind.adapters[name].kind is AdapterKind.ISOLATED
        compatible = tuple(
            term for term in self.terms if (mind.adapters[term.name].kind is AdapterKind.ISOLATED) == isolated
        )
        return replace(self, terms=(*compatible, Term(name))) if len(compatible) < MAX_TERMS else self

    def increase_weight(self, name: str) -> Mix:
        """The mix with a larger weight of a chosen adapter; from the smallest steps it goes over to the other sign."""
        return self._adjust_weight(name, WEIGHT_INCREMENT)

    def decrease_weight(self, name: str) -> Mix:
        """The mix with a smaller weight of a chosen adapter."""
        return self._adjust_weight(name, -WEIGHT_INCREMENT)

    def reset_weight(self, name: str) -> Mix:
        """The mix with the composition's default weight of a chosen adapter."""
        return self._set_weight(name, None)

    def _adjust_weight(self, name: str, step: Decimal) -> Mix:
        term = self.term(name)
        weight = Decimal(1) if term is None or term.weight is None else term.weight
        changed = weight + step
        if changed.normalize() == 0 or (changed < 0) != (weight < 0):
            # 0 is not a weight: a step onto it, or over it, ends at the first tenth of the other side.
            changed = step
        return self._set_weight(name, nearest_weight(changed))

    def _set_weight(self, name: str, weight: Decimal | None) -> Mix:
        return replace(self, terms=tuple(replace(t, weight=weight) if t.name == name else t for t in self.terms))


def parse_mix(mode: str, mind: Mind) -> Mix:
    """The mix of a mode, empty for `auto` and `base`. Bands with layer numbers and merge methods are dropped."""
    expression = parse_expression(mode)
    if isinstance(expression, Sum) and expression.terms[0].name in mind.modes:
        expression = parse_expression(mind.modes[expression.terms[0].name].mode)
    if not isinstance(expression, Sum):
        return Mix()
    known = [term for term in expression.terms if term.name in mind.adapters]
    return Mix(tuple(t if isinstance(t.band, NamedBand) else replace(t, band=None) for t in known))


def page_count(mind: Mind) -> int:
    """The number of pages of adapters, at least 1."""
    return max(1, -(-len(mind.adapters) // PAGE_SIZE))


def adapters_on_page(mix: Mix, mind: Mind) -> Sequence[str]:
    """The adapters on the mix's page."""
    return tuple(mind.adapters)[mix.page * PAGE_SIZE : (mix.page + 1) * PAGE_SIZE]


def encode_mix(mix: Mix, mind: Mind) -> str:
    """The mix in at most `MAX_ENCODED_LENGTH` ASCII characters."""
    names = list(mind.adapters)
    digits = [_adapters_fingerprint(mind), _DIGITS[mix.page]]
    for term in mix.terms:
        index = names.index(term.name)
        # From 0 on: the weights from the smallest to the largest, with none in the place of 0.
        steps = _MAX_STEPS + (0 if term.weight is None else int(term.weight / WEIGHT_STEP))
        band = _BANDS.index(term.band if isinstance(term.band, NamedBand) else None)
        high, low = divmod(steps * len(_BANDS) + band, 64)
        digits += (_DIGITS[index // 64], _DIGITS[index % 64], _DIGITS[high], _DIGITS[low])
    return "".join(digits)


def decode_mix(encoded: str, mind: Mind) -> Mix | None:
    """The encoded mix; None if the text is not one, or if the mind's adapters have changed."""
    fingerprint, digits = encoded[:3], [_DIGITS.find(c) for c in encoded[3:]]
    if (
        fingerprint != _adapters_fingerprint(mind)
        or not digits
        or -1 in digits
        or len(digits) % 4 != 1
        or digits[0] >= page_count(mind)
    ):
        return None
    names = list(mind.adapters)
    terms: dict[str, Term] = {}
    for high, low, weight_high, weight_low in zip(*(iter(digits[1:]),) * 4, strict=True):
        index = 64 * high + low
        steps, band = divmod(64 * weight_high + weight_low, len(_BANDS))
        steps -= _MAX_STEPS
        if index >= len(names) or steps > _MAX_STEPS:
            return None
        weight = (steps * WEIGHT_STEP).normalize() if steps else None
        terms[names[index]] = Term(names[index], weight, _BANDS[band])
    if len(terms) != len(digits) // 4 or len(terms) > MAX_TERMS:
        return None
    return Mix(tuple(terms.values()), digits[0])


def _adapters_fingerprint(mind: Mind) -> str:
    """Three characters that depend on the encoding and on the names and order of the mind's adapters."""
    digest = hashlib.sha256("\n".join((_ENCODING, *mind.adapters)).encode()).digest()
    return "".join(_DIGITS[byte % 64] for byte in digest[:3])
