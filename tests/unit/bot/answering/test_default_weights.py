"""The default weights of a composition."""

from __future__ import annotations

import math

import pytest

from bot.answering.composer import effective_weights
from bot.minds import Sum, parse_expression
from inference.adapters.manifest import AdapterKind, AdapterManifest

CORE, OTHER_CORE = "c" * 64, "0" * 64


def manifest(name: str, kind: AdapterKind, trained_on: str | None = None) -> AdapterManifest:
    digest = CORE if kind is AdapterKind.CORE else name[0].encode().hex() * 32
    return AdapterManifest(name=name, kind=kind, base_model="m", trained_on=trained_on, digest=digest)


MANIFESTS = {
    "core": manifest("core", AdapterKind.CORE),
    "sport": manifest("sport", AdapterKind.TOPIC, CORE),
    "physics": manifest("physics", AdapterKind.TOPIC, CORE),
    "old": manifest("old", AdapterKind.TOPIC, OTHER_CORE),
    "apart": manifest("apart", AdapterKind.TOPIC),
    "classical": manifest("classical", AdapterKind.ISOLATED),
    "foreign": None,
}
HALF, THIRD = 1 / math.sqrt(2), 1 / math.sqrt(3)


@pytest.mark.parametrize(
    ("mode", "weights"),
    [
        ("core", {"core": 1}),
        ("apart", {"apart": 1}),
        ("classical", {"classical": 1}),
        ("foreign", {"foreign": 1}),
        ("core+sport", {"core": 1, "sport": 1}),
        ("core+sport+physics", {"core": 1, "sport": 1, "physics": 1}),
        ("core+apart", {"core": HALF, "apart": HALF}),
        ("core+old", {"core": HALF, "old": HALF}),
        ("core+foreign", {"core": HALF, "foreign": HALF}),
        ("core+sport+apart", {"core": 1, "sport": 1, "apart": THIRD}),
        ("sport+physics", {"sport": HALF, "physics": HALF}),
        ("core+sport*0.5", {"core": 1, "sport": 0.5}),
        ("core*0.3+apart", {"core": 0.3, "apart": HALF}),
    ],
)
def test_default_weights(mode: str, weights: dict[str, float]) -> None:
    expression = parse_expression(mode)
    assert isinstance(expression, Sum)
    assert effective_weights(expression.terms, MANIFESTS) == pytest.approx(weights)


def test_no_adapters_have_no_weights() -> None:
    assert effective_weights((), {}) == {}
