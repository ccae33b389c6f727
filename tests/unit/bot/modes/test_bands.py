"""Bands over models of any depth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.modes import Layers, Third, layer_range
from bot.modes.errors import LayersOutOfRange


@given(st.integers(3, 200))
def test_thirds_part_the_model(layers: int) -> None:
    covered = [
        layer
        for third in Third
        for found in [layer_range(third, layers)]
        for layer in range(found.first, found.last + 1)
    ]
    assert covered == list(range(layers))


def test_thirds_of_thirty_layers() -> None:
    assert [str(layer_range(third, 30)) for third in Third] == ["0-9", "10-19", "20-29"]


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 50))
def test_layers_are_kept_or_refused(first: int, length: int, layers: int) -> None:
    band = Layers(first, first + length)
    if band.last < layers:
        assert layer_range(band, layers) == band
    else:
        with pytest.raises(LayersOutOfRange) as caught:
            layer_range(band, layers)
        assert f"0-{layers - 1}" in str(caught.value)
        low, high = map(int, caught.value.working[0].split("-"))
        assert layer_range(Layers(low, high), layers)


def test_a_model_without_thirds_offers_its_layers() -> None:
    with pytest.raises(LayersOutOfRange) as caught:
        layer_range(Third.EARLY, 2)
    assert caught.value.working == ("0-1",)
