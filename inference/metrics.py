"""What composing counts and measures, in the process's own Prometheus registry."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

COMPOSITIONS: Final = Counter(
    "consilium_compositions", "Compositions asked for, by what came of it: made, found or failed.", ["result"]
)
"""Exposed as `consilium_compositions_total`; whoever waits for another's making is not counted again."""

COMPOSITION_SECONDS: Final = Histogram(
    "consilium_composition_seconds",
    "Seconds to compose adapters into one package.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)

COMPOSITION_TRUNCATION: Final = Histogram(
    "consilium_composition_truncation",
    "Relative error of compositions cut to the rank limit: lost norm over exact norm.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
