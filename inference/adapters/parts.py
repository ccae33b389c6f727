"""What goes into a composition: packages, how much of each, in which layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inference.adapters.errors import BandOutOfRange, WeightOutOfRange
from inference.adapters.package import AdapterPackage
from inference.base_model import BaseModelSpec

MAX_WEIGHT = 3.0
"""The largest weight; its negative is the smallest."""
MIN_STRENGTH, MAX_STRENGTH = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Part:
    """One adapter of a composition.

    Raises:
        WeightOutOfRange: the weight is not from -3 to 3 or is 0, or the strength is not from 0.1 to 2.
    """

    package: AdapterPackage
    weight: float = 1.0
    """How much of it the mode asks for, negative to take it away; kept in hundredths, so that equal recipes have equal
    names."""
    layers: range | None = None
    """The layers it acts on, counted from 0; None for all it was trained on."""
    strength: float = 1.0
    """What its mind multiplies every weight by; kept in hundredths, too."""
    is_core: bool = False
    """Whether it is the core of its mode, which the merge method `project` leaves whole."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", _rounded(self.weight, -MAX_WEIGHT, MAX_WEIGHT))
        object.__setattr__(self, "strength", _rounded(self.strength, MIN_STRENGTH, MAX_STRENGTH))

    @property
    def scaled_weight(self) -> float:
        """What its delta is multiplied by: the weight times the strength."""
        return self._ten_thousandths / 10_000

    @property
    def hundredths(self) -> int | float:
        """The scaled weight in hundredths: a whole number wherever it is one, as it always is at strength 1."""
        whole, rest = divmod(self._ten_thousandths, 100)
        return self._ten_thousandths / 100 if rest else whole

    @property
    def _ten_thousandths(self) -> int:
        return round(self.weight * 100) * round(self.strength * 100)

    @property
    def band(self) -> tuple[int, int] | None:
        """First and last layer, both included; None for all."""
        return (self.layers[0], self.layers[-1]) if self.layers is not None else None

    @property
    def layer_groups(self) -> Mapping[int, int]:
        """The layers the part changes, with the number of their form (`AdapterPackage.forms`)."""
        forms = self.package.layer_groups
        return forms if self.layers is None else {layer: forms[layer] for layer in self.layers if layer in forms}


def _rounded(factor: float, least: float, most: float) -> float:
    """The factor in hundredths.

    Raises:
        WeightOutOfRange: it is not from `least` to `most`, or comes to 0.
    """
    if not (math.isfinite(factor) and least <= (rounded := round(factor, 2)) <= most and rounded):
        raise WeightOutOfRange(factor, least, most)
    return rounded


def canonical_order(parts: Sequence[Part], base: BaseModelSpec) -> list[Part]:
    """The parts in the one order that a recipe has, whatever order they were named in.

    Raises:
        BandOutOfRange: a band is empty, has gaps, or goes past the base's layers.
        WeightsNotFinite, PackageUnreadable, PackageChanged: the numbers, looked at once for the digest, are unsound.
    """
    for part in parts:
        band = part.layers
        if band is not None and (not band or band.step != 1 or band[0] < 0 or band[-1] >= base.layers):
            raise BandOutOfRange(f"{band.start}-{band.stop - 1}", base.layers - 1)
    return sorted(parts, key=lambda part: (part.package.digest, part.hundredths, part.band or (-1, -1)))
