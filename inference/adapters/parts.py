"""What goes into a composition: packages, how much of each, in which layers."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from inference.adapters.errors import BandOutOfRange, CurveLengthDiffers, WeightOutOfRange
from inference.adapters.package import AdapterPackage
from inference.base_model import BaseModelSpec

MAX_WEIGHT = 3.0
"""The largest weight; its negative is the smallest."""
MIN_STRENGTH, MAX_STRENGTH = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Part:
    """One adapter of a composition.

    Raises:
        WeightOutOfRange: the weight is not from -3 to 3 or is 0, the strength is not from 0.1 to 2, or the curve goes
            beyond -3 and 3.
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
    curve: tuple[float, ...] | None = None
    """What the weight is multiplied by in each layer of the base, from the first; 0 leaves a layer out. Kept in
    hundredths, and None where it changes nothing."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", _rounded(self.weight, -MAX_WEIGHT, MAX_WEIGHT))
        object.__setattr__(self, "strength", _rounded(self.strength, MIN_STRENGTH, MAX_STRENGTH))
        if self.curve is not None:
            curve = tuple(
                _rounded(factor, -MAX_WEIGHT, MAX_WEIGHT) if round(factor, 2) else 0.0 for factor in self.curve
            )
            object.__setattr__(self, "curve", curve if set(curve) != {1.0} else None)

    @property
    def scaled_weight(self) -> float:
        """What its delta is multiplied by, curve aside: the weight times the strength."""
        return self._ten_thousandths / 10_000

    def weight_at(self, layer: int) -> float:
        """What its delta is multiplied by in one layer."""
        return self._ten_thousandths * self._curve_hundredths(layer) / 1_000_000

    def _curve_hundredths(self, layer: int) -> int:
        return 100 if self.curve is None else round(self.curve[layer] * 100)

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
    def layer_groups(self) -> Mapping[int, Hashable]:
        """The layers the part changes; those of one form and one weight have equal values."""
        forms = self.package.layer_groups
        chosen = forms if self.layers is None else {layer: forms[layer] for layer in self.layers if layer in forms}
        if self.curve is None:
            return chosen
        weights = {layer: self._curve_hundredths(layer) for layer in chosen if layer < len(self.curve)}
        return {layer: (chosen[layer], weight) for layer, weight in weights.items() if weight}

    @property
    def recipe(self) -> tuple[object, ...]:
        """What identifies it in a composition: weights, how much of them, and where."""
        named = (self.package.digest, self.hundredths, self.band)
        return named if self.curve is None else (*named, self.curve)


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
        CurveLengthDiffers: a curve is not of as many layers as the base has.
        WeightsNotFinite, PackageUnreadable, PackageChanged: the numbers, looked at once for the digest, are unsound.
    """
    for part in parts:
        band = part.layers
        if band is not None and (not band or band.step != 1 or band[0] < 0 or band[-1] >= base.layers):
            raise BandOutOfRange(f"{band.start}-{band.stop - 1}", base.layers - 1)
        if part.curve is not None and len(part.curve) != base.layers:
            raise CurveLengthDiffers(len(part.curve), base.layers)
    return sorted(
        parts, key=lambda part: (part.package.digest, part.hundredths, part.band or (-1, -1), part.curve or ())
    )


def curve_over_layers(points: Sequence[float], layers: int) -> tuple[float, ...]:
    """A curve of one value a layer, through points at equal distances from the first layer to the last, in hundredths.

    Args:
        points: one at least; a single one is the same for every layer.
        layers: of the base model.
    """
    if layers == 1 or len(points) == 1:
        return (round(points[0], 2),) * layers
    found = []
    for layer in range(layers):
        place = layer * (len(points) - 1) / (layers - 1)
        before = min(int(place), len(points) - 2)
        share = place - before
        found.append(round(points[before] * (1 - share) + points[before + 1] * share, 2))
    return tuple(found)
