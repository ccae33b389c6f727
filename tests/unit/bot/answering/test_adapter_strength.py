"""How strong a mind's adapters are: one factor for every composition, that no mode's text shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.answering.composer import Composer
from bot.app.settings import DEMO_MIND
from bot.minds import load_mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from inference.adapters.store import CompositionStore
from tests.fakes.adapters import SMOLLM2


@pytest.fixture
def composer_at(tmp_path: Path) -> Callable[[float], Composer]:
    """The demo mind's composer, at a strength."""

    def at(strength: float) -> Composer:
        mind = load_mind(DEMO_MIND)
        mind = replace(mind, policies=mind.policies.model_copy(update={"adapter_strength": strength}))
        return Composer.open(mind, SMOLLM2, CompositionStore(tmp_path / "compositions"))

    return at


@pytest.mark.parametrize(
    ("mode", "text", "scaled"),
    [
        ("sport", "core+sport", [0.5, 0.5]),
        ("sport*0.7+core", "core+sport*0.7", [0.5, 0.35]),
        ("core", "core", [0.5]),
        ("core*0.05", "core*0.05", [0.025]),
        ("classical", "classical", [0.5]),
        ("sport@late+core", "core+sport@late", [0.5, 0.5]),
    ],
)
def test_every_mode_is_scaled_and_its_text_is_not(
    composer_at: Callable[[float], Composer], mode: str, text: str, scaled: list[float]
) -> None:
    composer = composer_at(0.5)
    resolved = resolve_mode(parse_expression(mode), composer.mind)
    assert resolved.text == text
    assert [part.scaled_weight for part in composer.parts(resolved)] == scaled
    composition = composer.compose(resolved)
    assert composition is not None
    assert sorted(part.weight for part in composition.record.parts) == sorted(scaled)


def test_the_base_model_has_no_strength(composer_at: Callable[[float], Composer]) -> None:
    composer = composer_at(0.5)
    assert composer.compose(resolve_mode(parse_expression("base"), composer.mind)) is None


def test_each_strength_has_a_composition_of_its_own(composer_at: Callable[[float], Composer]) -> None:
    mode = resolve_mode(parse_expression("sport"), load_mind(DEMO_MIND))
    made = [composer_at(strength).compose(mode) for strength in (0.5, 0.51, 1.0)]
    assert len({composition.name for composition in made if composition}) == 3


def test_an_explicit_weight_can_come_to_the_same(composer_at: Callable[[float], Composer]) -> None:
    halved, whole = composer_at(0.5), composer_at(1.0)
    by_strength = halved.compose(resolve_mode(parse_expression("sport"), halved.mind))
    by_weights = whole.compose(resolve_mode(parse_expression("core*0.5+sport*0.5"), whole.mind))
    assert by_strength == by_weights
