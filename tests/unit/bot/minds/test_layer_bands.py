"""Bands in models with any number of layers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.minds import LayerRange, NamedBand, resolve_band
from bot.minds.errors import LayersOutOfRange


@given(st.integers(3, 200))
def test_thirds_cover_each_layer_once(layers: int) -> None:
    ranges = [resolve_band(third, layers) for third in NamedBand]
    assert [layer for third in ranges for layer in range(third.first, third.last + 1)] == list(range(layers))


def test_thirds_of_thirty_layers() -> None:
    assert [str(resolve_band(third, 30)) for third in NamedBand] == ["0-9", "10-19", "20-29"]


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 50))
def test_layer_range_is_accepted_only_inside_the_model(first: int, length: int, layers: int) -> None:
    band = LayerRange(first, first + length)
    if band.last < layers:
        assert resolve_band(band, layers) == band
    else:
        with pytest.raises(LayersOutOfRange) as caught:
            resolve_band(band, layers)
        assert f"0-{layers - 1}" in str(caught.value)
        low, high = map(int, caught.value.alternatives[0].split("-"))
        assert resolve_band(LayerRange(low, high), layers)


def test_error_in_a_model_without_thirds_names_its_layers() -> None:
    with pytest.raises(LayersOutOfRange) as caught:
        resolve_band(NamedBand.EARLY, 2)
    assert caught.value.alternatives == ("0-1",)
