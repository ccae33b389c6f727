"""Bands: the part of the base model's layers that an adapter acts on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bot.modes.errors import LayersOutOfRange


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

_LAYER_RANGE = re.compile(r"([0-9]{1,3})\s*-\s*([0-9]{1,3})")


def parse_band(text: str) -> Band | None:
    """The band that normalised `text` writes, or None when it writes none."""
    if text in tuple(NamedBand):
        return NamedBand(text)
    if found := _LAYER_RANGE.fullmatch(text):
        first, last = int(found[1]), int(found[2])
        return LayerRange(first, last) if first <= last else None
    return None


def resolve_band(band: Band, layer_count: int) -> LayerRange:
    """The layers `band` covers in a model of `layers` layers; the thirds part the model without overlap.

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
