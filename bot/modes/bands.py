"""Bands: the part of the base model's layers that an adapter acts on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bot.modes.errors import LayersOutOfRange


class Third(StrEnum):
    """A third of the model's layers, counted from the input."""

    EARLY = "early"
    MID = "mid"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Layers:
    """Layers from `first` to `last`, both included, counted from 0."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


Band = Third | Layers

_LAYERS = re.compile(r"([0-9]{1,3})\s*-\s*([0-9]{1,3})")


def read_band(text: str) -> Band | None:
    """The band that normalised `text` writes, or None when it writes none."""
    if text in tuple(Third):
        return Third(text)
    if found := _LAYERS.fullmatch(text):
        first, last = int(found[1]), int(found[2])
        return Layers(first, last) if first <= last else None
    return None


def layer_range(band: Band, layers: int) -> Layers:
    """The layers `band` covers in a model of `layers` layers; the thirds part the model without overlap.

    Raises:
        LayersOutOfRange: the model does not have those layers.
    """
    if isinstance(band, Layers):
        first, last = band.first, band.last
    else:
        third = list(Third).index(band)
        first, last = third * layers // 3, (third + 1) * layers // 3 - 1
    if not first <= last < layers:
        nearest = Layers(first, layers - 1) if first < layers else Layers(0, layers - 1)
        raise LayersOutOfRange(str(band), layers, [str(nearest)])
    return Layers(first, last)
