"""What goes into a composition: packages, how much of each, in which layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inference.adapters.errors import BandOutOfRange, WeightOutOfRange
from inference.adapters.package import AdapterPackage
from inference.base_model import BaseModelSpec

MIN_WEIGHT, MAX_WEIGHT = 0.05, 2.0


@dataclass(frozen=True, slots=True)
class Part:
    """One adapter of a composition.

    Raises:
        WeightOutOfRange: the weight is not from 0.05 to 2.
    """

    package: AdapterPackage
    weight: float = 1.0
    """What its delta is multiplied by; kept in hundredths, so that equal recipes have equal names."""
    layers: range | None = None
    """The layers it acts on, counted from 0; None for all it was trained on."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and MIN_WEIGHT <= (weight := round(self.weight, 2)) <= MAX_WEIGHT):
            raise WeightOutOfRange(self.weight, MIN_WEIGHT, MAX_WEIGHT)
        object.__setattr__(self, "weight", weight)

    @property
    def weight_hundredths(self) -> int:
        """The weight as a whole number."""
        return round(self.weight * 100)

    @property
    def band(self) -> tuple[int, int] | None:
        """First and last layer, both included; None for all."""
        return (self.layers[0], self.layers[-1]) if self.layers is not None else None

    @property
    def layer_groups(self) -> Mapping[int, int]:
        """The layers the part changes, with the number of their form (`AdapterPackage.forms`)."""
        forms = self.package.layer_groups
        return forms if self.layers is None else {layer: forms[layer] for layer in self.layers if layer in forms}


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
    return sorted(parts, key=lambda part: (part.package.digest, part.weight_hundredths, part.band or (-1, -1)))
